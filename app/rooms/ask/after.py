"""What follows an answer: whether it unblocked the person, and one question to explain back. Never scored."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.explain_back import clean_reply, give_feedback, key_statements, question_back
from app.coach.hints import Said
from app.course.access import Visitor
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from app.rooms.ask.ladder import hold_back, is_held_back
from app.rooms.ask.models import Turn

UNBLOCKED = ("yes", "not_yet", "person")


def said_in(turn: Turn) -> list[Said]:
    """The sentences of a turn's answer that count as grounded; all of them where none does."""
    stored = turn.answer.get("sentences", ())
    grounded = [one for one in stored if one["verified"]] or stored
    return [Said(one["text"], one["kind"]) for one in grounded]


def topic_of(turn: Turn) -> str:
    """The heading that the answer stands under, else its document; "" for an answer without a source."""
    return next((str(one["heading"] or one["document"]) for one in turn.answer.get("citations", ())), "")


def record_unblocked(session: Session, visitor: Visitor, turn: Turn, answer: str) -> None:
    """Keeps whether the answer unblocked the person, and when they said so. Saying the same again changes nothing, and
    whom it has helped may still ask a person."""
    if answer not in UNBLOCKED:
        raise InputRefused(N_("Choose one of the answers."))
    if turn.unblocked == answer or (turn.unblocked == "yes" and answer == "person"):
        return
    turn.unblocked, turn.unblocked_at = answer, now()
    record_event(
        session,
        "turn.unblocked",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="turn",
        subject_id=turn.id,
        answer=answer,
        seconds=int((turn.unblocked_at - turn.asked_at).total_seconds()),
        level=turn.hint_level,
    )


def record_explained(session: Session, visitor: Visitor, turn: Turn, explained: dict[str, Any]) -> None:
    """Keeps the explanation with its feedback, or that the question was skipped."""
    turn.explain_back = explained
    record_event(
        session,
        "turn.explained",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="turn",
        subject_id=turn.id,
        is_skipped=bool(explained.get("skipped")),
    )


async def explained(
    services: Services, visitor: Visitor, turn: Turn, reply: str, translate: Translator
) -> dict[str, Any]:
    """The learner's explanation with its feedback, JSON-ready. Nothing is written: a model may take a while."""
    text = clean_reply(reply)
    said = said_in(turn)
    if not said:
        raise InputRefused(N_("There is no answer here to explain back."))
    coach = coach_of(services)
    feedback = await give_feedback(
        services.retrieval.embedder,
        coach.models,
        Payer(visitor.organisation_id, visitor.context_id, visitor.user_id),
        question=turn.question,
        statements=key_statements(said),
        reply=text,
    )
    return {
        "question": question_back(turn.question, said, topic_of(turn), translate),
        "reply": text,
        "at": now().isoformat(),
        **feedback.as_json(),
    }


def learning_view(view: dict[str, Any], turn: Turn, translate: Translator) -> dict[str, Any]:
    """The view of a turn as its page may show it, with its hints and what follows an answer."""
    return hold_back(view, turn, translate) | {"after": after_view(turn, translate)}


def after_view(turn: Turn, translate: Translator) -> dict[str, Any] | None:
    """What ask/after.html shows; None for a turn that is not kept, not answered, or has no answer to it."""
    if not turn.conversation_id or not turn.answer.get("sentences"):
        return None
    view: dict[str, Any] = {"unblocked": turn.unblocked, "explain": None}
    explained = turn.explain_back or {}
    if explained.get("skipped") or turn.unblocked != "yes":
        return view
    if not explained:
        question = question_back(turn.question, said_in(turn), topic_of(turn), translate)
        blank = {
            "question": question,
            "reply": "",
            "points": [],
            "more_missing": 0,
            "next": "",
            "by_model": False,
        }
        return {**view, "explain": blank}
    return {**view, "explain": _feedback_view(turn, explained, translate)}


def _feedback_view(turn: Turn, explained: dict[str, Any], translate: Translator) -> dict[str, Any]:
    """The feedback; below the last hint it names what is missing without the words of the answer."""
    hides = is_held_back(turn)
    points = [
        {**point, "statement": "" if hides else point["statement"]}
        for point in explained["points"]
        if not (hides and point["status"] == "missing")
    ]
    return {
        "question": explained["question"],
        "reply": explained["reply"],
        "points": points,
        "more_missing": len(explained["points"]) - len(points),
        "next": _one_thing(explained, translate, hides=hides),
        "by_model": explained["voice"] == "model",
    }


def _one_thing(explained: dict[str, Any], translate: Translator, *, hides: bool) -> str:
    """One thing to try, by what weighs most."""
    points = explained["points"]
    if explained["is_copied"]:
        return translate(
            "These are the document's own words. Say it as you would to a colleague who has not read it."
        )
    if any(point["lacks_figure"] for point in points if point["status"] == "partly"):
        return translate("Say it once more, with the exact figure.")
    wanting = next((point for point in points if point["status"] != "there"), None)
    if wanting is None:
        return translate("Nothing is missing. Use it on the next real case.")
    if hides:
        return translate("Something is missing still. Look at the source, then say it again.")
    return translate("Say it once more, with this in it: “%(statement)s”", statement=wanting["statement"])
