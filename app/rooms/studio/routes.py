"""Pages of Studio."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.coach.helping import record_settings
from app.course.access import Visitor, as_visitor
from app.course.services import Services
from app.kit.db import Db
from app.kit.errors import NotAllowed
from app.kit.pages import render_page, translator_of
from app.rooms.studio.service import read_settings, settings_view

router = APIRouter()


def as_keeper(visitor: Annotated[Visitor, Depends(as_visitor)]) -> Visitor:
    """The visitor, if the course's own role lets them decide how its coach helps."""
    if visitor.is_anonymous or not (visitor.is_placer or visitor.is_reviewer):
        raise NotAllowed
    return visitor


async def posted_form(request: Request) -> FormData:
    """The form's fields; which prompts there are depends on the content."""
    return await request.form()


Keeper = Annotated[Visitor, Depends(as_keeper)]


@router.get("/studio")
def show_settings(request: Request, visitor: Keeper, session: Db) -> Response:
    """How the coach of this activity helps, as its learners meet it, and who changed what when."""
    services: Services = request.app.state.services
    view = settings_view(services, session, visitor, translator_of(request))
    return render_page(request, "studio/settings.html", **view)


@router.post("/studio")
def save_settings(
    request: Request, visitor: Keeper, session: Db, form: Annotated[FormData, Depends(posted_form)]
) -> Response:
    """Saves the settings, unless somebody else did so since the form was opened."""
    services: Services = request.app.state.services
    record_settings(session, visitor, read_settings(services, session, visitor, form))
    services.wake()
    return RedirectResponse("/studio", 303)
