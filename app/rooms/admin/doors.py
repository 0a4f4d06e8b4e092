"""Signing in and out as an operator, and the list of who is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.kit.errors import NotFound
from app.kit.limits import RateLimit
from app.kit.pages import render_page
from app.rooms.admin.access import (
    AnyAdmin,
    clear_admin_cookie,
    end_session,
    running_sessions,
    set_admin_cookie,
    sign_in,
)
from app.rooms.admin.service import session_views

router = APIRouter()
# Guessing a code of 256 bits is hopeless anyway; this keeps the attempt from being a load.
SIGN_INS = RateLimit(per_minute=10)


@router.get("/admin/sign-in/{code}")
def show_sign_in(request: Request, code: str) -> Response:
    """A button, and nothing looked up or used: mail programs and chats open links to show what is behind them."""
    return render_page(request, "admin/sign_in.html", action=f"/admin/sign-in/{code}")


@router.post("/admin/sign-in/{code}")
def use_sign_in(request: Request, code: str) -> Response:
    """Takes the link, once, and begins a session."""
    SIGN_INS.hit(request.client.host if request.client else "")
    services = request.app.state.services
    secret = sign_in(services, code, request.headers.get("user-agent", ""))
    response = RedirectResponse("/admin", 303)
    set_admin_cookie(response, secret, services.settings)
    return response


@router.post("/admin/sign-out")
def sign_out(request: Request, admin: AnyAdmin) -> Response:
    """Ends this browser's session."""
    services = request.app.state.services
    end_session(services, admin.session_id, admin.session_id)
    response = render_page(request, "admin/signed_out.html")
    clear_admin_cookie(response, services.settings)
    return response


@router.get("/admin/sessions")
def show_sessions(request: Request, admin: AnyAdmin) -> Response:
    """Every browser that is signed in."""
    rows = running_sessions(request.app.state.database)
    return render_page(request, "admin/sessions.html", sessions=session_views(rows, admin.session_id))


@router.post("/admin/sessions/{session_id}/revoke")
def revoke_session(request: Request, admin: AnyAdmin, session_id: str) -> Response:
    """Signs another browser out."""
    if not end_session(request.app.state.services, session_id, admin.session_id):
        raise NotFound
    return RedirectResponse("/admin/sessions", 303)
