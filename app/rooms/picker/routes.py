"""Pages of the picker: choosing for a course (deep linking), choosing anew for an activity that came with a copied course."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.course.access import AnyPlacer, Chooser, Person, Placer, SignedIn, as_chooser
from app.course.launches import frame_origins_of_all
from app.course.services import Services
from app.kit.db import Db
from app.kit.i18n import Translator
from app.kit.pages import render_error, render_page, translator_of
from app.rooms.picker.service import (
    MOST_POINTS,
    POINTS,
    ChoiceExpired,
    answer_platform,
    choose_anew,
    find_option,
    offers_for,
    read_choice,
    take_return,
)
from lti.claims import DEEP_LINKING_REQUEST

router = APIRouter()


async def posted_form(request: Request) -> FormData:
    """The form's fields; which ones there are depends on what is offered."""
    return await request.form()


def as_someone_who_chooses(arrival: SignedIn) -> Person:
    """Whoever may see the offers: by a deep linking request, or in an activity as someone who teaches."""
    return arrival.placer() if arrival.visit.message_type == DEEP_LINKING_REQUEST else as_chooser(arrival)


Form = Annotated[FormData, Depends(posted_form)]


@router.get("/picker")
def show_picker(request: Request, placer: AnyPlacer, session: Db) -> Response:
    """What can be put into the course; where the place takes no activities it says so and offers the way back."""
    services: Services = request.app.state.services
    offers = offers_for(request.app.state.placements, services, session, placer)
    return render_page(
        request,
        "picker/choose.html",
        offers=offers if placer.wanted.takes_links else [],
        place=placer.context_title,
        takes_links=placer.wanted.takes_links,
        is_several=placer.wanted.accept_multiple,
        takes_grades=placer.wanted.accept_lineitem is not False,
        points=POINTS,
        most_points=MOST_POINTS,
        is_anew=False,
    )


@router.post("/picker")
def add(request: Request, placer: AnyPlacer, form: Form) -> Response:
    """Makes what was chosen and goes back to the platform with it; with nothing, where the person cancels."""
    services: Services = request.app.state.services
    translate = translator_of(request)
    if form.get("cancel"):
        way = answer_platform(services, placer, (), translate, **_why_nothing(placer, translate))
        return render_page(request, "picker/leaving.html", way=way)
    with services.database.read() as session:
        offers = offers_for(request.app.state.placements, services, session, placer)
    offers = offers if placer.wanted.takes_links else []
    chosen = read_choice(form, offers, translate, is_several=placer.wanted.accept_multiple)
    way = answer_platform(services, placer, chosen, translate, log=f"{len(chosen)} placed")
    return render_page(request, "picker/leaving.html", way=way)


def _why_nothing(placer: Placer, translate: Translator) -> dict[str, str]:
    if placer.wanted.takes_links:
        return {"log": "cancelled"}
    return {
        "errormsg": translate("This place in your course takes no Workside activities."),
        "errorlog": "accept_types has no ltiResourceLink",
    }


@router.get("/picker/preview/{kind}/{option}")
def show_preview(
    request: Request,
    person: Annotated[Person, Depends(as_someone_who_chooses)],
    session: Db,
    kind: str,
    option: str,
) -> Response:
    """One thing that can be chosen, as a learner will see it."""
    services: Services = request.app.state.services
    offers = offers_for(request.app.state.placements, services, session, person)
    found, chosen = find_option(offers, kind, option)
    return render_page(
        request,
        "picker/preview.html",
        kind=found,
        title=chosen.title,
        **found.preview(services, session, person, chosen.settings),
    )


@router.get("/picker/return/{code}")
def go_back(request: Request, code: str) -> Response:
    """The page that posts the signed answer to the platform. The code works once; a second use is told to choose again."""
    services: Services = request.app.state.services
    try:
        back = take_return(services, code)
    except ChoiceExpired as error:
        # Only the code told whose frame this is.
        request.state.frame_ancestors = frame_origins_of_all(services)
        return render_error(request, error)
    request.state.locale = back.locale
    return render_page(
        request,
        "launch/deep_linking_return.html",
        headers={"Content-Security-Policy": back.policy},
        url=back.url,
        token=back.jwt,
    )


@router.get("/placement")
def show_empty_activity(request: Request, visitor: Chooser, session: Db) -> Response:
    """An activity that was copied from another organisation: what it may show instead."""
    if not visitor.is_empty:
        return RedirectResponse("/", 303)
    services: Services = request.app.state.services
    return render_page(
        request,
        "picker/choose.html",
        offers=offers_for(request.app.state.placements, services, session, visitor),
        place=visitor.context_title,
        takes_links=True,
        is_several=False,
        takes_grades=False,
        points=POINTS,
        most_points=MOST_POINTS,
        is_anew=True,
    )


@router.post("/placement")
def choose(request: Request, visitor: Chooser, form: Form) -> Response:
    """Gives the activity its content, if it has none."""
    if not visitor.is_empty:
        return RedirectResponse("/", 303)
    services: Services = request.app.state.services
    with services.database.read() as session:
        offers = offers_for(request.app.state.placements, services, session, visitor)
    (chosen,) = read_choice(form, offers, translator_of(request), is_several=False)
    return RedirectResponse(choose_anew(services, visitor, chosen), 303)
