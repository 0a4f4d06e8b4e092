"""The shape of a platform family's quirks, and the family that has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lti.platforms.answers import Meaning
from lti.platforms.registering import RegistrationFacts


@dataclass(frozen=True)
class Quirks:
    """How one family departs from the specification, as data. The defaults are the specification.

    `takes_pending`: whether a score that is not FullyGraded is of use. Moodle and Canvas erase the grade for it, Open edX
    ignores it: there the pending state stays with us.
    `stores_zero`: whether a 0 reaches the gradebook as a grade (Open edX: it must never receive one).
    `appends_comments`: every POST adds the comment once more, so only the first try of a version carries it.
    `throttles_with_403`: a 403 may mean "slower" and not "never".
    `renews_token_on_403`: a 403 may mean an expired token.
    `results_by_path`: a learner's result is at `/results/{user}`; the user_id filter is ignored.
    `label_takes_over`: making a line item with a label that exists takes over that column.
    `strips_from_ids`: characters that the platform drops from resourceId and tag.
    `can_delete_line_items`: whether DELETE of a line item works at all.
    `assertion_audience`: aud of the token assertion where it is neither the registration's nor the token URL.
    `response_audience`: aud of a deep linking response where it is not the platform's issuer.
    `issuer_is_site`: whether the issuer's origin is the site that people see and that frames us.
    `deployment_is_tenant`: whether one client id serves many schools, each a deployment.
    `score_extension`: extension members of every score, sent to this family only.
    `submission_extension`: the extension member that takes the address of the graded work.
    `newline`: what parts two lines of a comment (Blackboard shows it as HTML).
    `reads_results_whole`: the user_id filter leaves members out of the results, so all are read and filtered here.
    `results_limit`: the page size to ask for when results are read; None leaves it to the platform (Moodle's links break).
    `answers`: what the family's own refusals of a score mean.
    `registering`: what the family wants in a registration.
    """

    family: str
    product_codes: frozenset[str] = frozenset()
    issuer_hosts: tuple[str, ...] = ()
    takes_pending: bool = True
    stores_zero: bool = True
    appends_comments: bool = False
    throttles_with_403: bool = False
    renews_token_on_403: bool = False
    results_by_path: bool = False
    label_takes_over: bool = False
    strips_from_ids: str = ""
    can_delete_line_items: bool = True
    assertion_audience: str | None = None
    response_audience: str | None = None
    issuer_is_site: bool = True
    deployment_is_tenant: bool = False
    submission_extension: str | None = None
    score_extension: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()
    newline: str = "\n"
    reads_results_whole: bool = False
    results_limit: int | None = None
    answers: tuple[Meaning, ...] = ()
    # Data that is compared nowhere: a family is known by its name.
    registering: RegistrationFacts = field(default_factory=RegistrationFacts, compare=False)

    def meaning_of(self, status: int, body: bytes) -> Meaning | None:
        """What the family says by this answer to a score, where it is known for it."""
        return next((meaning for meaning in self.answers if meaning.fits(status, body)), None)


GENERIC = Quirks("generic")
