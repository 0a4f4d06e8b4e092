"""Open edX's LTI platform as a small server, run by the Python of .venv-interop, never imported by our tests.

`lti-consumer-xblock` is a Django app that lives inside the LMS. Here it stands alone: the functions through which it
reaches the LMS (`plugin.compat`) get stand-ins, and everything on the wire is its own code: the login, the
authentication and launch, deep linking and its response, the key set, tokens, line items, scores, results and members.

Ours are five addresses besides:
  GET /registration.json              what the tool must know, with the names of its command line
  GET /open?user=&role=&custom.x=...  a click on the activity: 302 to the tool's login. With message=deep_linking, a course
                                      author's click on "select content"; with item=ID, on what was placed by it
  GET /content.json                   what deep linking has placed, with the ids for item=
  GET /gradebook.json                 what reached the LMS's own gradebook hook, in order
  GET /healthz
Usage: xblock_platform.py --port N --data DIR --tool URL
"""

import argparse
import json
import socketserver
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *arguments):
        print(format % arguments, file=sys.stderr)


def main():
    # Django's models can be imported only after its settings, so the imports stand inside.
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tool", required=True, help="base address of the tool")
    options = parser.parse_args()
    base = f"http://127.0.0.1:{options.port}"
    location_id = "block-v1:Tarnwell+Support+2026+type@lti_consumer+block@practice"
    course_id = "course-v1:Tarnwell+Support+2026"

    addresses = ModuleType("addresses")
    # Django takes its middleware by name.
    sys.modules["addresses"] = addresses
    # Whose session the browser has: the deep linking response is taken from course authors only.
    author = SimpleNamespace(is_authenticated=True, is_active=True)

    def somebody(get_response):
        def answer(request):
            request.user = None if "outsider" in request.COOKIES else author
            return get_response(request)

        return answer

    addresses.somebody = somebody
    settings.configure(
        SECRET_KEY="for tests on this machine only",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        # A failure shows in the log with its traceback.
        DEBUG_PROPAGATE_EXCEPTIONS=True,
        LTI_BASE=base,
        LTI_API_BASE=base,
        PLATFORM_NAME="Open edX for tests",
        USAGE_ID_PATTERN=r"(?P<usage_id>[^/]+)",
        ROOT_URLCONF=addresses,
        MIDDLEWARE=["addresses.somebody"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": options.data / "lms.sqlite3",
                "OPTIONS": {"timeout": 20},
            }
        },
        # The launch data wait in the cache between login and authentication; all requests are served by this process.
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "config_models",
            "lti_consumer.apps.LTIConsumerApp",
        ],
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
    )
    django.setup()

    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponseRedirect, JsonResponse
    from django.urls import include, path
    from lti_consumer.api import get_lti_1p3_launch_info, get_lti_1p3_launch_start_url
    from lti_consumer.data import Lti1p3LaunchData
    from lti_consumer.models import CourseAllowPIISharingInLTIFlag, Lti1p3Passport, LtiConfiguration
    from lti_consumer.plugin import compat
    from opaque_keys.edx.keys import CourseKey, UsageKey

    published = []

    def publish(user, score, maximum, comment):
        """What Open edX's grade book would receive: `score` is a share of one."""
        published.append({"user": user, "score": score, "maximum": maximum, "comment": comment})

    block = SimpleNamespace(
        display_name="Practice",
        weight=10,
        start=None,
        due=None,
        has_score=True,
        accept_grades_past_due=True,
        is_past_due=lambda: False,
        max_score=lambda: 10,
        set_user_module_score=publish,
        scope_ids=SimpleNamespace(usage_id=location_id),
    )
    compat.load_enough_xblock = lambda location: block
    compat.load_block_as_user = lambda location: block
    compat.get_user_from_external_user_id = lambda external_id: external_id
    compat.get_event_tracker = lambda: None
    compat.user_has_studio_write_access = lambda user, course_key: user is author

    # The course's people as the LMS hands them to the consumer: by its own number, with its own names of roles.
    people = {
        number: {"id": number, "roles": roles, "name": f"Person {sub}", "email": f"{sub}@openedx.example"}
        | {"external_id": sub}
        for number, (sub, roles) in enumerate(
            [*((f"learner-{number}", ["student"]) for number in range(1, 6)), ("instructor-1", ["staff"])], 1
        )
    }
    compat.get_course_members = lambda course_key: {number: dict(one) for number, one in people.items()}
    compat.merge_course_forum_roles = lambda course_key, members: members
    compat.batch_get_or_create_externalids = lambda users: {
        number: SimpleNamespace(external_user_id=one["external_id"]) for number, one in people.items()
    }

    call_command("migrate", verbosity=0)
    passport = Lti1p3Passport.objects.create(
        name="Workside",
        lti_1p3_client_id="workside-openedx",
        lti_1p3_tool_keyset_url=f"{options.tool}/lti/jwks.json",
    )
    configuration = LtiConfiguration.objects.create(
        version=LtiConfiguration.LTI_1P3,
        config_store=LtiConfiguration.CONFIG_ON_DB,
        location=UsageKey.from_string(location_id),
        lti_1p3_passport=passport,
        lti_1p3_oidc_url=f"{options.tool}/lti/login",
        lti_1p3_launch_url=f"{options.tool}/lti/launch",
        lti_1p3_redirect_uris=[f"{options.tool}/lti/launch"],
        lti_advantage_ags_mode=LtiConfiguration.LTI_ADVANTAGE_AGS_DECLARATIVE,
        lti_advantage_enable_nrps=True,
        lti_advantage_deep_linking_enabled=True,
        lti_advantage_deep_linking_launch_url=f"{options.tool}/",
    )
    CourseAllowPIISharingInLTIFlag.objects.create(course_id=CourseKey.from_string(course_id), enabled=True)

    def launch_data(user, role, custom):
        return Lti1p3LaunchData(
            user_id=user,
            user_role=role,
            config_id=configuration.config_id,
            resource_link_id=location_id,
            external_user_id=user,
            name=f"Person {user}",
            context_id=course_id,
            context_type=["course_offering"],
            context_title="Support onboarding",
            context_label="SUP-1",
            custom_parameters=custom,
        )

    def show_registration(request):
        info = get_lti_1p3_launch_info(launch_data("nobody", "student", {}))
        return JsonResponse(
            {
                "name": "Open edX",
                "issuer": base,
                "client_id": info["client_id"],
                "deployment_id": info["deployment_id"],
                "auth_url": info["oidc_callback"],
                "token_url": info["token_url"],
                "jwks_url": info["keyset_url"],
            }
        )

    def open_activity(request):
        custom = {name[7:]: value for name, value in request.GET.items() if name.startswith("custom.")}
        return HttpResponseRedirect(
            get_lti_1p3_launch_start_url(
                launch_data(request.GET.get("user", "learner-1"), request.GET.get("role", "student"), custom),
                deep_link_launch=request.GET.get("message") == "deep_linking",
                dl_content_id=request.GET.get("item"),
            )
        )

    def show_content(request):
        placed = configuration.ltidlcontentitem_set.order_by("id")
        items = [{"id": item.id, "type": item.content_type, **item.attributes} for item in placed]
        return JsonResponse({"items": items})

    def show_gradebook(request):
        return JsonResponse({"grades": published}, json_dumps_params={"indent": 1})

    addresses.urlpatterns = [
        path("api/", include("lti_consumer.plugin.urls", namespace="lti_consumer")),
        path("registration.json", show_registration),
        path("open", open_activity),
        path("gradebook.json", show_gradebook),
        path("content.json", show_content),
        path("healthz", lambda request: JsonResponse({"status": "ok"})),
    ]

    with make_server("127.0.0.1", options.port, get_wsgi_application(), Server, QuietHandler) as server:
        print(json.dumps({"ready": base}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
