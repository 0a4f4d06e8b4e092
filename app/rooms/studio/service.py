"""The settings of a coach as a form and as a preview, and the log of their changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from app.coach.helping import MODES, CoachWays, coach_settings_of
from app.coach.hints import Said, nudge
from app.coach.ready_prompts import clean_prompt, organisation_prompts, prompts_for
from app.coach.starters import refused_starters, starters_offered
from app.course.access import Visitor
from app.course.models import User
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.audit import AuditEvent
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator

MOST_STARTERS = 6
MOST_PROMPTS = 12
LONGEST_STARTER = 200
SHOWN_CHANGES = 10
_VERSION = re.compile(r"[0-9]{1,9}")


def read_settings(services: Services, session: Session, visitor: Visitor, form: FormData) -> CoachWays:
    """What the form asks for; InputRefused names the part that cannot be taken."""
    mode = str(form.get("mode", ""))
    if mode not in MODES:
        raise InputRefused(N_("Choose how the coach helps: at once, or by hints."))
    version = str(form.get("version", ""))
    if not _VERSION.fullmatch(version):
        raise InputRefused(N_("The form is incomplete. Reload the page and try again."))
    starters = _lines(form, "starters")
    if len(starters) > MOST_STARTERS or any(len(text) > LONGEST_STARTER for text in starters):
        raise InputRefused(N_("Six starters at most, each of 200 characters or less. One line for each."))
    prompts = [clean_prompt(text) for text in _lines(form, "prompts")]
    if len(prompts) > MOST_PROMPTS:
        raise InputRefused(N_("Twelve ready prompts at most. One line for each."))
    known = {
        prompt.id
        for prompt in organisation_prompts(session, coach_scope(services.retrieval, visitor), visitor.locale)
    }
    offered = {str(key) for key in form.getlist("offered")}
    return CoachWays(
        mode="learn" if mode == "learn" else "help",
        learner_may_choose=form.get("learner_may_choose") == "yes",
        offers_content_starters=form.get("content_starters") == "yes",
        starters=tuple(starters),
        prompts=tuple(dict.fromkeys(prompts)),
        hidden_prompts=frozenset(known - offered),
        version=int(version),
    )


def settings_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> dict[str, Any]:
    """What studio/settings.html shows."""
    ways = coach_settings_of(session, visitor)
    scope = coach_scope(services.retrieval, visitor)
    return {
        "settings": {
            "mode": ways.mode,
            "learner_may_choose": ways.learner_may_choose,
            "offers_content_starters": ways.offers_content_starters,
            "starters": list(ways.starters),
            "prompts": list(ways.prompts),
            "version": ways.version,
            "is_inherited": bool(ways.settings_id) and ways.version == 0,
        },
        "refused": sorted(refused_starters(session, ways, visitor.locale) & set(ways.starters)),
        "organisation_prompts": [
            {**prompt.as_view(), "is_offered": prompt.id not in ways.hidden_prompts}
            for prompt in organisation_prompts(session, scope, visitor.locale)
        ],
        "preview": _preview(services, session, visitor, ways, translate),
        "changes": changes_of(session, visitor, ways, translate),
    }


def _preview(
    services: Services, session: Session, visitor: Visitor, ways: CoachWays, translate: Translator
) -> dict[str, Any]:
    """What a learner meets: the starters and prompts that are offered, and the first hint to the first starter."""
    scope = coach_scope(services.retrieval, visitor)
    starters = starters_offered(session, scope, ways, visitor.locale)
    prompts = [p for p in prompts_for(session, scope, visitor, ways) if p.source != "own"]
    question = starters[0] if starters else ""
    return {
        "starters": starters,
        "prompts": [prompt.as_view() for prompt in prompts],
        "question": question,
        "nudge": nudge(question, [Said(question, "sentence")], "", translate) if question else "",
    }


def changes_of(
    session: Session, visitor: Visitor, ways: CoachWays, translate: Translator
) -> list[dict[str, Any]]:
    """Who changed what in this activity, the latest first. An activity that has only inherited its settings has no log."""
    if ways.version == 0:
        return []
    rows = session.execute(
        select(AuditEvent, User)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(
            AuditEvent.subject_kind == "coach_settings",
            AuditEvent.subject_id == ways.settings_id,
            AuditEvent.organisation_id == visitor.organisation_id,
        )
        .order_by(AuditEvent.id.desc())
        .limit(SHOWN_CHANGES)
    )
    return [
        {
            "at": event.at,
            "who": user.display_name if user else "",
            "what": _what_changed(event.detail, translate),
        }
        for event, user in rows
    ]


def _what_changed(detail: dict[str, Any], translate: Translator) -> list[str]:
    """A change in words."""
    said: list[str] = []
    modes = {"help": translate("help mode"), "learn": translate("learn mode")}
    if "mode" in detail:
        said.append(translate("now in %(mode)s", mode=modes[str(detail["mode"])]))
    choices: Sequence[tuple[str, str, str]] = (
        ("learner_may_choose", N_("learners may choose"), N_("learners may not choose")),
        ("offers_content_starters", N_("starters from the content"), N_("no starters from the content")),
    )
    for name, yes, no in choices:
        if name in detail:
            said.append(translate(yes if detail[name] else no))
    if "starters" in detail:
        said.append(
            translate.plural(
                "%(n)s starter of your own", "%(n)s starters of your own", int(detail["starters"])
            )
        )
    if "prompts" in detail:
        said.append(
            translate.plural(
                "%(n)s ready prompt of your own", "%(n)s ready prompts of your own", int(detail["prompts"])
            )
        )
    if "hidden_prompts" in detail:
        said.append(
            translate.plural(
                "%(n)s ready prompt taken out", "%(n)s ready prompts taken out", int(detail["hidden_prompts"])
            )
        )
    return said or [translate("saved for the first time")]


def _lines(form: FormData, name: str) -> list[str]:
    lines = (" ".join(line.split()) for line in str(form.get(name, "")).splitlines())
    return list(dict.fromkeys(line for line in lines if line))
