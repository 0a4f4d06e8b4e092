"""Where a platform registers itself: opened by the platform's own page, in a frame or a window, with an invitation in its path.

No cookie is read or set: the invitation is the proof, so that a browser which blocks cookies in frames can do it too.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import JSONResponse, Response

from app.course.services import Services
from app.kit.errors import WorksideError
from app.kit.limits import RateLimit
from app.kit.pages import render_error, render_page, translator_of
from app.rooms.admin.invitations import invited_organisation, open_invitation, register_platform
from app.rooms.admin.service import scope_words
from lti import origin_of
from lti.developer_key import developer_key_document
from lti.dynamic_registration import ToolDescription

router = APIRouter()
# A person presses the button a few times at most; each press lets us send requests.
TRIES = RateLimit(per_minute=10)


@router.get("/lti/register/{code}")
def show_registration(
    request: Request, code: str, openid_configuration: str = "", registration_token: str = ""
) -> Response:
    """Who asks, and a button. Nothing is sent or changed: what opens this is an address in a frame."""
    _may_be_framed(request)
    services: Services = request.app.state.services
    try:
        row = open_invitation(services.database, code)
    except WorksideError as error:
        return render_error(request, error)
    return render_page(
        request,
        "admin/register.html",
        action=f"/lti/register/{code}",
        name=row.name,
        organisation=invited_organisation(services.database, code),
        asker=origin_of(openid_configuration).partition("://")[2],
        openid_configuration=openid_configuration,
        registration_token=registration_token,
    )


@router.post("/lti/register/{code}")
def run_registration(
    request: Request,
    code: str,
    openid_configuration: Annotated[str, Form()] = "",
    registration_token: Annotated[str, Form()] = "",
) -> Response:
    """Does the steps and shows how each of them went."""
    _may_be_framed(request)
    TRIES.hit(request.client.host if request.client else "")
    services: Services = request.app.state.services
    try:
        outcome = register_platform(services, code, openid_configuration, registration_token or None)
    except WorksideError as error:
        return render_error(request, error)
    return render_page(
        request,
        "admin/registered.html",
        200 if outcome.is_well else 422,
        outcome=outcome,
        organisation=invited_organisation(services.database, code),
        scopes=scope_words(outcome.scopes, translator_of(request)),
        again=None
        if outcome.is_well
        else {
            "action": f"/lti/register/{code}",
            "openid_configuration": openid_configuration,
            "registration_token": registration_token,
        },
    )


@router.get("/lti/canvas.json")
def canvas_configuration(request: Request) -> Response:
    """Our values in the form that Canvas reads when a developer key is made by address. Public, and nothing secret in it."""
    return JSONResponse(developer_key_document(ToolDescription(request.app.state.settings.url)))


def _may_be_framed(request: Request) -> None:
    """Which site frames us is known only after the registration; in the demo it may be one on plain http."""
    is_demo = request.app.state.settings.demo
    request.state.frame_ancestors = ("https:", "http:") if is_demo else ("https:",)
