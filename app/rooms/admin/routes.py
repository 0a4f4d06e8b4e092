"""The operator's pages: platforms, what waits, and how a new platform comes in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from app.course.connection import check_connection
from app.course.loading import organisation_named
from app.course.platforms import (
    PlatformRefused,
    access_deployment,
    access_registration,
    activate_deployment,
    add_deployment,
    change_platform,
    check_values,
    deactivate_deployment,
    record_registration,
    switch_registration,
    tool_sheet,
)
from app.course.services import Services
from app.kit.db import Db
from app.kit.pages import render_page, translator_of
from app.rooms.admin.access import AnyAdmin
from app.rooms.admin.invitations import LIVES, access_invitation, make_invitation, revoke_invitation
from app.rooms.admin.service import (
    home_view,
    invitation_view,
    organisation_names,
    platform_view,
    steps_view,
    waiting_views,
)
from app.rooms.admin.words import FAMILIES, INVITED, PROBLEMS
from lti import family_of

router = APIRouter()


async def posted_form(request: Request) -> dict[str, str]:
    """The form's fields as texts without the spaces around them, which come along when values are pasted."""
    form = await request.form()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(posted_form)]


@router.get("/admin")
def show_platforms(request: Request, admin: AnyAdmin, session: Db) -> Response:
    """Every platform with its state."""
    return render_page(request, "admin/home.html", **home_view(session, translator_of(request)))


@router.get("/admin/waiting")
def show_waiting(request: Request, admin: AnyAdmin, session: Db) -> Response:
    """The deployments that wait to be let in."""
    return render_page(
        request,
        "admin/waiting.html",
        waiting=waiting_views(session, translator_of(request)),
        organisations=organisation_names(session),
    )


# --- a new platform --------------------------------------------------------------------------------------------------


@router.get("/admin/new")
def show_new(request: Request, admin: AnyAdmin, session: Db) -> Response:
    """The two ways in: an invitation that the platform uses by itself, or the values typed in."""
    return _new_page(request, organisation_names(session), {}, None)


@router.post("/admin/invitations")
def invite(request: Request, admin: AnyAdmin, form: Fields) -> Response:
    """Makes an invitation and shows its link."""
    services: Services = request.app.state.services
    hours = int(form["hours"]) if form.get("hours", "").isdecimal() and form["hours"].isascii() else 0
    try:
        with services.database.write() as session:
            row, _ = make_invitation(
                session,
                services.vault,
                name=form.get("name", ""),
                organisation=_organisation_of(form),
                platform=form.get("platform", "") if form.get("platform") in INVITED else "",
                hours=hours if hours in LIVES else min(LIVES),
                allow_private="allow_private" in form,
                actor_id=admin.session_id,
            )
    except PlatformRefused as error:
        with services.database.read() as session:
            return _new_page(request, organisation_names(session), form, error)
    return RedirectResponse(f"/admin/invitations/{row.id}", 303)


@router.get("/admin/invitations/{invitation_id}")
def show_invitation(request: Request, admin: AnyAdmin, session: Db, invitation_id: str) -> Response:
    """One invitation: its link while it is open, and what came of it."""
    row = access_invitation(session, invitation_id)
    view = invitation_view(session, request.app.state.services, row, translator_of(request))
    return render_page(request, "admin/invitation.html", **view)


@router.post("/admin/invitations/{invitation_id}/revoke")
def revoke(request: Request, admin: AnyAdmin, session: Db, invitation_id: str) -> Response:
    """Closes an invitation."""
    row = access_invitation(session, invitation_id)
    revoke_invitation(session, row, actor_id=admin.session_id)
    return RedirectResponse(f"/admin/invitations/{row.id}", 303)


@router.get("/admin/new/by-hand")
def show_manual(request: Request, admin: AnyAdmin, session: Db) -> Response:
    """The form for a platform that can't register by itself, beside our values to copy."""
    return _manual_page(request, organisation_names(session), {}, None)


@router.post("/admin/platforms")
def register(request: Request, admin: AnyAdmin, form: Fields) -> Response:
    """Registers a platform by the form's values."""
    services: Services = request.app.state.services
    platform = form.get("platform", "generic")
    values = {
        **{
            key: form.get(key, "")
            for key in ("name", "issuer", "client_id", "auth_url", "token_url", "jwks_url")
        },
        "audience": form.get("audience") or None,
        "platform": platform if platform != "generic" else family_of(form.get("issuer", "")),
        "allow_private": "allow_private" in form,
        "allow_anonymous": "allow_anonymous" in form,
    }
    deployment_id = form.get("deployment_id", "")
    organisation = _organisation_of(form)
    try:
        check_values(
            {**values, "deployment_id": deployment_id, "organisation": organisation},
            allow_plain=services.settings.demo,
            blank_allowed={"deployment_id"},
        )
        with services.database.write() as session:
            owner = organisation_named(session, organisation, create=True)
            row = record_registration(
                session,
                owner,
                values,
                deployment_id or None,
                actor_id=admin.session_id,
                action="platform.registered",
            )
    except PlatformRefused as error:
        with services.database.read() as session:
            return _manual_page(request, organisation_names(session), form, error)
    return RedirectResponse(f"/admin/platforms/{row.id}", 303)


# --- one platform ----------------------------------------------------------------------------------------------------


@router.get("/admin/platforms/{registration_id}")
def show_platform(request: Request, admin: AnyAdmin, session: Db, registration_id: str) -> Response:
    """One registration: how it is doing, its deployments, its addresses and ours."""
    row = access_registration(session, registration_id)
    view = platform_view(session, request.app.state.services, row, translator_of(request))
    return render_page(request, "admin/platform.html", **view, test=None, wrong=None)


@router.post("/admin/platforms/{registration_id}/test")
def test_platform(request: Request, admin: AnyAdmin, registration_id: str) -> Response:
    """Tries the connection now and shows each step's outcome."""
    services: Services = request.app.state.services
    translate = translator_of(request)
    with services.database.read() as session:
        access_registration(session, registration_id)
    steps = check_connection(services, registration_id)
    services.observer.flush()
    with services.database.read() as session:
        row = access_registration(session, registration_id)
        view = platform_view(session, services, row, translate)
    return render_page(request, "admin/platform.html", **view, test=steps_view(steps, translate), wrong=None)


@router.get("/admin/platforms/{registration_id}/edit")
def show_edit(request: Request, admin: AnyAdmin, session: Db, registration_id: str) -> Response:
    """The form for a registration's terms."""
    row = access_registration(session, registration_id)
    form = {key: getattr(row, key) or "" for key in _TERMS}
    form |= {key: "on" for key in ("allow_private", "allow_anonymous") if getattr(row, key)}
    return _edit_page(request, row.id, row.issuer, row.client_id, form, None)


@router.post("/admin/platforms/{registration_id}/edit")
def edit(request: Request, admin: AnyAdmin, form: Fields, registration_id: str) -> Response:
    """Changes a registration's terms; issuer and client id are its key and stay."""
    services: Services = request.app.state.services
    values: dict[str, Any] = {key: form.get(key, "") for key in _TERMS}
    values["audience"] = values["audience"] or None
    values |= {key: key in form for key in ("allow_private", "allow_anonymous")}
    with services.database.read() as session:
        row = access_registration(session, registration_id)
    try:
        check_values(values, allow_plain=services.settings.demo)
    except PlatformRefused as error:
        return _edit_page(request, row.id, row.issuer, row.client_id, form, error)
    with services.database.write() as session:
        row = access_registration(session, registration_id)
        change_platform(session, row, values, actor_id=admin.session_id)
    return RedirectResponse(f"/admin/platforms/{registration_id}", 303)


@router.post("/admin/platforms/{registration_id}/switch")
def switch(
    request: Request,
    admin: AnyAdmin,
    session: Db,
    registration_id: str,
    on: Annotated[str, Form()] = "",
) -> Response:
    """Shuts a platform out (on=no), or lets it in again (on=yes)."""
    row = access_registration(session, registration_id)
    switch_registration(session, row, is_on=on == "yes", actor_id=admin.session_id)
    return RedirectResponse(f"/admin/platforms/{row.id}", 303)


@router.post("/admin/platforms/{registration_id}/deployments")
def announce(request: Request, admin: AnyAdmin, form: Fields, registration_id: str) -> Response:
    """Lets a deployment in before its first launch."""
    services: Services = request.app.state.services
    deployment_id, name = form.get("deployment_id", ""), _organisation_of(form)
    try:
        check_values({"deployment_id": deployment_id, "organisation": name}, allow_plain=False)
        with services.database.write() as session:
            row = access_registration(session, registration_id)
            deployment = add_deployment(
                session, row, deployment_id, organisation_named(session, name, create=True)
            )
            activate_deployment(session, deployment, None, actor_id=admin.session_id)
    except PlatformRefused as error:
        return _refused_deployment(request, services, registration_id, name, error)
    return RedirectResponse(f"/admin/platforms/{registration_id}", 303)


@router.post("/admin/deployments/{deployment_id}/activate")
def activate(request: Request, admin: AnyAdmin, form: Fields, deployment_id: str) -> Response:
    """Lets a deployment in, for the organisation that the form names. One that was let in before may keep the one it has."""
    services: Services = request.app.state.services
    name = _organisation_of(form)
    with services.database.read() as session:
        row = access_deployment(session, deployment_id)
        registration_id, has_waited = row.registration_id, row.status == "pending"
    try:
        if name or has_waited:
            check_values({"organisation": name}, allow_plain=False)
        with services.database.write() as session:
            deployment = access_deployment(session, deployment_id)
            owner = organisation_named(session, name, create=True) if name else None
            activate_deployment(session, deployment, owner, actor_id=admin.session_id)
    except PlatformRefused as error:
        return _refused_deployment(request, services, registration_id, name, error)
    return RedirectResponse(f"/admin/platforms/{registration_id}", 303)


@router.post("/admin/deployments/{deployment_id}/deactivate")
def deactivate(request: Request, admin: AnyAdmin, session: Db, deployment_id: str) -> Response:
    """Refuses a deployment that waits, or shuts one out."""
    deployment = access_deployment(session, deployment_id)
    deactivate_deployment(session, deployment, actor_id=admin.session_id)
    return RedirectResponse(f"/admin/platforms/{deployment.registration_id}", 303)


# --- pages that show a form again ------------------------------------------------------------------------------------

_TERMS = ("name", "auth_url", "token_url", "jwks_url", "audience")


def _organisation_of(form: dict[str, str]) -> str:
    """The organisation's name: the one typed in, else the one chosen."""
    return form.get("new_organisation") or form.get("organisation", "")


def _wrong(request: Request, error: PlatformRefused | None, name: str = "") -> dict[str, str] | None:
    if error is None:
        return None
    is_unsaid = error.field == "organisation" and error.problem == "length" and not name
    says = translator_of(request)(PROBLEMS["unsaid" if is_unsaid else error.problem], longest=error.longest)
    return {"field": error.field, "says": says}


def _new_page(
    request: Request, organisations: list[str], form: dict[str, str], error: PlatformRefused | None
) -> Response:
    translate = translator_of(request)
    return render_page(
        request,
        "admin/new.html",
        422 if error else 200,
        organisations=organisations,
        families=[(key, translate(FAMILIES[key])) for key in INVITED],
        lives=[(str(hours), translate(text)) for hours, text in LIVES.items()],
        form=form,
        wrong=_wrong(request, error, _organisation_of(form)),
    )


def _manual_page(
    request: Request, organisations: list[str], form: dict[str, str], error: PlatformRefused | None
) -> Response:
    translate = translator_of(request)
    return render_page(
        request,
        "admin/by_hand.html",
        422 if error else 200,
        organisations=organisations,
        families=[(key, translate(text)) for key, text in FAMILIES.items()],
        sheet=tool_sheet(request.app.state.settings),
        form=form,
        wrong=_wrong(request, error, _organisation_of(form)),
    )


def _edit_page(
    request: Request,
    registration_id: str,
    issuer: str,
    client_id: str,
    form: dict[str, str],
    error: PlatformRefused | None,
) -> Response:
    return render_page(
        request,
        "admin/edit.html",
        422 if error else 200,
        href=f"/admin/platforms/{registration_id}",
        issuer=issuer,
        client_id=client_id,
        form=form,
        wrong=_wrong(request, error),
    )


def _refused_deployment(
    request: Request, services: Services, registration_id: str, name: str, error: PlatformRefused
) -> Response:
    with services.database.read() as session:
        row = access_registration(session, registration_id)
        view = platform_view(session, services, row, translator_of(request))
    return render_page(
        request, "admin/platform.html", 422, **view, test=None, wrong=_wrong(request, error, name)
    )
