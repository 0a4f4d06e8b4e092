"""The silence watch: questions that people asked against answers that they got. Spending can look well while nobody is answered.

It reads the turns' own rows, so that it also sees what a process that died or hangs cannot count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from app.course.services import Services
from app.kit.clock import now
from app.kit.health import Probe
from app.kit.log import get_logger
from app.kit.metrics import NOT_COVERED_SHARE, QUESTIONS_UNANSWERED
from app.rooms.ask.models import ANSWERED, STOPPED, Turn

log = get_logger("silence")

# An answer may take this long before its question counts as one without.
PATIENCE = timedelta(seconds=60)
# One question may be bad luck: a process that was killed while it answered.
FEWEST = 2
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Silence:
    """Questions of the last minutes that were answered and that were not; one that its person stopped is neither."""

    answered: int
    unanswered: int
    minutes: int

    @property
    def is_alarming(self) -> bool:
        """Whether most questions have no answer."""
        return self.unanswered >= FEWEST and self.unanswered > self.answered

    @property
    def says(self) -> str:
        asked = self.answered + self.unanswered
        return f"{self.unanswered} of {asked} questions of the last {self.minutes} minutes have no answer"


def look_for_silence(services: Services, moment: datetime | None = None) -> Silence:
    """Counts the turns that were asked in the settings' minutes, those of the last minute aside."""
    moment = moment or now()
    minutes = services.settings.silence_minutes
    with services.database.read() as session:
        answered, asked = session.execute(
            select(
                func.coalesce(func.sum(case((Turn.state == ANSWERED, 1), else_=0)), 0), func.count()
            ).where(
                Turn.asked_at > moment - timedelta(minutes=minutes),
                Turn.asked_at <= moment - PATIENCE,
                Turn.state != STOPPED,
            )
        ).one()
    return Silence(int(answered), asked - int(answered), minutes)


class SilenceWatch:
    """Whether this process has said that people get no answers, so that it is said once and not twice a minute."""

    def __init__(self) -> None:
        self.is_silent = False

    def tell(self, silence: Silence) -> None:
        if silence.is_alarming and not self.is_silent:
            log.warning(
                "questions_unanswered",
                unanswered=silence.unanswered,
                answered=silence.answered,
                minutes=silence.minutes,
                advice="run `workside doctor`; see docs/spending.md",
            )
        elif self.is_silent and not silence.is_alarming:
            log.info("questions_answered_again", answered=silence.answered)
        self.is_silent = silence.is_alarming


def measure_answers(services: Services) -> Silence:
    """Sets the gauges of answers; returns what the silence watch sees."""
    moment = now()
    silence = look_for_silence(services, moment)
    QUESTIONS_UNANSWERED.set(silence.unanswered)
    with services.database.read() as session:
        not_covered, answers = session.execute(
            select(
                func.coalesce(func.sum(case((Turn.verdict == "not_covered", 1), else_=0)), 0), func.count()
            ).where(Turn.asked_at > moment - DAY, Turn.state == ANSWERED)
        ).one()
    NOT_COVERED_SHARE.set(int(not_covered) / answers if answers else 0)
    return silence


def watch_answers(services: Services) -> bool:
    """Raises the alarm of silence in the log."""
    services.part(SilenceWatch, lambda _: SilenceWatch()).tell(measure_answers(services))
    return False


def ask_probes(services: Services) -> tuple[Probe, ...]:
    """Silence makes nothing unready: another replica would be as silent, and a restart may be what is needed least."""

    def silence() -> str | None:
        found = look_for_silence(services)
        return f"{found.says}; run `workside doctor`" if found.is_alarming else None

    return (Probe("answers", silence, needed=False),)
