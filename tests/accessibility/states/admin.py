"""The operator's pages, and registration by the platform itself."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import AT, State

SHEET = {
    "tool_url": "https://coach.tarnwell.example/lti/launch",
    "login_url": "https://coach.tarnwell.example/lti/login",
    "redirect_url": "https://coach.tarnwell.example/lti/launch",
    "jwks_url": "https://coach.tarnwell.example/lti/jwks.json",
    "deep_linking_url": "https://coach.tarnwell.example/lti/launch",
    "canvas_json_url": "https://coach.tarnwell.example/lti/canvas.json",
    "custom_parameters": "context_history=$Context.id.history\nresource_link_history=$ResourceLink.id.history",
}
ORGANISATIONS = ["Tarnwell Logistics", "School of nursing"]
FAMILIES = [("moodle", "Moodle"), ("canvas", "Canvas"), ("generic", "Another platform")]
LIVES = [("1", "1 hour"), ("24", "1 day"), ("168", "7 days")]
WRONG_ADDRESS = {
    "field": "token_url",
    "says": "Write a full address, such as https://lms.example.org/token.",
}
FILLED = {
    "name": "Moodle of the training centre",
    "issuer": "https://moodle.tarnwell.example",
    "client_id": "kX3bT9wQzL",
    "deployment_id": "4",
    "auth_url": "https://moodle.tarnwell.example/mod/lti/auth.php",
    "token_url": "moodle.tarnwell.example",
    "jwks_url": "https://moodle.tarnwell.example/mod/lti/certs.php",
    "allow_anonymous": "on",
}
PLATFORM = {
    "id": "p1",
    "name": "Moodle of the training centre",
    "issuer": "https://moodle.tarnwell.example",
    "client_id": "kX3bT9wQzL",
    "auth_url": "https://moodle.tarnwell.example/mod/lti/auth.php",
    "token_url": "https://moodle.tarnwell.example/mod/lti/token.php",
    "jwks_url": "https://moodle.tarnwell.example/mod/lti/certs.php",
    "audience": "",
    "family": "Moodle",
    "is_active": True,
    "allow_private": False,
    "allow_anonymous": False,
    "organisation": "Tarnwell Logistics",
    "state": "well",
    "is_tenant": False,
}
HEALTHY = {
    "last_launch": AT,
    "last_token": AT,
    "keys_read": AT,
    "kids": ["c6a2b7d1f03e9b5a8e41"],
    "scopes": ["Read gradebook columns", "Read grades", "Send grades", "Read the course's people"],
    "error": None,
}
UNKNOWN = {
    "last_launch": None,
    "last_token": None,
    "keys_read": None,
    "kids": [],
    "scopes": [],
    "error": None,
}
TOKEN_ERROR = {
    "kind": "token",
    "title": "The learning platform gives us no access to its services",
    "advice": "Check the registration.",
    "reason": "token_denied",
    "note": "status 400 invalid_client",
    "at": AT,
}
LET_IN = {
    "id": "d1",
    "deployment_id": "4",
    "status": "active",
    "organisation": "Tarnwell Logistics",
    "created_at": AT,
}
SHUT_OUT = LET_IN | {"id": "d2", "deployment_id": "17:4c2a9e", "status": "inactive"}
WAITING = LET_IN | {
    "id": "d3",
    "deployment_id": "10000000021:8865aa05b4b79b64a91a86042e43af5ea8ae79eb",
    "status": "pending",
    "platform": "Canvas of the university",
    "family": "Canvas",
    "href": "/admin/platforms/p2",
    "is_tenant": False,
    "issuer": "https://canvas.instructure.com",
    "client_id": "10000000000042",
}
TESTED_WELL = [
    {"name": "keys", "is_well": True, "found": ["c6a2b7d1f03e9b5a8e41"], "advice": "", "note": ""},
    {"name": "token", "is_well": True, "found": ["Read grades", "Send grades"], "advice": "", "note": ""},
]
TESTED_BAD = [
    {
        "name": "keys",
        "is_well": False,
        "found": [],
        "advice": "Check the address of the public keys. Without them nobody can open Workside from here.",
        "note": "JWKS: status 404",
    },
    {
        "name": "token",
        "is_well": False,
        "found": [],
        "advice": "The platform doesn't accept our signature. Check that its registration of Workside has our address of "
        "public keys, the client id above, and that the tool is switched on there.",
        "note": "status 400 invalid_client",
    },
]


def admin(template: str, path: str, status: int = 200, **context: Any) -> State:
    return State(f"admin/{template}.html", context, path=path, role=None, status=status)


def platform_page(**parts: Any) -> State:
    context = {
        "platform": PLATFORM,
        "health": HEALTHY,
        "waiting": [],
        "deployments": [LET_IN],
        "organisations": ORGANISATIONS,
        "sheet": SHEET,
        "test": None,
        "wrong": None,
    }
    return admin("platform", "/admin/platforms/p1", **{**context, **parts})


def listed(name: str, state: str, **parts: Any) -> dict[str, Any]:
    return {
        "href": "/admin/platforms/p1",
        "name": name,
        "family": "Moodle",
        "organisation": "Tarnwell Logistics",
        "last_launch": AT,
        "state": state,
        "waiting": 0,
        **parts,
    }


def invited(**parts: Any) -> State:
    invitation = {
        "id": "i1",
        "name": "Moodle of the training centre",
        "organisation": "Tarnwell Logistics",
        "family": "Moodle",
        "platform": "moodle",
        "state": "open",
        "expires_at": AT,
        "tried_at": None,
        "problem": "",
        "problem_note": "",
        "link": "https://coach.tarnwell.example/lti/register/FJUd9X3b7oTqk2mZ0sPzW1cVhYeRg8nLxAaBuCtDi4E",
        "registration_href": "",
    }
    return admin("invitation", "/admin/invitations/i1", invitation={**invitation, **parts})


def registered(steps: list[dict[str, Any]], **parts: Any) -> State:
    is_well = all(step["is_well"] for step in steps)
    outcome = {
        "steps": [{"title": "", "advice": "", "details": [], **step} for step in steps],
        "is_well": is_well,
        "client_id": "10000000000042",
        "deployment_id": None,
        **parts,
    }
    again = {"action": "/lti/register/x", "openid_configuration": "", "registration_token": ""}
    scopes = ["Send grades", "Read the course's people"]
    return admin(
        "registered",
        "/lti/register/x",
        outcome=outcome,
        organisation="Tarnwell Logistics",
        scopes=scopes,
        again=None if is_well else again,
    )


DONE = [{"name": name, "is_well": True} for name in ("configuration", "keys", "registration", "saved")]
REGISTER = {
    "action": "/lti/register/x",
    "name": "Moodle of the training centre",
    "organisation": "Tarnwell Logistics",
    "openid_configuration": "https://moodle.tarnwell.example/mod/lti/openid-configuration.php",
    "registration_token": "eyJ",
}
NEW = {"organisations": ORGANISATIONS, "families": FAMILIES, "lives": LIVES}


STATES: dict[str, State] = {
    "admin-empty": admin("home", "/admin", platforms=[], invitations=[], waiting=0),
    "admin-home": admin(
        "home",
        "/admin",
        platforms=[
            listed("Moodle of the training centre", "well"),
            listed("Canvas of the university", "waiting", family="Canvas"),
            listed("Brightspace", "problem", family="Brightspace", organisation="School of nursing"),
            listed("Sakai, new", "quiet", last_launch=None),
            listed("The old Moodle", "off"),
        ],
        invitations=[
            {
                "href": "/admin/invitations/i1",
                "name": "Moodle of the warehouse",
                "organisation": "Tarnwell Logistics",
                "state": "open",
                "has_failed": True,
                "expires_at": AT,
            }
        ],
        waiting=1,
    ),
    "admin-waiting": admin(
        "waiting",
        "/admin/waiting",
        waiting=[WAITING, WAITING | {"id": "d4", "is_tenant": True}],
        organisations=ORGANISATIONS,
    ),
    "admin-nothing-waits": admin("waiting", "/admin/waiting", waiting=[], organisations=[]),
    "admin-new": admin("new", "/admin/new", **NEW, form={}, wrong=None),
    "admin-new-first": admin("new", "/admin/new", **NEW | {"organisations": []}, form={}, wrong=None),
    "admin-new-wrong": admin(
        "new",
        "/admin/new",
        422,
        **NEW,
        form={"new_organisation": "x"},
        wrong={"field": "name", "says": "Write 1 to 200 characters."},
    ),
    "admin-new-for-nobody": admin(
        "new",
        "/admin/new",
        422,
        **NEW,
        form={"name": "x"},
        wrong={"field": "organisation", "says": "Choose an organisation, or name a new one."},
    ),
    "admin-by-hand": admin("by_hand", "/admin/new/by-hand", **NEW, sheet=SHEET, form={}, wrong=None),
    "admin-by-hand-wrong": admin(
        "by_hand", "/admin/new/by-hand", 422, **NEW, sheet=SHEET, form=FILLED, wrong=WRONG_ADDRESS
    ),
    "admin-edit": admin(
        "edit",
        "/admin/platforms/p1/edit",
        href="/admin/platforms/p1",
        issuer=PLATFORM["issuer"],
        client_id=PLATFORM["client_id"],
        form=FILLED,
        wrong=WRONG_ADDRESS,
    ),
    "admin-invitation": invited(),
    "admin-invitation-failed": invited(
        problem="Your platform refused the registration",
        problem_note="status 422: placement is not supported",
    ),
    "admin-invitation-used": invited(state="used", link="", registration_href="/admin/platforms/p1"),
    "admin-invitation-expired": invited(state="expired", link=""),
    "admin-platform": platform_page(),
    "admin-platform-new": platform_page(
        platform=PLATFORM | {"state": "quiet"}, health=UNKNOWN, deployments=[]
    ),
    "admin-platform-waiting": platform_page(
        platform=PLATFORM | {"state": "waiting", "is_tenant": True},
        waiting=[WAITING],
        deployments=[LET_IN, SHUT_OUT],
    ),
    "admin-platform-problem": platform_page(
        platform=PLATFORM | {"state": "problem", "audience": "https://api.brightspace.com/auth/token"},
        health=HEALTHY | {"error": TOKEN_ERROR},
        test=TESTED_BAD,
    ),
    "admin-platform-tested": platform_page(test=TESTED_WELL),
    "admin-platform-off": platform_page(
        platform=PLATFORM
        | {"state": "off", "is_active": False, "allow_private": True, "allow_anonymous": True}
    ),
    "admin-sessions": admin(
        "sessions",
        "/admin/sessions",
        sessions=[
            {
                "id": "s1",
                "browser": "Firefox 144 · Linux",
                "created_at": AT,
                "seen_at": AT,
                "is_current": True,
            },
            {"id": "s2", "browser": "", "created_at": AT, "seen_at": AT, "is_current": False},
        ],
    ),
    "admin-sign-in": admin("sign_in", "/admin/sign-in/x", action="/admin/sign-in/x"),
    "admin-signed-out": admin("signed_out", "/admin/sign-out"),
    "register-asks": admin("register", "/lti/register/x", **REGISTER, asker="moodle.tarnwell.example"),
    "register-opened-alone": admin("register", "/lti/register/x", **REGISTER, asker=""),
    "register-done": registered(DONE, deployment_id="4"),
    "register-done-one-step-left": registered(DONE),
    "register-failed": registered(
        [
            *DONE[:2],
            {
                "name": "registration",
                "is_well": False,
                "title": "Your platform refused the registration",
                "advice": "Ask the people who run your learning platform, or register it by hand on Workside's administration "
                "pages.",
                "details": [("Your learning platform says", "scope is not included in the list")],
            },
        ]
    ),
}
