"""The operator's pages of platforms and deployments, through the real application."""

from __future__ import annotations

import re

import pytest
from httpx import Response
from sqlalchemy import func, select

from app.course.launches import admit_launch
from app.course.models import Deployment, Organisation, Registration, RegistrationHealth
from app.course.platforms import PlatformRefused, add_platform
from app.course.protocol import MOST_PENDING, DatabaseRegistrations, registration_of
from app.kit import egress as kit_egress
from app.kit.audit import AuditEvent
from lti.errors import DeploymentInactive
from lti.ports import EgressResponse
from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import Campus
from tests.app.rooms.placing import picker

FORM = {
    "name": "Moodle of the school",
    "organisation": "north",
    "platform": "moodle",
    "issuer": "https://moodle.example",
    "client_id": "a1B2",
    "deployment_id": "7",
    "auth_url": "https://moodle.example/auth",
    "token_url": "https://moodle.example/token",
    "jwks_url": "https://moodle.example/certs",
    "audience": "",
}


def row_of(campus: Campus, issuer: str = "https://moodle.example") -> Registration:
    with campus.services.database.read() as session:
        return session.scalars(select(Registration).where(Registration.issuer == issuer)).one()


def deployment_of(campus: Campus, deployment_id: str) -> Deployment:
    with campus.services.database.read() as session:
        return session.scalars(select(Deployment).where(Deployment.deployment_id == deployment_id)).one()


def actions(campus: Campus) -> list[str]:
    with campus.services.database.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    return [
        row.action
        for row in rows
        if row.actor_id is not None and not row.action.startswith(("admin.", "visit."))
    ]


def register(operator: Operator, **changes: str) -> str:
    made = operator.post("/admin/platforms", FORM | changes)
    assert made.status_code == 303, made.text
    return str(made.headers["location"])


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_platform_is_registered_by_hand(campus: Campus, operator: Operator) -> None:
    sheet = operator.get("/admin/new/by-hand").text
    for value in ("/lti/launch", "/lti/login", "/lti/jwks.json", "/lti/canvas.json"):
        assert f"http://localhost:8000{value}" in sheet
    page = operator.get(register(operator, client_id="  a1B2  ", allow_anonymous="on"))
    row = row_of(campus)
    assert (row.client_id, row.platform, row.allow_anonymous, row.allow_private) == (
        "a1B2", "moodle", True, False,
    )  # fmt: skip
    assert deployment_of(campus, "7").status == "active"
    for value in (row.issuer, row.client_id, row.auth_url, row.token_url, row.jwks_url, "No launch yet"):
        assert value in page.text
    assert actions(campus) == ["platform.registered"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "1 to 200 characters"),
        ("issuer", "x" * 501, "1 to 500 characters"),
        ("client_id", "a\nb", "1 to 255 characters"),
        ("auth_url", "moodle.example/auth", "full address"),
        ("token_url", "ftp://moodle.example", "full address"),
        ("jwks_url", "https://user:pw@moodle.example/certs", "full address"),
        ("jwks_url", "https://[::1", "full address"),
        ("organisation", "", "Choose an organisation, or name a new one."),
        ("organisation", "x" * 201, "1 to 200 characters"),
        ("platform", "nothing", "one of the list"),
    ],
)
def test_a_field_that_needs_another_look_is_told_beside_it_and_nothing_is_lost(
    campus: Campus, operator: Operator, field: str, value: str, said: str
) -> None:
    before = campus.count(Registration), campus.count(Organisation)
    answer = operator.post("/admin/platforms", FORM | {field: value})
    assert answer.status_code == 422
    assert (campus.count(Registration), campus.count(Organisation)) == before
    assert said in answer.text
    assert 'value="Moodle of the school"' in answer.text or field == "name"


def test_no_form_chooses_an_organisation_for_the_operator(campus: Campus, operator: Operator) -> None:
    for path in ("/admin/new", "/admin/new/by-hand"):
        page = operator.get(path).text
        assert '<option value="">Choose …</option>' in page and "<option selected>" not in page
    invitation = {"name": "M", "platform": "moodle", "hours": "24"}
    for form, said in (
        (invitation | {"organisation": ""}, "Choose an organisation, or name a new one."),
        (invitation | {"organisation": "north", "platform": ""}, "Choose one of the list."),
    ):
        answer = operator.post("/admin/invitations", form)
        assert answer.status_code == 422 and said in answer.text


def test_a_form_never_replaces_a_platform_that_is_there(campus: Campus, operator: Operator) -> None:
    register(operator)
    answer = operator.post(
        "/admin/platforms", FORM | {"name": "Another", "new_organisation": "Made up", "token_url": "https://evil.example/"}
    )  # fmt: skip
    assert answer.status_code == 422 and "registered already" in answer.text
    row = row_of(campus)
    assert (row.name, row.token_url) == (FORM["name"], FORM["token_url"])
    with campus.services.database.read() as session:
        assert "Made up" not in session.scalars(select(Organisation.name)).all()


def test_markup_in_a_platforms_values_stays_text(campus: Campus, operator: Operator) -> None:
    page = operator.get(register(operator, name="<script>alert(1)</script>", client_id='"><img src=x>'))
    assert "<script>alert" not in page.text and "<img" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_values_are_changed_and_the_key_stays(campus: Campus, operator: Operator) -> None:
    page = register(operator)
    form = FORM | {
        "token_url": "https://moodle.example/t2",
        "audience": "https://a.example",
        "allow_private": "on",
        "issuer": "https://evil.example",
    }
    assert operator.post(f"{page}/edit", form).status_code == 303
    row = row_of(campus)
    assert (row.token_url, row.audience, row.allow_private) == (
        "https://moodle.example/t2", "https://a.example", True,
    )  # fmt: skip
    with campus.services.database.read() as session:
        detail = session.scalars(
            select(AuditEvent.detail).where(AuditEvent.action == "platform.changed")
        ).one()
    assert detail == {"fields": "allow_private,audience,token_url"}
    wrong = operator.post(f"{page}/edit", form | {"jwks_url": "nothing"})
    assert wrong.status_code == 422 and 'value="nothing"' in wrong.text
    assert 'value="https://moodle.example/t2"' in operator.get(f"{page}/edit").text


@pytest.mark.parametrize("path", ["/admin/platforms/x", "/admin/platforms/x/edit", "/admin/invitations/x"])
def test_what_is_not_there_is_not_found(operator: Operator, path: str) -> None:
    assert operator.get(path).status_code == 404


# --- off and on ------------------------------------------------------------------------------------------------------


def test_a_platform_switched_off_lets_nobody_in_and_ends_visits(campus: Campus, operator: Operator) -> None:
    north = row_of(campus, "https://north.example")
    ana, southern = campus.visit(), campus.visit("eve", "learner", "parcels", "south")
    page = f"/admin/platforms/{north.id}"
    assert operator.post(f"{page}/switch", {"on": "no"}).status_code == 303
    assert ana.get("/").status_code == 401 and southern.get("/").status_code == 200
    registrations = DatabaseRegistrations(campus.services.database)
    assert registrations.deployment_status(registration_of(north), "1") == "inactive"
    assert registrations.deployment_status(registration_of(north), "never seen") == "inactive"
    assert "Switched off" in operator.get("/admin").text
    operator.post(f"{page}/switch", {"on": "yes"})
    assert registrations.deployment_status(registration_of(north), "1") == "active"
    assert actions(campus) == ["platform.switched_off", "platform.switched_on"]


def test_a_deployment_switched_off_ends_its_visits_alone(campus: Campus, operator: Operator) -> None:
    ana, southern = campus.visit(), campus.visit("eve", "learner", "parcels", "south")
    placing = picker(campus, context=False)
    assert placing.get("/picker").status_code == 200
    north = row_of(campus, "https://north.example")
    with campus.services.database.read() as session:
        one = session.scalars(select(Deployment).where(Deployment.registration_id == north.id)).one()
    assert operator.post(f"/admin/deployments/{one.id}/deactivate").status_code == 303
    assert ana.get("/").status_code == 401 and southern.get("/").status_code == 200
    # Also those outside a course, those that a slow launch begins, and those that a request in flight prolongs.
    assert placing.get("/picker").status_code == 401
    with pytest.raises(DeploymentInactive):
        admit_launch(campus.services, campus.launch("bo"))
    operator.post(f"/admin/deployments/{one.id}/activate")
    assert ana.get("/").status_code == placing.get("/picker").status_code == 401
    registrations = DatabaseRegistrations(campus.services.database)
    assert registrations.deployment_status(registration_of(north), "1") == "active"
    assert actions(campus) == ["deployment.switched_off", "deployment.activated"]


# --- what waits ------------------------------------------------------------------------------------------------------


def see(campus: Campus, deployment_id: str) -> str:
    north = registration_of(row_of(campus, "https://north.example"))
    return DatabaseRegistrations(campus.services.database).deployment_status(north, deployment_id)


def test_a_deployment_seen_first_waits_until_an_operator_says_for_whom(
    campus: Campus, operator: Operator
) -> None:
    assert [see(campus, "new one") for _ in range(3)] == ["pending"] * 3
    row = deployment_of(campus, "new one")
    for path in ("/admin/waiting", f"/admin/platforms/{row.registration_id}"):
        assert "new one" in operator.get(path).text
    assert "1 deployment waits to be let in." in operator.get("/admin").text
    form = {"organisation": "north", "new_organisation": "School of nursing"}
    assert operator.post(f"/admin/deployments/{row.id}/activate", form).status_code == 303
    assert see(campus, "new one") == "active"
    with campus.services.database.read() as session:
        owner = session.get_one(Organisation, deployment_of(campus, "new one").organisation_id)
    assert owner.name == "School of nursing"
    assert "Nothing waits" in operator.get("/admin/waiting").text


def test_a_deployment_is_not_let_in_for_nobody_and_a_school_of_blackboard_is_not_guessed(
    campus: Campus, operator: Operator
) -> None:
    see(campus, "new one")
    row = deployment_of(campus, "new one")
    answer = operator.post(f"/admin/deployments/{row.id}/activate", {"organisation": ""})
    assert answer.status_code == 422 and "Choose an organisation, or name a new one." in answer.text
    assert see(campus, "new one") == "pending"
    for path in ("/admin/waiting", f"/admin/platforms/{row.registration_id}"):
        assert "<option selected>north</option>" in operator.get(path).text
    with campus.services.database.write() as session:
        session.get_one(Registration, row.registration_id).platform = "blackboard"
    for path in ("/admin/waiting", f"/admin/platforms/{row.registration_id}"):
        page = operator.get(path).text
        assert '<option value="">Choose …</option>' in page and "<option selected>" not in page


def test_a_refused_deployment_stays_refused(campus: Campus, operator: Operator) -> None:
    see(campus, "new one")
    row = deployment_of(campus, "new one")
    operator.post(f"/admin/deployments/{row.id}/deactivate")
    assert see(campus, "new one") == "inactive"
    assert actions(campus) == ["deployment.refused"]


def test_no_more_than_a_hundred_of_one_registration_wait(campus: Campus) -> None:
    assert [see(campus, f"d{n}") for n in range(MOST_PENDING)] == ["pending"] * MOST_PENDING
    assert see(campus, "one more") == "unknown"
    with campus.services.database.read() as session:
        count = session.scalar(
            select(func.count()).select_from(Deployment).where(Deployment.status == "pending")
        )
    assert count == MOST_PENDING


def test_a_deployment_in_which_people_worked_keeps_its_organisation(
    campus: Campus, operator: Operator
) -> None:
    campus.visit()
    north = row_of(campus, "https://north.example")
    with campus.services.database.read() as session:
        one = session.scalars(select(Deployment).where(Deployment.registration_id == north.id)).one()
    answer = operator.post(f"/admin/deployments/{one.id}/activate", {"organisation": "south"})
    assert answer.status_code == 422 and "records stay with their organisation" in answer.text
    added = operator.post(
        f"/admin/platforms/{north.id}/deployments", {"deployment_id": "1", "organisation": "south"}
    )
    assert added.status_code == 422
    with campus.services.database.read() as session:
        assert session.get_one(Deployment, one.id).organisation_id == north.organisation_id


def test_on_blackboard_each_deployment_may_have_its_own_organisation(campus: Campus) -> None:
    values = {
        "name": "Blackboard",
        "issuer": "https://blackboard.com",
        "client_id": "one-for-all",
        "auth_url": "https://developer.blackboard.com/auth",
        "token_url": "https://developer.blackboard.com/token",
        "jwks_url": "https://developer.blackboard.com/jwks",
        "audience": None,
        "allow_private": False,
    }
    for school in ("first", "second"):
        add_platform(campus.services, **values, deployment_id=f"d-{school}", organisation=school)  # type: ignore[arg-type]
    with campus.services.database.read() as session:
        owners = dict(
            session.execute(
                select(Deployment.deployment_id, Organisation.name)
                .join(Organisation, Organisation.id == Deployment.organisation_id)
                .where(Deployment.deployment_id.startswith("d-"))
            )
            .tuples()
            .all()
        )
    assert owners == {"d-first": "first", "d-second": "second"}
    # A deployment that has people in it is not moved by the command either.
    with pytest.raises(PlatformRefused, match="--organisation"):
        add_platform(
            campus.services,
            **{**values, "issuer": "https://north.example", "client_id": "client-north"},  # type: ignore[arg-type]
            deployment_id="1",
            organisation="second",
        )


# --- how it is doing -------------------------------------------------------------------------------------------------


class Answers:
    """A way out that gives fixed answers by path."""

    def __init__(self, **answers: EgressResponse | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def request(self, method: str, url: str, **options: object) -> EgressResponse:
        self.asked.append(url)
        answer = self.answers[url.rpartition("/")[2]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        return


KEYS = EgressResponse(200, {}, b'{"keys": [{"kid": "k-2026"}, {"kid": "k-2025"}]}')
TOKEN = EgressResponse(
    200,
    {},
    b'{"access_token": "zebratoken", "expires_in": 3600, "scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score"}',
)


def tried(campus: Campus, operator: Operator, **answers: EgressResponse | Exception) -> Response:
    way = Answers(**answers)
    campus.services.egress = way  # type: ignore[assignment]
    north = row_of(campus, "https://north.example")
    page = operator.post(f"/admin/platforms/{north.id}/test")
    assert page.status_code == 200
    assert sorted(way.asked) == ["https://north.example/jwks", "https://north.example/token"]
    return page


def test_the_connection_test_says_what_came_of_each_step(campus: Campus, operator: Operator) -> None:
    page = tried(campus, operator, jwks=KEYS, token=TOKEN).text
    assert "Its public keys were read" in page and "k-2026" in page
    assert "It gave us a token" in page and "Send grades" in page
    assert "zebratoken" not in page
    with campus.services.database.read() as session:
        health = session.scalars(select(RegistrationHealth)).one()
    assert health.kids == ["k-2025", "k-2026"] and health.last_token_at is not None
    assert health.scopes == ["https://purl.imsglobal.org/spec/lti-ags/scope/score"]


@pytest.mark.parametrize(
    ("keys", "token", "said"),
    [
        (EgressResponse(404, {}, b""), TOKEN, "Check the address of the public keys"),
        (KEYS, EgressResponse(400, {}, b'{"error": "invalid_client"}'), "accept our signature"),
        (KEYS, EgressResponse(400, {}, b'{"error": "invalid_grant"}'), "audience"),
        (KEYS, EgressResponse(400, {}, b'{"error": "invalid_scope"}'), "none of the services"),
        (KEYS, EgressResponse(500, {}, b"<b>zebra</b>"), "Check the token address"),
    ],
)
def test_a_connection_that_fails_says_what_to_do(
    campus: Campus, operator: Operator, keys: EgressResponse, token: EgressResponse, said: str
) -> None:
    page = tried(campus, operator, jwks=keys, token=token).text
    assert said in page.replace("&#39;", "'")


def test_the_last_error_stands_on_the_page_in_words_until_a_success_follows(
    campus: Campus, operator: Operator
) -> None:
    north = row_of(campus, "https://north.example")
    tried(campus, operator, jwks=KEYS, token=kit_egress.EgressFailed("did not answer"))
    assert "A problem" in operator.get("/admin").text
    page = operator.get(f"/admin/platforms/{north.id}").text
    assert "Last refused token" in page and re.search(r"token_unavailable", page)
    tried(campus, operator, jwks=KEYS, token=TOKEN)
    assert "A problem" not in operator.get("/admin").text
