"""Pages of plans: making one, the one question back, changing it, its calendar file, its reminders, and who may read it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.plan_models import ActionPlan, CheckIn
from app.coach.plan_question import question_for
from app.coach.plan_words import PlanWords, wanting_in
from app.coach.plans import (
    ASKED,
    PUT_AWAY,
    access_check_in,
    access_plan,
    answers_of,
    check_ins_of,
    current_version,
    keep_as_it_is,
    own_days,
    plan_of_key,
    put_away,
    record_plan,
    record_version,
    share_plan,
    waiting_check_ins,
)
from app.course.access import AnyVisitor, Reviewer, Visitor, refuse_anonymous
from app.course.services import Services
from app.kit.clock import now
from app.kit.db import Db
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.plan.calendar import calendar_file
from app.rooms.plan.forms import PostedForm, read_key, read_words, words_of
from app.rooms.plan.reminders import begin_reminders, end_reminders
from app.rooms.plan.seeds import seed_named, seeds_for
from app.rooms.plan.views import access_rehearsal, form_view, list_view, plan_view, shared_view, turns_of

router = APIRouter()
making = RateLimit(per_minute=20)
mailing = RateLimit(per_minute=5)


@router.get("/plan")
def list_plans(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """The visitor's own plans in this course."""
    return render_page(request, "plan/list.html", **list_view(session, visitor, translator_of(request)))


@router.get("/plan/shared")
def list_shared(request: Request, visitor: Reviewer, session: Db) -> Response:
    """The plans that learners of the course let its reviewers read."""
    return render_page(
        request, "plan/shared.html", plans=shared_view(session, visitor, translator_of(request))
    )


@router.get("/plan/new")
def new_plan(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    source: Annotated[str, Query(alias="from", max_length=120)] = "",
) -> Response:
    """The form of a plan, empty or begun from something that was asked or practised."""
    services: Services = request.app.state.services
    translate = translator_of(request)
    chosen = seed_named(services, session, visitor, translate, source) if source else None
    seeds = [] if chosen else seeds_for(services, session, visitor, translate)
    view = form_view(visitor, translate, seeds=seeds, chosen=chosen)
    return render_page(request, "plan/form.html", action="/plan", key=new_id(), plan_id="", after="", **view)


@router.post("/plan")
async def make_plan(request: Request, visitor: AnyVisitor, form: PostedForm) -> Response:
    """Makes a plan. A vague one gets one question back, once."""
    refuse_anonymous(visitor)
    making.hit(visitor.user_id)
    services: Services = request.app.state.services
    translate = translator_of(request)
    key, words = read_key(form), read_words(form, visitor)
    made = await to_thread.run_sync(_made_before, services, visitor, key)
    if made is None:
        wanting = wanting_in(words, visitor.locale)
        question, is_by_model = "", False
        if wanting:
            payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
            question, is_by_model = await question_for(
                coach_of(services).models, payer, words, wanting, translate
            )
        record = partial(
            record_plan,
            key=key,
            is_shared=form.get("seen_by") == "reviewers",
            wanting=wanting,
            question=question,
            is_by_model=is_by_model,
        )
        made = await to_thread.run_sync(_make, services, visitor, words, form.get("source", ""), record)
    return RedirectResponse(f"/plan/{made.id}/question" if made.state == ASKED else f"/plan/{made.id}", 303)


@router.get("/plan/{plan_id}")
def show_plan(request: Request, visitor: AnyVisitor, session: Db, plan_id: str) -> Response:
    """A plan with its check-ins, its rehearsals and what it said before."""
    plan = access_plan(session, visitor, plan_id)
    view = plan_view(request.app.state.services, session, visitor, plan, translator_of(request))
    return render_page(request, "plan/plan.html", key=new_id(), **view)


@router.get("/plan/{plan_id}/question")
def show_question(request: Request, visitor: AnyVisitor, session: Db, plan_id: str) -> Response:
    """The one question that was asked back."""
    plan = access_plan(session, visitor, plan_id)
    if plan.state != ASKED:
        return RedirectResponse(f"/plan/{plan.id}", 303)
    version = current_version(session, plan.id)
    view = form_view(visitor, translator_of(request), version=version)
    return render_page(
        request,
        "plan/question.html",
        plan_id=plan.id,
        wanting=version.wanting,
        question=version.question,
        is_by_model=version.is_by_model,
        key=new_id(),
        **view,
    )


@router.post("/plan/{plan_id}/question")
def answer_question(visitor: AnyVisitor, session: Db, plan_id: str, form: PostedForm) -> Response:
    """Takes the answer as a further version, or keeps the plan as it is."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    if plan.state == ASKED and form.get("keep"):
        keep_as_it_is(session, visitor, plan)
    elif plan.state == ASKED:
        version = current_version(session, plan.id)
        own: dict[str, Any] = words_of(version)
        said = {
            "cue": version.cue,
            "action": version.action,
            "day": version.cue_on.isoformat() if version.cue_on else "",
            "time": f"{own['cue_time']:%H:%M}" if own["cue_time"] else "",
        }
        said |= {name: form[name] for name in said if name in form}
        if version.wanting == "day" and not said["day"]:
            raise InputRefused(N_("Choose the day, or keep the plan as it is."))
        read = read_words(said, visitor, version)
        changed = own | {
            "cue": read.cue,
            "action": read.action,
            "cue_on": read.cue_on,
            "cue_time": read.cue_time,
            "zone": visitor.zone,
            "days": own_days(version, waiting_check_ins(session, plan.id)),
        }
        record_version(session, visitor, plan, PlanWords(**changed), read_key(form))
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.get("/plan/{plan_id}/change")
def change_plan(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    plan_id: str,
    check_in: Annotated[str, Query(max_length=32)] = "",
    rehearsal: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    """The form to change a plan: after a check-in with what got in the way, after a rehearsal with the learner's own words."""
    plan = access_plan(session, visitor, plan_id)
    version = current_version(session, plan.id)
    changed, after = _changed_by(session, visitor, plan, check_in, rehearsal)
    days = {
        f"check_{slot}": day.isoformat()
        for slot, day in enumerate(own_days(version, waiting_check_ins(session, plan.id)), start=1)
        if day is not None
    }
    view = form_view(visitor, translator_of(request), version=version, changed=days | changed)
    return render_page(
        request,
        "plan/form.html",
        action=f"/plan/{plan.id}/versions",
        key=new_id(),
        plan_id=plan.id,
        after=after,
        **view,
    )


@router.post("/plan/{plan_id}/versions")
def save_version(visitor: AnyVisitor, session: Db, plan_id: str, form: PostedForm) -> Response:
    """Saves the changed plan as a further version; the earlier ones stay in its history."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    words = read_words(form, visitor, current_version(session, plan.id))
    record_version(session, visitor, plan, words, read_key(form))
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.post("/plan/{plan_id}/put-away")
def put_plan_away(visitor: AnyVisitor, session: Db, plan_id: str) -> Response:
    """Ends the plan; no check-in of it comes any more."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    put_away(session, visitor, plan)
    if plan.state == PUT_AWAY:
        end_reminders(session, visitor, plan)
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.post("/plan/{plan_id}/share")
def share(visitor: AnyVisitor, session: Db, plan_id: str, form: PostedForm) -> Response:
    """Says who may read the plan."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    share_plan(session, visitor, plan, is_shared=form.get("seen_by") == "reviewers")
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.get("/plan/{plan_id}/calendar")
def show_calendar(request: Request, visitor: AnyVisitor, session: Db, plan_id: str) -> Response:
    """The plan as an iCalendar file."""
    plan = access_plan(session, visitor, plan_id)
    version = current_version(session, plan.id)
    if plan.state == PUT_AWAY:
        query = select(CheckIn).where(CheckIn.version_id == version.id).order_by(CheckIn.slot)
        check_ins = list(session.scalars(query))
    else:
        check_ins = list(check_ins_of(session, plan.id))
    body = calendar_file(plan, version, check_ins, now(), translator_of(request))
    return Response(
        body,
        media_type="text/calendar; charset=utf-8; method=PUBLISH",
        headers={"Content-Disposition": f'attachment; filename="plan-{plan.id[-6:]}.ics"'},
    )


@router.post("/plan/{plan_id}/reminders")
def remind(request: Request, visitor: AnyVisitor, session: Db, plan_id: str, form: PostedForm) -> Response:
    """Begins the mails at the plan's check-ins, to the address that the learner gives and says yes to."""
    mailing.hit(visitor.user_id)
    plan = access_plan(session, visitor, plan_id, for_update=True)
    begin_reminders(
        request.app.state.services,
        session,
        visitor,
        plan,
        address=form.get("email", ""),
        has_agreed=form.get("agreed") == "yes",
    )
    return RedirectResponse(f"/plan/{plan.id}", 303)


@router.post("/plan/{plan_id}/reminders/end")
def stop_reminding(visitor: AnyVisitor, session: Db, plan_id: str) -> Response:
    """Ends the mails; the address is deleted."""
    plan = access_plan(session, visitor, plan_id, for_update=True)
    end_reminders(session, visitor, plan)
    return RedirectResponse(f"/plan/{plan.id}", 303)


def _made_before(services: Services, visitor: Visitor, key: str) -> ActionPlan | None:
    with services.database.read() as session:
        return plan_of_key(session, visitor, key)


def _make(services: Services, visitor: Visitor, words: PlanWords, source: str, record: Any) -> ActionPlan:
    with services.database.write() as session:
        seed = seed_named(services, session, visitor, Translator(visitor.locale), source) if source else None
        made: ActionPlan = record(
            session,
            visitor,
            words,
            source=seed.key if seed else "",
            skill_key=seed.skill_key if seed else "",
        )
        return made


def _changed_by(
    session: Session, visitor: Visitor, plan: ActionPlan, check_in_id: str, rehearsal_id: str
) -> tuple[dict[str, str], str]:
    """What the form begins with in place of the plan's own words, and why ("check_in", "rehearsal" or "")."""
    if check_in_id:
        row, of = access_check_in(session, visitor, check_in_id)
        answer = answers_of(session, [row.id]).get(row.id)
        if of.id == plan.id and answer is not None:
            way = {"obstacle": answer.in_the_way, "answer": ""} if answer.in_the_way else {}
            return {"day": "", "time": "", "check_1": "", "check_2": "", "check_3": "", **way}, "check_in"
    if rehearsal_id:
        played, of = access_rehearsal(session, visitor, rehearsal_id)
        said = [turn.said for turn in turns_of(session, played) if turn.said]
        if of.id == plan.id and said:
            return {"action": " ".join(said[0].split())[:400]}, "rehearsal"
    return {}, ""
