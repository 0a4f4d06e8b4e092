"""H. Dynamic registration (cases 105 to 109), against the running application and fake platforms that register tools."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import select

from app.course.models import Deployment, Organisation, Registration
from app.course.services import make_services
from app.kit.audit import AuditEvent
from app.kit.egress import EgressClient
from app.kit.settings import Settings
from app.rooms.admin.models import Invitation
from lti.dynamic_registration import CLAIMS, CUSTOM_PARAMETERS, MESSAGES
from lti.registration import origin_of
from retrieval import HashingEmbedder
from tests.conformance.service import TOOL, Service
from tests.fakes.registration import MESSAGES as OFFERED
from tests.fakes.registration import NOTICES_SCOPE, SITES, Fault
from tests.fakes.registration import TOOL as TOOL_CONFIGURATION

FAMILIES = sorted(SITES)


@pytest.fixture
def service(tmp_path: Path, migrated_database: Path) -> Iterator[Service]:
    shutil.copy(migrated_database, tmp_path / "workside.db")
    settings = Settings(
        _env_file=None, data_dir=tmp_path, base_url=TOOL, worker="separate", log_level="error"
    )
    services = make_services(settings, embedder=HashingEmbedder())
    yield Service(services)
    services.close()


def registration(service: Service) -> Registration:
    with service.services.database.read() as session:
        return session.scalars(select(Registration)).one()


def invitation(service: Service) -> Invitation:
    with service.services.database.read() as session:
        return session.scalars(select(Invitation)).one()


def nothing_was_made(service: Service) -> None:
    assert service.count(Registration) == service.count(Deployment) == 0


# --- 105 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_case_105_107_108_every_family_registers_us_by_itself(service: Service, family: str) -> None:
    registrar = service.registrar(family)
    link = service.invite(family)
    answer = service.connect(link, registrar.invite())
    assert answer.status_code == 200, answer.text
    assert "Workside is connected" in answer.text
    made = registration(service)
    assert (made.issuer, made.client_id) == (SITES[family], registrar.platform.client_id)
    assert made.platform == family and made.is_active and not made.allow_private
    urls = (registrar.platform.auth_url, registrar.platform.token_url, registrar.platform.jwks_url)
    assert (made.auth_url, made.token_url, made.jwks_url) == urls
    with service.services.database.read() as session:
        assert session.get_one(Organisation, made.organisation_id).name == "North"
    assert invitation(service).used_at is not None


def test_case_105_the_token_goes_along_as_bearer(service: Service) -> None:
    for family in ("canvas", "moodle", "sakai"):
        registrar = service.registrar(family)
        fields = registrar.invite()
        assert service.connect(service.invite(family), fields).status_code == 200
        sent = [request.headers.get("authorization") for request in registrar.seen]
        assert sent == [f"Bearer {fields['registration_token']}"] * 2


def test_case_105_brightspace_sends_no_token_and_none_is_made_up(service: Service) -> None:
    registrar = service.registrar("brightspace")
    fields = registrar.invite()
    assert "registration_token" not in fields
    assert service.connect(service.invite("brightspace"), fields).status_code == 200
    assert all("authorization" not in request.headers for request in registrar.seen)


def test_case_105_canvas_gives_nothing_to_a_wrong_token(service: Service) -> None:
    registrar = service.registrar("canvas")
    fields = registrar.invite() | {"registration_token": "stale"}
    answer = service.connect(service.invite("canvas"), fields)
    assert answer.status_code == 422
    assert "accept its own registration link any more" in answer.text
    assert "Invalid registration token" in answer.text
    nothing_was_made(service)


@pytest.mark.parametrize("family", ["moodle", "generic"])
def test_case_105_the_page_works_in_a_frame_of_any_https_site_without_a_cookie(
    service: Service, family: str
) -> None:
    registrar = service.registrar(family)
    link = service.invite(family)
    page = service.visitor.get(link, params=registrar.invite())
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors https:") and "form-action 'self'" in policy
    assert "x-frame-options" not in page.headers and "set-cookie" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


# --- 106 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "another issuer",
        "redirect",
        "2 MB",
        "html",
        "slow",
        "endpoints elsewhere",
        "registers elsewhere",
        "plain http",
        "private",
        "no keys",
    ],
)
def test_case_106_a_hostile_configuration_makes_nothing_and_gets_nothing(
    service: Service, fault: Fault
) -> None:
    registrar = service.registrar("generic", fault)
    link = service.invite()
    fields = registrar.invite()
    answer = service.connect(link, fields)
    assert answer.status_code == 422, answer.text
    assert "Nothing was kept here" in answer.text
    nothing_was_made(service)
    assert registrar.registered == []
    # The token is for its platform alone, and nothing is posted anywhere.
    for method, url, headers in service.egress.sent:
        assert method == "GET"
        asked = origin_of(fields["openid_configuration"])
        assert origin_of(url) == asked or "Authorization" not in headers, url
    if fault in {"plain http", "private"}:
        assert all(url == fields["openid_configuration"] for _, url, _ in service.egress.sent)
    # The invitation is as good as before, and the operator sees what happened.
    row = invitation(service)
    assert row.used_at is None and row.claimed_until is None and row.problem
    shown = service.operator.get(f"/admin/invitations/{row.id}").text
    assert "The last try failed" in shown and link in shown


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "169.254.169.254",
        "10.0.0.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
    ],
)
def test_case_106_the_real_way_out_reaches_no_private_address(service: Service, host: str) -> None:
    """With the application's own egress client: nothing listens there, and nothing is asked whether something does."""
    service.services.egress = EgressClient()
    link = service.invite()
    answer = service.press(link, {"openid_configuration": f"https://{host}/.well-known/openid-configuration"})
    assert answer.status_code == 422
    assert "configuration can&#39;t be used" in answer.text
    nothing_was_made(service)
    service.services.egress.close()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://lms.example/x",
        "//lms.example/x",
        "https://user:pw@lms.example/x",
        "https://lms.example\\@evil.example/",
        "javascript:alert(1)",
        "https://" + "x" * 2000,
        "https://127.0.0.1 /",
        "file:///etc/passwd",
    ],
)
def test_case_106_an_address_that_is_none_is_not_asked(service: Service, address: str) -> None:
    link = service.invite()
    answer = service.press(link, {"openid_configuration": address})
    assert answer.status_code == 422
    assert service.egress.sent == []
    nothing_was_made(service)


def test_case_106_a_family_s_own_hosts_are_believed_only_for_that_family(service: Service) -> None:
    """Canvas's sign-on host speaks for canvas.instructure.com; for another issuer it may not, nor another host for Canvas."""
    registrar = service.registrar("canvas")
    registrar.platform.issuer = "https://moodle.example"
    refused = service.connect(service.invite("canvas"), registrar.invite())
    assert refused.status_code == 422 and "names another platform" in refused.text
    registrar.platform.issuer = "https://canvas.instructure.com"
    fields = registrar.invite() | {
        "openid_configuration": "https://evil.example/.well-known/openid-configuration"
    }
    assert service.press(service.invite("canvas"), fields).status_code == 422
    nothing_was_made(service)


@pytest.mark.parametrize("how", ["guessed", "empty", "used", "revoked", "expired", "cut"])
def test_case_106_without_an_open_invitation_nothing_is_made_and_nothing_is_asked(
    service: Service, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar = service.registrar("moodle")
    link = service.invite("moodle")
    if how == "guessed":
        link = "/lti/register/" + "A" * 43
    elif how == "empty":
        link = "/lti/register/%20"
    elif how == "cut":
        link = link[:-1]
    elif how == "used":
        assert service.connect(link, registrar.invite()).status_code == 200
    elif how == "revoked":
        row = invitation(service)
        assert service.operator.post(f"/admin/invitations/{row.id}/revoke").status_code == 303
    elif how == "expired":
        monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(3601))
    before = (service.count(Registration), len(service.egress.sent), service.count(AuditEvent))
    fields = registrar.invite()
    for answer in (service.visitor.get(link, params=fields), service.press(link, fields)):
        assert answer.status_code == 404
        assert "registration link doesn&#39;t work" in answer.text
        assert "set-cookie" not in answer.headers
    assert (service.count(Registration), len(service.egress.sent), service.count(AuditEvent)) == before


def test_case_106_opening_the_link_asks_nobody_anything(service: Service) -> None:
    registrar = service.registrar("moodle")
    page = service.visitor.get(service.invite("moodle"), params=registrar.invite())
    assert "moodle.example asks to be connected" in page.text
    assert service.egress.sent == []


def test_case_106_a_registration_that_exists_is_never_replaced(service: Service) -> None:
    """A platform that hands out a client id of another registration (same issuer) takes nothing over."""
    registrar = service.registrar("moodle")
    assert service.connect(service.invite("moodle"), registrar.invite()).status_code == 200
    first = registration(service)
    fields = registrar.invite()

    class SameAgain:
        def __next__(self) -> int:
            return int(first.client_id.rpartition("-")[2]) - 10_000_000_000

    import tests.fakes.registration as fakes

    numbers, fakes._numbers = fakes._numbers, SameAgain()  # type: ignore[assignment]
    try:
        answer = service.connect(service.invite("moodle", name="Another"), fields)
    finally:
        fakes._numbers = numbers
    assert answer.status_code == 422 and "registered here already" in answer.text
    assert registration(service).name == first.name == "The school"


# --- 107 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_case_107_the_registration_says_what_the_specification_asks_for(
    service: Service, family: str
) -> None:
    registrar = service.registrar(family)
    assert service.connect(service.invite(family), registrar.invite()).status_code == 200
    sent: dict[str, Any] = registrar.registered[0]
    assert sent["application_type"] == "web"
    assert sent["response_types"] == ["id_token"]
    assert sorted(sent["grant_types"]) == ["client_credentials", "implicit"]
    assert sent["initiate_login_uri"] == f"{TOOL}/lti/login"
    assert sent["redirect_uris"] == [f"{TOOL}/lti/launch"]
    assert sent["jwks_uri"] == f"{TOOL}/lti/jwks.json"
    assert sent["token_endpoint_auth_method"] == "private_key_jwt"
    assert sent["client_name"]
    tool = sent[TOOL_CONFIGURATION]
    assert tool["domain"] == "tool.example" and tool["target_link_uri"] == f"{TOOL}/lti/launch"
    assert tool["custom_parameters"] == CUSTOM_PARAMETERS
    assert "null" not in json.dumps(sent)
    # Our own addresses answer.
    for url in (sent["jwks_uri"], sent["logo_uri"]):
        assert service.visitor.get(url).status_code == 200


@pytest.mark.parametrize("family", FAMILIES)
def test_case_107_only_what_the_platform_offers_is_asked_for(service: Service, family: str) -> None:
    registrar = service.registrar(family)
    assert service.connect(service.invite(family), registrar.invite()).status_code == 200
    sent = registrar.registered[0]
    tool = sent[TOOL_CONFIGURATION]
    offered = {entry["type"]: entry.get("placements", []) for entry in OFFERED[family]}
    asked = {message["type"]: message.get("placements", []) for message in tool["messages"]}
    assert set(asked) == (set(offered) & MESSAGES or {"LtiResourceLinkRequest"})
    for type_, placements in asked.items():
        assert set(placements) <= set(offered.get(type_, []))
    if family != "generic":
        assert set(sent["scope"].split()) <= set(registrar.offered_scopes())
        assert set(tool["claims"]) <= {"sub", "iss", "name", "given_name", "family_name"}
        assert (NOTICES_SCOPE in sent["scope"]) == (family == "canvas")
    else:
        assert tool["claims"] == list(CLAIMS)
    assert "email" not in tool["claims"]


def test_case_107_canvas_gets_placements_and_a_privacy_level(service: Service) -> None:
    registrar = service.registrar("canvas")
    assert service.connect(service.invite("canvas"), registrar.invite()).status_code == 200
    tool = registrar.registered[0][TOOL_CONFIGURATION]
    messages = {message["type"]: message for message in tool["messages"]}
    assert messages["LtiDeepLinkingRequest"]["placements"] == ["assignment_selection", "link_selection"]
    menu = messages["LtiResourceLinkRequest"]
    assert menu["placements"] == ["course_navigation"]
    assert menu["https://canvas.instructure.com/lti/course_navigation/default_enabled"] is False
    assert tool["https://canvas.instructure.com/lti/privacy_level"] == "name_only"
    assert tool["https://canvas.instructure.com/lti/tool_id"] == "workside"


def test_case_107_canvas_s_developer_key_by_address_says_the_same(service: Service) -> None:
    answer = service.visitor.get("/lti/canvas.json")
    document = answer.json()
    assert document["oidc_initiation_url"] == f"{TOOL}/lti/login"
    assert document["target_link_uri"] == f"{TOOL}/lti/launch"
    assert document["public_jwk_url"] == f"{TOOL}/lti/jwks.json"
    assert document["custom_fields"] == CUSTOM_PARAMETERS
    (extension,) = document["extensions"]
    assert extension["platform"] == "canvas.instructure.com" and extension["privacy_level"] == "name_only"
    places = {entry["placement"]: entry for entry in extension["settings"]["placements"]}
    assert set(places) == {"assignment_selection", "link_selection", "course_navigation"}
    assert places["course_navigation"]["default"] == "disabled"
    assert places["link_selection"]["message_type"] == "LtiDeepLinkingRequest"
    assert "private" not in answer.text.lower() and "secret" not in answer.text.lower()


# --- 108 -------------------------------------------------------------------------------------------------------------


def test_case_108_a_named_deployment_is_let_in_at_once(service: Service) -> None:
    registrar = service.registrar("moodle")
    assert service.connect(service.invite("moodle"), registrar.invite()).status_code == 200
    answer = service.launch(registrar.platform)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/start/"), answer.text
    # Moodle took one scope less: what was granted is what is kept.
    assert not [scope for scope in registration(service).scopes if scope.endswith("/lineitem")]


def test_case_108_canvas_names_no_deployment_and_the_first_launch_brings_it(service: Service) -> None:
    registrar = service.registrar("canvas")
    done = service.connect(service.invite("canvas"), registrar.invite())
    assert "One step is left" in done.text
    assert service.count(Deployment) == 0
    waits = service.launch(registrar.platform)
    assert waits.status_code == 403 and registrar.platform.deployment_id in waits.text
    made = registration(service)
    page = service.operator.get(f"/admin/platforms/{made.id}").text
    assert "One step left: let its deployment in" in page and registrar.platform.deployment_id in page
    with service.services.database.read() as session:
        row = session.scalars(select(Deployment)).one()
    assert row.status == "pending"
    let_in = service.operator.post(
        f"/admin/deployments/{row.id}/activate", data={"organisation": "North"}, headers={"Origin": TOOL}
    )
    assert let_in.status_code == 303
    assert service.launch(registrar.platform).status_code == 303


def test_case_108_a_token_that_was_used_is_told_in_words_and_leaves_nothing(service: Service) -> None:
    registrar = service.registrar("moodle")
    fields = registrar.invite()
    registrar.tokens[fields["registration_token"]] = True
    link = service.invite("moodle")
    answer = service.connect(link, fields)
    assert answer.status_code == 422
    assert "accept its own registration link any more" in answer.text and "token_already_used" in answer.text
    nothing_was_made(service)
    # The platform's link was spent, ours was not: begun again in the platform, it works.
    assert service.connect(link, registrar.invite()).status_code == 200
    assert service.count(Registration) == 1


@pytest.mark.parametrize(
    ("family", "member", "said"),
    [("moodle", "domain", "domain_targetlinkuri_mismatch"), ("canvas", "scope", "scope is not included")],
)
def test_case_108_a_refusal_is_shown_in_the_platform_s_own_words(
    service: Service, family: str, member: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar = service.registrar(family)
    if member == "domain":
        monkeypatch.setattr("lti.dynamic_registration.ToolDescription.domain", "other.example")
    else:
        monkeypatch.setattr(registrar, "offered_scopes", lambda: [])
        monkeypatch.setattr("lti.dynamic_registration._offered", lambda wanted, offered: list(wanted))
    answer = service.connect(service.invite(family), registrar.invite())
    assert answer.status_code == 422
    assert "Your platform refused the registration" in answer.text and said in answer.text
    nothing_was_made(service)


@pytest.mark.parametrize("fault", ["500", "cut", "reply lost", "no client id", "html reply"])
def test_case_108_an_unclear_answer_makes_nothing_here_and_says_where_to_look(
    service: Service, fault: Fault
) -> None:
    registrar = service.registrar("moodle", fault)
    link = service.invite("moodle")
    answer = service.connect(link, registrar.invite())
    assert answer.status_code == 422
    assert "Look among its tools first" in answer.text
    nothing_was_made(service)
    registrar.fault = ""
    assert service.connect(link, registrar.invite()).status_code == 200


def test_case_108_of_two_at_once_one_wins(service: Service) -> None:
    registrar = service.registrar("moodle")
    link = service.invite("moodle")
    gate = threading.Barrier(4)
    statuses = []

    def press(fields: dict[str, str]) -> None:
        browser = service.browser()
        gate.wait()
        statuses.append(browser.post(link, data=fields, headers={"Origin": TOOL}).status_code)

    threads = [threading.Thread(target=press, args=(registrar.invite(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses)[0] == 200 and set(statuses[1:]) <= {200, 404, 409}
    assert statuses.count(200) == 1
    assert service.count(Registration) == 1 and len(registrar.registered) == 1


def test_case_108_an_invitation_revoked_meanwhile_keeps_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar = service.registrar("moodle")
    link = service.invite("moodle")
    row = invitation(service)
    judge = registrar._judge

    def revoke_meanwhile(document: dict[str, Any]) -> Any:
        service.operator.post(f"/admin/invitations/{row.id}/revoke")
        return judge(document)

    monkeypatch.setattr(registrar, "_judge", revoke_meanwhile)
    answer = service.connect(link, registrar.invite())
    assert answer.status_code == 422 and "was revoked in the meantime" in answer.text
    nothing_was_made(service)


def test_the_faults_are_all_used() -> None:
    """Each way of being broken stands in a test above."""
    text = Path(__file__).read_text()
    assert [fault for fault in get_args(Fault) if fault and f'"{fault}"' not in text] == []


# --- 109 -------------------------------------------------------------------------------------------------------------


def test_case_109_the_end_page_tells_the_platform_to_close(service: Service) -> None:
    registrar = service.registrar("canvas")
    answer = service.connect(service.invite("canvas"), registrar.invite())
    assert 'id="close"' in answer.text and "/static/js/register.js" in answer.text
    assert "<script>" not in answer.text and "onclick" not in answer.text
    script = service.visitor.get("/static/js/register.js").text
    assert 'postMessage({ subject: "org.imsglobal.lti.close" }' in script
    assert "window.opener || window.parent" in script


def test_no_secret_of_a_registration_is_logged(
    service: Service, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    registrar = service.registrar("moodle")
    link = service.invite("moodle")
    fields = registrar.invite()
    service.connect(link, fields)
    printed = "".join(capfd.readouterr()) + caplog.text
    assert fields["registration_token"] not in printed
    assert link.rpartition("/")[2] not in printed
