"""Scores: what is sent, when it may be sent, what the answer means, and what the platform holds (AGS 2.0, 3.4 and 3.3).

The outbox (rows, leases, tries) is the application's. Here are the rules of the protocol as pure functions, and one call
that sends one score once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pylti1p3.grade import Grade

from lti.claims import RESULT_SCOPE, SCORE_SCOPE, required_text
from lti.errors import (
    N_,
    LtiError,
    ScopeNotGranted,
    ScoreInvalid,
    ServiceAddressRefused,
    ServiceRefused,
    ServiceUnavailable,
    TokenDenied,
    TokenUnavailable,
)
from lti.message import AgsEndpoint
from lti.platforms import Quirks
from lti.ports import EgressResponse
from lti.registration import Registration
from lti.replies import is_throttled, retry_after, words_of
from lti.services import Services

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
NO_SCORE_SCOPE = N_("the platform does not let us send scores")
STALE = N_(
    "The gradebook still shows the grade that Workside sent before, and takes this one for older. Send it again to try with "
    "the present time."
)
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"

ActivityProgress = Literal["Initialized", "Started", "InProgress", "Submitted", "Completed"]
GradingProgress = Literal["NotReady", "Failed", "Pending", "PendingManual", "FullyGraded"]


@dataclass(frozen=True)
class Score:
    """One learner's score for one line item. `timestamp` is the stamp from `next_stamp`, the same on every try.

    Times are aware; `score_given` and `score_maximum` come together or not at all. `submission_url` is an address of ours that
    shows the work when it is launched, for platforms that open it beside the grade. Raises ScoreInvalid.
    """

    user_id: str
    timestamp: datetime
    activity_progress: ActivityProgress = "Completed"
    grading_progress: GradingProgress = "FullyGraded"
    score_given: float | None = None
    score_maximum: float | None = None
    comment: str | None = None
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    submission_url: str | None = None

    def __post_init__(self) -> None:
        if not required_text(self.user_id):
            raise ScoreInvalid("a score needs a user")
        if self.activity_progress not in get_args(ActivityProgress) or self.grading_progress not in get_args(
            GradingProgress
        ):
            raise ScoreInvalid("no such progress")
        if (self.score_given is None) != (self.score_maximum is None):
            raise ScoreInvalid("scoreGiven and scoreMaximum come together")
        if self.score_given is not None and self.score_maximum is not None:
            if not (math.isfinite(self.score_given) and math.isfinite(self.score_maximum)):
                raise ScoreInvalid("a score is a finite number")
            if self.score_given < 0 or self.score_maximum <= 0:
                raise ScoreInvalid("a score is at least 0, out of more than 0")
        times = [time for time in (self.started_at, self.submitted_at) if time is not None]
        if any(time.tzinfo is None for time in (*times, self.timestamp)):
            raise ScoreInvalid("times are aware")
        if sorted(times) != times:
            raise ScoreInvalid("it cannot be submitted before it was started")

    @property
    def fraction(self) -> float | None:
        """The score from 0 to 1 (over 1 where it is above the maximum), None where there is none."""
        if self.score_given is None or self.score_maximum is None:
            return None
        return self.score_given / self.score_maximum


# --- when and whether -------------------------------------------------------------------------------------------------


def next_stamp(previous: datetime | None, evidence_at: datetime, now: datetime) -> datetime:
    """The stamp for a new version of a score: the whole second of its evidence, at least one second after `previous`.

    Whole seconds, because Moodle compares them so and refuses a second score within one (409), and Open edX refuses an
    equal stamp (400). Evidence from a clock ahead of ours counts as now: Moodle would refuse every later score until then.
    Save it before sending, send it on every try of that version, and only when `may_send_at` has passed.
    """
    stamp = min(evidence_at, now).astimezone(UTC).replace(microsecond=0)
    if previous is not None:
        stamp = max(stamp, previous.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1))
    return stamp


def may_send_at(stamp: datetime) -> datetime:
    """The first moment at which a score with this stamp may be sent: one second later, when every clock is past it."""
    return stamp + timedelta(seconds=1)


def why_not_send(
    score: Score, quirks: Quirks, *, last_delivered: GradingProgress | None = None, is_clearing: bool = False
) -> str | None:
    """Why this score stays with us, in words, or None where it may be sent.

    A score that is not FullyGraded erases the grade on Moodle and Canvas and does nothing on Open edX; nowhere may it
    follow a FullyGraded one, unless clearing the grade is what a person asked for (`is_clearing`). An Open edX gradebook
    never receives a 0.
    """
    if not quirks.stores_zero and (score.score_given is None or score.score_given == 0):
        return "this platform does not take a 0"
    if is_clearing or score.grading_progress == "FullyGraded":
        return None
    if not quirks.takes_pending:
        return "this platform takes only a final grade"
    if last_delivered == "FullyGraded":
        return "a final grade stands, and this would erase it"
    return None


# --- what is sent -----------------------------------------------------------------------------------------------------


def score_url(lineitem_url: str) -> str:
    """Where scores of a line item go: `/scores` put before the query, which Moodle's line items have (case 87)."""
    return _below(lineitem_url, "scores")


def results_url(lineitem_url: str) -> str:
    """Where results of a line item are read; the same rule."""
    return _below(lineitem_url, "results")


def _below(url: str, *names: str) -> str:
    parts = urlsplit(url)
    path = "/".join((parts.path.rstrip("/"), *(quote(name, safe="") for name in names)))
    return urlunsplit(parts._replace(path=path, fragment=""))


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T16:50:03.000Z`: sub-seconds and an explicit zone, which AGS 3.4.7 asks for."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def score_body(score: Score, quirks: Quirks, *, is_first_try: bool = True) -> bytes:
    """The score as JSON. Where the platform appends comments, only the first try carries it.

    pylti1p3's `Grade` writes it; its own times lack the colon in the zone, so they are given as text.
    """
    grade = Grade()
    grade.set_user_id(score.user_id)
    grade.set_activity_progress(score.activity_progress)
    grade.set_grading_progress(score.grading_progress)
    grade.set_timestamp(rfc3339(score.timestamp))
    if score.score_given is not None and score.score_maximum is not None:
        grade.set_score_given(score.score_given)
        grade.set_score_maximum(score.score_maximum)
    if score.comment and (is_first_try or not quirks.appends_comments):
        grade.set_comment(score.comment.replace("\n", quirks.newline))
    if score.started_at is not None:
        grade.set_started_at(rfc3339(score.started_at))
    if score.submitted_at is not None:
        grade.set_submitted_at(rfc3339(score.submitted_at))
    extensions = {name: dict(members) for name, members in quirks.score_extension}
    if quirks.submission_extension is not None and score.submission_url is not None:
        # SpeedGrader opens it by a launch. A time ahead of Canvas's own would be refused (400), so it is cut at the stamp.
        submitted_at = min(score.submitted_at or score.timestamp, score.timestamp)
        extensions.setdefault(quirks.submission_extension, {}).update(
            submission_type="basic_lti_launch",
            submission_data=score.submission_url,
            submitted_at=rfc3339(submitted_at),
        )
    grade.set_extra_claims(extensions)
    body: str = grade.get_value()
    return body.encode()


# --- what the answer means --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivered:
    """The platform has it. `status` is None where reading back showed it."""

    status: int | None = None


@dataclass(frozen=True)
class RetryLater:
    """It may work later: in `after_seconds` where the platform said so, else by the caller's backoff."""

    after_seconds: float | None
    reason: str
    status: int | None = None


@dataclass(frozen=True)
class TokenRefused:
    """For good until an administrator acts: no token, or a fresh one without the scope or refused by the service."""

    reason: str
    status: int | None = None


@dataclass(frozen=True)
class Conflict:
    """400 or 409: stale, or bad. Read the result back (`read_result`) and let `settle` decide."""

    status: int
    reason: str


@dataclass(frozen=True)
class Refused:
    """For good: a dead letter with "send again". `is_gone`: the column is no longer there, so look for the line item once.

    `is_stale`: the platform holds what it took from us before and takes nothing with this stamp; only a new one can help.
    `may_restamp`: it calls the stamp old and holds no grade at all, so that a newer one goes over nobody's.
    """

    reason: str
    status: int | None = None
    is_gone: bool = False
    is_stale: bool = False
    may_restamp: bool = False


@dataclass(frozen=True)
class Withheld:
    """Nothing was sent and nothing is wrong: this score would harm a grade on this platform (`why_not_send`)."""

    reason: str


@dataclass(frozen=True)
class Superseded:
    """The platform holds another score that is not ours to overwrite: a person edited it."""

    reason: str


Outcome = Delivered | RetryLater | TokenRefused | Conflict | Refused | Withheld


def send_score(
    services: Services,
    registration: Registration,
    endpoint: AgsEndpoint,
    score: Score,
    *,
    lineitem_url: str | None = None,
    is_first_try: bool = True,
    last_delivered: GradingProgress | None = None,
    is_clearing: bool = False,
) -> Outcome:
    """Sends one score once and says what came of it. Never raises for anything that a platform or the network does.

    `endpoint` is the launch's AGS claim (or the row kept of it); `lineitem_url` overrides its line item. Send one score of
    a (line item, user) at a time, and the same `score.timestamp` on every try of a version.
    """
    url = lineitem_url or endpoint.lineitem
    if url is None:
        return Refused("there is no line item to send to", is_gone=True)
    if not endpoint.can_send_scores:
        return TokenRefused(NO_SCORE_SCOPE)
    reason = why_not_send(score, registration.quirks, last_delivered=last_delivered, is_clearing=is_clearing)
    if reason is not None:
        return Withheld(reason)
    if services.now() < score.timestamp:
        return RetryLater(
            (score.timestamp - services.now()).total_seconds() + 1, "the stamp lies ahead of the clock"
        )
    try:
        answer = services.call(
            registration,
            "POST",
            score_url(url),
            scopes=endpoint.scopes,
            needs=SCORE_SCOPE,
            origins=endpoint.origins,
            content_type=SCORE_TYPE,
            content=score_body(score, registration.quirks, is_first_try=is_first_try),
        )
    except (ServiceUnavailable, TokenUnavailable) as error:
        return RetryLater(error.after_seconds, str(error))
    except (TokenDenied, ScopeNotGranted) as error:
        return TokenRefused(str(error))
    except ServiceAddressRefused as error:
        return Refused(str(error))
    return outcome_of(answer, registration.quirks, services.now())


def outcome_of(answer: EgressResponse, quirks: Quirks, now: datetime) -> Outcome:
    """What a service's answer to a score means, by the response matrix; a refused token was renewed once before."""
    status, words = answer.status, words_of(answer)
    if 200 <= status < 300:
        return Delivered(status)
    meaning = quirks.meaning_of(status, answer.body)
    if meaning is not None:
        words = f"{meaning.says} ({words})" if words else meaning.says
        if meaning.is_final:
            return Refused(words, status)
    throttled = status == 403 and quirks.throttles_with_403 and is_throttled(answer)
    if status in {408, 425, 429} or status >= 500 or throttled:
        return RetryLater(retry_after(answer, now), f"status {status} {words}".strip(), status)
    if status in {400, 409}:
        return Conflict(status, words)
    if status == 401:
        return TokenRefused(words or "the platform refuses a fresh token: a scope is missing", status)
    if status in {404, 410}:
        return Refused(words or "the gradebook column is gone", status, is_gone=True)
    if 300 <= status < 400:
        return Refused("the platform answered with a redirect, which is not followed", status)
    return Refused(words or f"the platform refuses with status {status}", status)


# --- reading back -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What the gradebook holds for a learner. `score` is None where it holds no grade; `maximum` is 1 unless it says else."""

    user_id: str
    score: float | None
    maximum: float = 1.0
    comment: str | None = None

    @property
    def fraction(self) -> float | None:
        return None if self.score is None else self.score / self.maximum


def read_result(
    services: Services,
    registration: Registration,
    endpoint: AgsEndpoint,
    user_id: str,
    *,
    lineitem_url: str | None = None,
) -> Result | None:
    """The learner's result, or None where the gradebook holds none.

    The user_id filter is a wish: Open edX ignores it and Blackboard then leaves out the comment, so others' results are
    filtered out here. Raises LtiError:
    ServiceUnavailable and TokenUnavailable for later, every other one for good ("unreadable").
    """
    url = lineitem_url or endpoint.lineitem
    if url is None:
        raise ServiceRefused(404, "there is no line item to read")
    if not endpoint.can_read_results:
        raise ScopeNotGranted(RESULT_SCOPE)
    if registration.quirks.results_by_path:
        address = _below(url, "results", user_id)
    else:
        parts = urlsplit(results_url(url))
        wanted: dict[str, str | int] = {} if registration.quirks.reads_results_whole else {"user_id": user_id}
        if registration.quirks.results_limit is not None:
            wanted["limit"] = registration.quirks.results_limit
        address = urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(wanted))))))
    try:
        for page in services.pages(
            registration,
            address,
            scopes=endpoint.scopes,
            needs=RESULT_SCOPE,
            origins=endpoint.origins,
            accept=RESULTS_TYPE,
        ):
            for item in page:
                if str(item.get("userId")) == user_id:
                    return _result(item, user_id)
    except ServiceRefused as refusal:
        if registration.quirks.results_by_path and refusal.answer == 404:
            return None
        raise
    return None


def _result(item: Mapping[str, Any], user_id: str) -> Result:
    comment = item.get("comment")
    return Result(
        user_id,
        _number(item.get("resultScore")),
        _number(item.get("resultMaximum")) or 1.0,
        comment if isinstance(comment, str) else None,
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def holds(result: Result | None, fraction: float | None, tolerance: float = 0.0005) -> bool:
    """Whether the gradebook holds this share of the maximum. Platforms round to their column's scale and clip above it."""
    held = result.fraction if result is not None else None
    if fraction is None or held is None:
        return fraction is None and held is None
    return abs(fraction - held) <= tolerance or (fraction > 1 and abs(held - 1) <= tolerance)


def is_same(score: Score, result: Result | None) -> bool:
    """Whether the gradebook holds this score."""
    return holds(result, score.fraction)


def settle(
    conflict: Conflict, score: Score, result: Result | None, previous: float | None = None
) -> Delivered | Superseded | Refused:
    """Decides a `Conflict` by what was read back: equal is delivered, another grade is a person's, none at all is a refusal.

    `previous` is the share of the maximum that the platform last took from us: where it holds that, no person has edited it,
    and it is the stamp that it does not like.
    """
    if is_same(score, result) and score.fraction is not None:
        return Delivered()
    if previous is not None and holds(result, previous):
        words = f"{STALE} ({conflict.reason})" if conflict.reason else STALE
        return Refused(words, conflict.status, is_stale=True)
    if result is None or result.score is None:
        return Refused(
            conflict.reason or f"the platform refuses with status {conflict.status}",
            conflict.status,
            may_restamp=conflict.status == 409,
        )
    return Superseded(
        f"the gradebook holds {result.score:g} of {result.maximum:g}, which is not what was sent"
    )


def after_conflict(
    services: Services,
    registration: Registration,
    endpoint: AgsEndpoint,
    score: Score,
    conflict: Conflict,
    *,
    lineitem_url: str | None = None,
    previous: float | None = None,
) -> Delivered | Superseded | Refused | RetryLater:
    """Reads the result back and decides. An unreadable result is a refusal, loud; an unreachable platform is for later."""
    try:
        result = read_result(services, registration, endpoint, score.user_id, lineitem_url=lineitem_url)
    except (ServiceUnavailable, TokenUnavailable) as error:
        return RetryLater(error.after_seconds, f"cannot read the result back now: {error}")
    except LtiError as error:
        return Refused(
            f"{conflict.reason} (and the result cannot be read back: {error})".strip(), conflict.status
        )
    return settle(conflict, score, result, previous)
