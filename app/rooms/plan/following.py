"""What follows a plan: its rehearsals, its check-ins, and the claim that begins with a "yes"."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.plan_models import PlanVersion, Rehearsal, RehearsalTurn
from app.coach.plans import (
    NOT_YET,
    OPEN,
    YES,
    PlanPutAway,
    access_check_in,
    access_plan,
    answers_of,
    current_version,
    record_answer,
)
from app.coach.rehearsal import TURNS, Planned, Scene, clean_said, debrief, first_scene, next_scene
from app.course.access import AnyVisitor, Visitor
from app.course.services import Services
from app.evidence.claims import access_claim, begin_claim, claims_of_plan, complete_claim, withdraw_claims
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Db
from app.kit.errors import N_, WorksideError
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.kit.time_zones import time_there
from app.rooms.plan.forms import PostedForm, read_check_in, read_claim, read_key
from app.rooms.plan.views import (
    access_rehearsal,
    check_in_page,
    claim_view,
    rehearsal_view,
    today_of,
    turns_of,
)

router = APIRouter()
playing = RateLimit(per_minute=30)
MOST_REHEARSALS = 30


class TooManyRehearsals(WorksideError):
    """A plan was rehearsed as often as it may be."""

    status = 409
    title = N_("You have rehearsed this plan thirty times")
    advice = N_("Try it at work next, and come back with what happened.")


@router.post("/plan/{plan_id}/rehearsals")
def begin_rehearsal(
    request: Request, visitor: AnyVisitor, session: Db, plan_id: str, form: PostedForm
) -> Response:
    """Begins a rehearsal of the plan as it stands. The same form again leads to the one that it began."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    key = read_key(form)
    known = select(Rehearsal).where(Rehearsal.plan_id == plan.id, Rehearsal.key == key)
    row = session.scalars(known).one_or_none()
    if row is None:
        if plan.state != OPEN:
            raise PlanPutAway
        count = session.scalar(select(func.count()).where(Rehearsal.plan_id == plan.id)) or 0
        if count >= MOST_REHEARSALS:
            raise TooManyRehearsals
        version = current_version(session, plan.id)
        row = Rehearsal(plan_id=plan.id, version_id=version.id, number=count + 1, key=key)
        session.add(row)
        session.flush()
        _add_turn(session, row, 1, first_scene(planned_of(version), translator_of(request)))
        _record(session, visitor, row, "plan_rehearsal.begun")
    return RedirectResponse(f"/plan/rehearsals/{row.id}", 303)


@router.get("/plan/rehearsals/{rehearsal_id}")
def show_rehearsal(request: Request, visitor: AnyVisitor, session: Db, rehearsal_id: str) -> Response:
    """The rehearsal as far as it was played; after the third turn what was said beside what was planned."""
    row, plan = access_rehearsal(session, visitor, rehearsal_id)
    view = rehearsal_view(session, plan, row, translator_of(request))
    return render_page(request, "plan/rehearsal.html", key=new_id(), **view)


@router.post("/plan/rehearsals/{rehearsal_id}/turns")
async def say(request: Request, visitor: AnyVisitor, rehearsal_id: str, form: PostedForm) -> Response:
    """Takes what the learner says in the turn that the form names. Said twice, the first counts.

    What follows is made between two units of work: nobody waits for a lock while a model answers.
    """
    playing.hit(visitor.user_id)
    services: Services = request.app.state.services
    translate = translator_of(request)
    turns, planned = await to_thread.run_sync(_played, services, visitor, rehearsal_id)
    said = clean_said(form.get("said", ""))
    is_open = turns[-1].said is None and form.get("number") == str(turns[-1].number)
    if is_open:
        spoken = [(turn.scene, turn.said or said) for turn in turns]
        scene, judged = None, None
        if len(spoken) < TURNS:
            payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
            scene = await next_scene(coach_of(services).models, payer, planned, spoken, translate)
        else:
            texts = [text for _, text in spoken]
            judged = await to_thread.run_sync(debrief, services.retrieval.embedder, planned, texts)
        await to_thread.run_sync(_keep_said, services, visitor, rehearsal_id, len(turns), said, scene, judged)
    return RedirectResponse(f"/plan/rehearsals/{rehearsal_id}", 303)


@router.get("/plan/check-ins/{check_in_id}")
def show_check_in(request: Request, visitor: AnyVisitor, session: Db, check_in_id: str) -> Response:
    """A check-in: did it happen? Two taps and one sentence."""
    row, plan = access_check_in(session, visitor, check_in_id)
    if row.state == "replaced":
        return RedirectResponse(f"/plan/{plan.id}", 303)
    view = check_in_page(session, visitor, row, plan, translator_of(request))
    return render_page(request, "plan/check_in.html", key=new_id(), **view)


@router.post("/plan/check-ins/{check_in_id}")
def check_in(visitor: AnyVisitor, session: Db, check_in_id: str, form: PostedForm) -> Response:
    """Takes the answer: a "yes" begins a claim, a "not yet" leads to the plan's form."""
    row, plan = access_check_in(session, visitor, check_in_id, for_update=True)
    answer, happened, in_the_way = read_check_in(form)
    said = record_answer(
        session, visitor, row, answer, happened=happened, in_the_way=in_the_way, key=read_key(form)
    )
    begun = next((one for one in claims_of_plan(session, plan) if one.check_in_id == row.id), None)
    if said is not None:
        if answer != YES:
            withdraw_claims(session, visitor, row.id)
        elif begun is None:  # a second "yes" leaves the words as they were completed
            cue_on = session.get_one(PlanVersion, row.version_id).cue_on
            today = today_of(visitor)
            begun = begin_claim(session, visitor, plan, row, said, min(cue_on or today, today))
    answer = answers_of(session, [row.id])[row.id].answer
    if answer == YES:
        return RedirectResponse(f"/plan/claims/{begun.id}" if begun else f"/plan/{plan.id}", 303)
    if answer == NOT_YET:
        return RedirectResponse(f"/plan/{plan.id}/change?check_in={row.id}", 303)
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.get("/plan/claims/{claim_id}")
def show_claim(request: Request, visitor: AnyVisitor, session: Db, claim_id: str) -> Response:
    """What was begun with a "yes", to be completed in one's own words."""
    claim = access_claim(session, visitor, claim_id)
    return render_page(
        request,
        "plan/claim.html",
        claim=claim_view(claim, translator_of(request)),
        today=today_of(visitor).isoformat(),
    )


@router.post("/plan/claims/{claim_id}")
def save_claim(visitor: AnyVisitor, session: Db, claim_id: str, form: PostedForm) -> Response:
    """Keeps the words of a begun claim."""
    access_claim(session, visitor, claim_id)
    day, done, came_of_it = read_claim(form, visitor)
    claim = complete_claim(session, visitor, claim_id, happened_on=day, done=done, came_of_it=came_of_it)
    return RedirectResponse(f"/plan/{claim.plan_id}", 303)


def planned_of(version: PlanVersion) -> Planned:
    """What a rehearsal of this version is about."""
    return Planned.of(version, time_there(version.cue_at, version.zone) if version.cue_at else None)


def _played(
    services: Services, visitor: Visitor, rehearsal_id: str
) -> tuple[Sequence[RehearsalTurn], Planned]:
    with services.database.read() as session:
        row, _ = access_rehearsal(session, visitor, rehearsal_id)
        return turns_of(session, row), planned_of(session.get_one(PlanVersion, row.version_id))


def _keep_said(
    services: Services,
    visitor: Visitor,
    rehearsal_id: str,
    number: int,
    said: str,
    scene: Scene | None,
    judged: dict[str, object] | None,
) -> None:
    with services.database.write() as session:
        row, _ = access_rehearsal(session, visitor, rehearsal_id, for_update=True)
        turn = turns_of(session, row)[-1]
        if turn.number != number or turn.said is not None:
            return  # the other of two clicks was quicker
        turn.said, turn.said_at = said, now()
        if scene is not None:
            _add_turn(session, row, number + 1, scene)
        if judged is not None:
            row.debrief = judged
        _record(session, visitor, row, "plan_rehearsal.said", turn=number)


def _add_turn(session: Session, row: Rehearsal, number: int, scene: Scene) -> None:
    session.add(RehearsalTurn(rehearsal_id=row.id, number=number, scene=scene.text, source=scene.source))


def _record(session: Session, visitor: Visitor, row: Rehearsal, action: str, **detail: int) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="plan_rehearsal",
        subject_id=row.id,
        **detail,
    )
