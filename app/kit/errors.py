"""Errors that a person or a client is told about: a noun of what went wrong, its status and its message key.

The message key is an English sentence that the catalogues translate; nothing of the request is echoed in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name for "translate later"
    """Marks a text for the catalogues where it is written; it is translated where it is shown."""
    return message


class WorksideError(Exception):
    """What went wrong, in words for the person who sees it. Subclasses set status, title and advice; `values` are what the
    advice's own placeholders take, and nothing of them is the person's."""

    status = 500
    title = N_("Something went wrong")
    advice = N_("Try again. If it happens again, tell your course's support the reference below.")
    values: Mapping[str, object] = MappingProxyType({})

    @property
    def code(self) -> str:
        """The error's name for clients and logs: the class's name."""
        return type(self).__name__


class NotFound(WorksideError):
    """There is no such thing, or it is not yours to see; the two are never told apart."""

    status = 404
    title = N_("We can't find that page")
    advice = N_("It may have moved, or it belongs to another course. Go back and open it from your course.")


class SignedOut(WorksideError):
    """No valid bearer came with the request."""

    status = 401
    title = N_("Open Workside again from your course")
    advice = N_(
        "Your visit has ended or this page was opened outside your course. Nothing that you sent is lost."
    )


class NotAllowed(WorksideError):
    """The visitor is known, and the role of this visit does not open this door."""

    status = 403
    title = N_("This page is for instructors")
    advice = N_("Open it as an instructor of this course, or ask one to do it for you.")


class ForeignOrigin(WorksideError):
    """A write came from another site."""

    status = 403
    title = N_("This request came from another site")
    advice = N_("Open Workside from your course and do it there.")


class TooManyRequests(WorksideError):
    """A limit of requests per minute was passed."""

    status = 429
    title = N_("That was too quick")
    advice = N_("Wait a minute, then try again.")


class InputRefused(WorksideError):
    """A form or a query that cannot be taken; `advice` says which part and what to write."""

    status = 422
    title = N_("Something in the form needs another look")

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


class BodyTooLarge(WorksideError):
    status = 413
    title = N_("That is too long to send")
    advice = N_("Shorten it, then send it again.")


class FileTooLarge(BodyTooLarge):
    """A file came that is larger than any may be where it was sent; `most` is that limit in bytes."""

    title = N_("The file is too large")
    advice = N_("Choose a file of %(most)s at most.")

    def __init__(self, most: int) -> None:
        super().__init__(self.advice)
        self.values = {"most": f"{most // 1_000_000} MB" if most >= 1_000_000 else f"{most // 1_000} KB"}
