"""What the pages of plans show, and what of it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coach.expert_links import mail_server
from app.coach.plan_models import (
    ActionPlan,
    CheckIn,
    CheckInAnswer,
    PlanReminder,
    PlanVersion,
    Rehearsal,
    RehearsalTurn,
)
from app.coach.plan_phrasing import cue_in_sentence, deed_in_sentence, ends_a_sentence
from app.coach.plans import (
    AFTER_DAYS,
    ASKED,
    OPEN,
    PUT_AWAY,
    WAITING,
    access_plan,
    answers_of,
    check_ins_of,
    current_version,
    due_check_ins,
    plans_of,
    shared_plans,
    versions_of,
)
from app.course.access import Visitor
from app.course.loading import skill_names
from app.course.models import User
from app.course.services import Services
from app.evidence.claims import ApplicationClaim, claims_of_plan
from app.kit.clock import now
from app.kit.errors import N_, NotFound
from app.kit.i18n import Translator, day_in
from app.kit.room import DueItem, PlanSeed
from app.kit.time_zones import day_there, days_after, time_there

SHORT = 70
# What often gets in the way, with an answer to begin from: a tap each. (obstacle, answer)
OBSTACLES = (
    (N_("there is no time"), N_("do only the first step")),
    (N_("I forget"), N_("look at my calendar before I begin")),
    (N_("somebody objects"), N_("ask what worries them, then say it again")),
    (N_("I am not sure how"), N_("look it up in the coach first")),
)
_SLOTS = {1: N_("After a week"), 2: N_("After 30 days"), 3: N_("After 90 days")}
_ANSWERS = {"yes": N_("It happened"), "partly": N_("Partly"), "not_yet": N_("Not yet")}


def today_of(visitor: Visitor) -> date:
    """Which day it is where the visitor is."""
    return day_there(now(), visitor.zone)


def due_for_plans(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    """The check-ins that are due, and the plans whose day is today, where the visitor is."""
    if visitor.is_anonymous:
        return []
    items = []
    for check_in in due_check_ins(session, visitor):
        version = session.get_one(PlanVersion, check_in.version_id)
        items.append(
            DueItem(
                translate("Check-in: did you do it? “%(action)s”", action=_short(version.action)),
                f"/plan/check-ins/{check_in.id}",
            )
        )
    today = today_of(visitor)
    newest = session.execute(
        select(ActionPlan, PlanVersion)
        .join(PlanVersion, PlanVersion.plan_id == ActionPlan.id)
        .where(
            ActionPlan.user_id == visitor.user_id,
            ActionPlan.context_id == visitor.context_id,
            ActionPlan.state == OPEN,
            PlanVersion.cue_on == today,
        )
        .order_by(ActionPlan.id)
    )
    for plan, version in newest:
        if current_version(session, plan.id).id == version.id:
            text = translate("Your plan for today: %(action)s", action=_short(version.action))
            items.append(DueItem(text, f"/plan/{plan.id}"))
    return items


def list_view(session: Session, visitor: Visitor, translate: Translator) -> dict[str, Any]:
    """What plan/list.html shows."""
    due = {} if visitor.is_anonymous else {row.plan_id: row for row in due_check_ins(session, visitor)}
    rows = []
    for plan in () if visitor.is_anonymous else plans_of(session, visitor):
        version = current_version(session, plan.id)
        waiting = [row for row in check_ins_of(session, plan.id) if row.state == WAITING]
        is_due = plan.id in due
        note, kind = "", ""
        if is_due:
            note, kind = translate("Check-in due"), "is-care"
        elif plan.state == ASKED:
            note, kind = translate("One question open"), "is-care"
        elif waiting and plan.state == OPEN:
            note = translate("Check-in on %(day)s", day=day_in(translate.locale, waiting[0].due_on))
        href = f"/plan/check-ins/{due[plan.id].id}" if is_due else f"/plan/{plan.id}"
        if plan.state == ASKED:
            href = f"/plan/{plan.id}/question"
        rows.append(
            {
                "href": href,
                **sentence_parts(plan, version),
                "day": day_in(translate.locale, version.cue_on) if version.cue_on else "",
                "note": note,
                "kind": kind,
                "is_due": is_due,
                "is_away": plan.state == PUT_AWAY,
            }
        )
    rows.sort(key=lambda row: not row["is_due"])
    return {
        "plans": [row for row in rows if not row["is_away"]],
        "away": [row for row in rows if row["is_away"]],
        "shared": len(shared_plans(session, visitor)) if visitor.is_reviewer else 0,
    }


def form_view(
    visitor: Visitor,
    translate: Translator,
    *,
    seeds: list[PlanSeed] | None = None,
    chosen: PlanSeed | None = None,
    version: PlanVersion | None = None,
    changed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What plan/form.html shows: a new plan, or `version` to be changed, with `changed` values in place of its own."""
    today = today_of(visitor)
    values: dict[str, str] = dict.fromkeys(
        ("cue", "action", "day", "time", "obstacle", "answer", "known_by", "check_1", "check_2", "check_3"),
        "",
    )
    if chosen is not None:
        values |= {"cue": chosen.cue}
    if version is not None:
        values |= {
            "cue": cue_in_sentence(version.cue, visitor.locale),
            "action": deed_in_sentence(version.action),
            "day": version.cue_on.isoformat() if version.cue_on else "",
            "time": f"{time_there(version.cue_at, version.zone):%H:%M}" if version.cue_at else "",
            "obstacle": version.obstacle,
            "answer": version.answer,
            "known_by": version.known_by,
        }
    return {
        "is_break": ends_a_sentence(values["cue"]),
        "values": values | dict(changed or {}),
        "seeds": seeds or [],
        "chosen": chosen,
        "quick_days": _quick_days(today, translate),
        "obstacles": [(translate(obstacle), translate(answer)) for obstacle, answer in OBSTACLES],
        "today": today.isoformat(),
        "zone": visitor.zone.replace("_", " "),
    }


def plan_view(
    services: Services, session: Session, visitor: Visitor, plan: ActionPlan, translate: Translator
) -> dict[str, Any]:
    """What plan/plan.html shows of the visitor's own plan."""
    versions = versions_of(session, plan.id)
    version = versions[-1]
    check_ins = check_ins_of(session, plan.id)
    answers = answers_of(session, [row.id for row in check_ins])
    rehearsals = session.scalars(
        select(Rehearsal).where(Rehearsal.plan_id == plan.id).order_by(Rehearsal.number)
    ).all()
    reminder = session.get(PlanReminder, plan.id)
    return {
        "plan": card_view(
            plan, version, translate, skill_names(session, visitor.organisation_id, visitor.locale)
        ),
        "state": plan.state,
        "is_shared": plan.is_shared,
        "check_ins": [
            _check_in_view(session, row, answers.get(row.id), today_of(visitor), translate)
            for row in check_ins
        ],
        "rehearsals": [
            {"number": row.number, "href": f"/plan/rehearsals/{row.id}", "is_done": row.debrief is not None}
            for row in rehearsals
        ],
        "claims": [claim_view(claim, translate) for claim in claims_of_plan(session, plan)],
        "earlier": [card_view(plan, one, translate, {}) for one in reversed(versions[:-1])],
        "can_mail": mail_server(services) is not None,
        "is_mailed": reminder is not None and reminder.ended_at is None,
        "calendar_name": f"{translate('plan')}-{version.cue_on or 'workside'}.ics",
    }


def sentence_parts(plan: ActionPlan, version: PlanVersion) -> dict[str, Any]:
    """A version's cue and action as they stand after "When" and "I will"; `is_break` where no comma can stand between them."""
    cue = cue_in_sentence(version.cue, plan.locale)
    return {"cue": cue, "action": deed_in_sentence(version.action), "is_break": ends_a_sentence(cue)}


def card_view(
    plan: ActionPlan, version: PlanVersion, translate: Translator, skills: Mapping[str, str]
) -> dict[str, Any]:
    """A plan's words with its day, as parts.html draws them."""
    return {
        "id": plan.id,
        "number": version.number,
        **sentence_parts(plan, version),
        "day": day_in(translate.locale, version.cue_on) if version.cue_on else "",
        "time": f"{time_there(version.cue_at, version.zone):%H:%M}" if version.cue_at else "",
        "zone": version.zone.replace("_", " "),
        "obstacle": cue_in_sentence(version.obstacle, plan.locale),
        "answer": deed_in_sentence(version.answer),
        "known_by": version.known_by,
        "skill": skills.get(plan.skill_key, ""),
        "made": day_in(translate.locale, day_there(version.created_at, version.zone)),
    }


def check_in_page(
    session: Session, visitor: Visitor, check_in: CheckIn, plan: ActionPlan, translate: Translator
) -> dict[str, Any]:
    """What plan/check_in.html shows."""
    version = session.get_one(PlanVersion, check_in.version_id)
    answer = answers_of(session, [check_in.id]).get(check_in.id)
    return {
        "plan": card_view(plan, version, translate, {}),
        "check_in": _check_in_view(session, check_in, answer, today_of(visitor), translate),
        "said": {
            "answer": answer.answer if answer else "",
            "happened": answer.happened if answer else "",
            "in_the_way": answer.in_the_way if answer else "",
        },
    }


def claim_view(claim: ApplicationClaim, translate: Translator) -> dict[str, Any]:
    return {
        "href": f"/plan/claims/{claim.id}",
        "id": claim.id,
        "day": claim.happened_on.isoformat(),
        "day_said": day_in(translate.locale, claim.happened_on),
        "done": claim.what_was_done,
        "came_of_it": claim.what_came_of_it,
        "state": claim.state,
        "plan_id": claim.plan_id,
        "check_in_id": claim.check_in_id,
    }


def rehearsal_view(
    session: Session, plan: ActionPlan, rehearsal: Rehearsal, translate: Translator
) -> dict[str, Any]:
    """What plan/rehearsal.html shows."""
    turns = turns_of(session, rehearsal)
    return {
        "plan": card_view(plan, session.get_one(PlanVersion, rehearsal.version_id), translate, {}),
        "rehearsal_id": rehearsal.id,
        "number": rehearsal.number,
        "turns": [
            {"number": turn.number, "scene": turn.scene, "said": turn.said, "source": turn.source}
            for turn in turns
        ],
        "debrief": rehearsal.debrief,
        "is_open": plan.state == OPEN,
    }


def turns_of(session: Session, rehearsal: Rehearsal) -> list[RehearsalTurn]:
    """The turns in order."""
    return list(
        session.scalars(
            select(RehearsalTurn)
            .where(RehearsalTurn.rehearsal_id == rehearsal.id)
            .order_by(RehearsalTurn.number)
        )
    )


def access_rehearsal(
    session: Session, visitor: Visitor, rehearsal_id: str, *, for_update: bool = False
) -> tuple[Rehearsal, ActionPlan]:
    """A rehearsal of the visitor's own plan, and the plan."""
    row = session.get(Rehearsal, rehearsal_id)
    if row is None:
        raise NotFound
    plan = access_plan(session, visitor, row.plan_id, for_update=for_update)
    if for_update:
        session.refresh(row)
    return row, plan


def shared_view(session: Session, visitor: Visitor, translate: Translator) -> list[dict[str, Any]]:
    """What plan/shared.html shows: the words of shared plans and the answers at their check-ins, and nothing of their sentences."""
    found = []
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    for plan in shared_plans(session, visitor):
        check_ins = check_ins_of(session, plan.id)
        answers = answers_of(session, [row.id for row in check_ins])
        found.append(
            {
                "who": session.get_one(User, plan.user_id).display_name,
                "plan": card_view(plan, current_version(session, plan.id), translate, names),
                "answers": [
                    {
                        "slot": _slot_name(session, row, translate),
                        "answer": answers[row.id].answer,
                        "text": translate(_ANSWERS[answers[row.id].answer]),
                    }
                    for row in check_ins
                    if row.id in answers
                ],
            }
        )
    return found


def _slot_name(session: Session, row: CheckIn, translate: Translator) -> str:
    """What a check-in is called: by its distance from the plan's day, or by its number where the learner chose the day."""
    version = session.get_one(PlanVersion, row.version_id)
    base = version.cue_on or day_there(version.created_at, version.zone)
    if row.due_on == days_after(base, AFTER_DAYS[row.slot - 1]):
        return translate(_SLOTS[row.slot])
    return translate("Check-in %(n)s", n=row.slot)


def _check_in_view(
    session: Session, row: CheckIn, answer: CheckInAnswer | None, today: date, translate: Translator
) -> dict[str, Any]:
    return {
        "id": row.id,
        "href": f"/plan/check-ins/{row.id}",
        "slot": _slot_name(session, row, translate),
        "day": day_in(translate.locale, row.due_on),
        "is_due": row.state == WAITING and row.due_on <= today,
        "is_waiting": row.state == WAITING,
        "answer": answer.answer if answer else "",
        "text": translate(_ANSWERS[answer.answer]) if answer else "",
        "happened": answer.happened if answer else "",
        "in_the_way": answer.in_the_way if answer else "",
    }


def _quick_days(today: date, translate: Translator) -> list[dict[str, str]]:
    """Today, tomorrow, and the next two working days after it."""
    later = [days_after(today, n) for n in range(2, 8) if days_after(today, n).weekday() < 5][:2]
    words = [(today, translate("Today")), (days_after(today, 1), translate("Tomorrow"))]
    return [
        {"day": day.isoformat(), "text": text}
        for day, text in [*words, *((day, _weekday(day, translate)) for day in later)]
    ]


def _weekday(day: date, translate: Translator) -> str:
    """A near day as it is called: "Wed 25"."""
    return str(format_date(day, "EEE d", locale=translate.locale.replace("-", "_")))


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"
