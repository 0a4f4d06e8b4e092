"""How the coach of an activity helps: at once, or by hints. The instructor's choice, and the learner's where it is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.models import CoachSettings, ModeChoice
from app.course.access import Visitor, refuse_anonymous
from app.course.models import ResourceLink
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, WorksideError

Mode = Literal["help", "learn"]
MODES: tuple[Mode, ...] = ("help", "learn")
DEFAULT_MODE: Mode = "help"


class SettingsChanged(WorksideError):
    """Another instructor saved the coach's settings while this form was open."""

    status = 409
    title = N_("Somebody else has changed these settings meanwhile")
    advice = N_("Yours were not saved. Open the page again to see theirs, then make your change.")


class NoChoiceHere(WorksideError):
    """A learner's choice of mode, in an activity whose instructor decides on it."""

    status = 403
    title = N_("Your instructor decides how the coach helps here")
    advice = N_("Ask them to let learners choose, if another way would help you more.")


@dataclass(frozen=True, kw_only=True)
class CoachWays:
    """How the coach of one activity helps, as it holds for everybody there.

    `version` is that of the activity's own settings, 0 while it has none; `settings_id` names the row that these come from,
    which may be that of another activity with the same placement, and is "" for the defaults.
    """

    mode: Mode = DEFAULT_MODE
    learner_may_choose: bool = False
    offers_content_starters: bool = True
    starters: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    hidden_prompts: frozenset[str] = frozenset()
    version: int = 0
    settings_id: str = ""
    changed_by: str | None = None
    changed_at: datetime | None = None


def coach_settings_of(session: Session, visitor: Visitor) -> CoachWays:
    """The settings of the visitor's activity; else those of an activity with the same placement; else the defaults.

    A course that was copied shows the same placements and has no settings yet: it helps as the original does until somebody
    chooses otherwise there.
    """
    own = _row_of(session, visitor.resource_link_id)
    row = own or _inherited(session, visitor)
    if row is None:
        return CoachWays()
    return CoachWays(
        mode="learn" if row.mode == "learn" else "help",
        learner_may_choose=row.learner_may_choose,
        offers_content_starters=row.offers_content_starters,
        starters=tuple(row.starters),
        prompts=tuple(row.prompts),
        hidden_prompts=frozenset(row.hidden_prompts),
        version=own.version if own else 0,
        settings_id=row.id,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def record_settings(session: Session, visitor: Visitor, wanted: CoachWays) -> CoachSettings:
    """Saves the settings of the visitor's activity. `wanted.version` is the version that the form was opened with.

    Raises SettingsChanged where another change came first; settings that say the same already are left alone.
    """
    before = coach_settings_of(session, visitor)
    row = _row_of(session, visitor.resource_link_id, for_update=True)
    if (row.version if row else 0) != wanted.version:
        raise SettingsChanged
    changes = _changes(before, wanted)
    if row is not None and not changes:
        return row
    if row is None:
        row = CoachSettings(
            organisation_id=visitor.organisation_id, resource_link_id=visitor.resource_link_id, version=0
        )
    row.mode = wanted.mode
    row.learner_may_choose = wanted.learner_may_choose
    row.offers_content_starters = wanted.offers_content_starters
    row.starters, row.prompts = list(wanted.starters), list(wanted.prompts)
    row.hidden_prompts = sorted(wanted.hidden_prompts)
    row.version += 1
    row.changed_by, row.changed_at = visitor.user_id, now()
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # two first changes at once
        raise SettingsChanged from None
    record_event(
        session,
        "coach.settings_changed",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="coach_settings",
        subject_id=row.id,
        version=row.version,
        **changes,
    )
    return row


def _changes(before: CoachWays, after: CoachWays) -> dict[str, str | int | bool]:
    """What differs, as the audit log may hold it: states and counts, no words."""
    changes: dict[str, str | int | bool] = {}
    if before.mode != after.mode:
        changes |= {"mode_before": before.mode, "mode": after.mode}
    for name in ("learner_may_choose", "offers_content_starters"):
        if getattr(before, name) != getattr(after, name):
            changes[name] = getattr(after, name)
    for name in ("starters", "prompts", "hidden_prompts"):
        if getattr(before, name) != getattr(after, name):
            changes[name] = len(getattr(after, name))
    return changes


def chosen_mode(session: Session, visitor: Visitor) -> Mode | None:
    """The mode that the visitor chose for themselves here; None without a choice."""
    mode = session.scalar(
        select(ModeChoice.mode).where(
            ModeChoice.resource_link_id == visitor.resource_link_id, ModeChoice.user_id == visitor.user_id
        )
    )
    return None if mode is None else "learn" if mode == "learn" else "help"


def choose_mode(session: Session, visitor: Visitor, mode: str) -> None:
    """Keeps the visitor's own choice. Raises NoChoiceHere where the settings allow none, NameNeeded for nobody in particular."""
    refuse_anonymous(visitor)
    if mode not in MODES:
        raise InputRefused(N_("Choose one of the two ways of helping."))
    if not coach_settings_of(session, visitor).learner_may_choose:
        raise NoChoiceHere
    row = session.scalars(
        select(ModeChoice).where(
            ModeChoice.resource_link_id == visitor.resource_link_id, ModeChoice.user_id == visitor.user_id
        )
    ).one_or_none()
    if row is not None and row.mode == mode:
        return
    if row is None:
        row = ModeChoice(resource_link_id=visitor.resource_link_id, user_id=visitor.user_id)
    row.mode, row.chosen_at = mode, now()
    session.add(row)
    session.flush()
    record_event(
        session,
        "mode.chosen",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="mode_choice",
        subject_id=row.id,
        mode=mode,
    )


def _row_of(session: Session, resource_link_id: str, *, for_update: bool = False) -> CoachSettings | None:
    query = select(CoachSettings).where(CoachSettings.resource_link_id == resource_link_id)
    return session.scalars(query.with_for_update() if for_update else query).one_or_none()


def _inherited(session: Session, visitor: Visitor) -> CoachSettings | None:
    """The newest settings of another activity of the organisation that shows the same placement."""
    placement_id = session.scalar(
        select(ResourceLink.placement_id).where(ResourceLink.id == visitor.resource_link_id)
    )
    if placement_id is None:
        return None
    return session.scalars(
        select(CoachSettings)
        .join(ResourceLink, ResourceLink.id == CoachSettings.resource_link_id)
        .where(
            ResourceLink.placement_id == placement_id,
            CoachSettings.organisation_id == visitor.organisation_id,
        )
        .order_by(CoachSettings.changed_at.desc())
        .limit(1)
    ).first()
