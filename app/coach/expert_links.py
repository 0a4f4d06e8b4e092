"""Links under which an expert without an account answers one question, and the mail that carries them.

A link proves that somebody had it, and no more. So it opens one question for 14 days, for the first browser that opens it, until
it was answered, taken back, passed on or revoked. What is wrong with a link that does not work is never said.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.coach.models import ExpertLink, HandOff
from app.course.content import Expert
from app.course.models import Context
from app.course.services import Services
from app.kit.clock import now
from app.kit.errors import N_, WorksideError
from app.kit.i18n import Translator, day_in
from app.kit.ids import new_id, new_secret, secret_hash
from app.kit.mail import MailServer, cancel_mail, queue_mail

LIFE = timedelta(days=14)
# Reminders and instructors make further ones; more than these are nobody's need.
MOST_OPEN_LINKS = 5
Occasion = Literal["asked", "reminded", "passed_on"]

_SUBJECTS: dict[Occasion, str] = {
    "asked": N_("A question waits for you in Workside"),
    "reminded": N_("A question still waits for you in Workside"),
    "passed_on": N_("A question was passed on to you in Workside"),
}
_BODY = N_(
    "Hello %(name)s,\n\nsomebody in the course “%(course)s” has a question that its documents don't answer, and you are named as "
    "who knows. An answer is expected by %(day)s.\n\nRead the question and answer it here:\n%(address)s\n\nThe link is for you "
    "alone: don't forward it. It works in the first browser that opens it, for this one question, until %(end)s."
)


class LinkClosed(WorksideError):
    """No link, or not any more, or not in this browser: the reasons are never told apart."""

    status = 404
    title = N_("This link doesn't work")
    advice = N_(
        "It was used or has expired, it was opened in another browser before, or a part of it is missing. Ask whoever sent it for "
        "a new one."
    )


class TooManyLinks(WorksideError):
    """A question has as many open links as it may have."""

    status = 409
    title = N_("This question has five links already")
    advice = N_("End them first, then make a new one.")


def address_of(services: Services, token: str) -> str:
    """The link as it is mailed and copied."""
    return f"{services.settings.url}/answer/{token}"


def mail_server(services: Services) -> MailServer | None:
    """Where mail goes; None where the installation sends none."""
    return MailServer.of(services.settings.smtp_url.get_secret_value(), services.settings.smtp_from)


def make_link(
    session: Session, row: HandOff, expert: Expert, *, created_by: str | None
) -> tuple[ExpertLink, str]:
    """A new link to an open question, and its token, which is kept nowhere. Raises TooManyLinks."""
    moment = now()
    is_open = (
        select(func.count())
        .select_from(ExpertLink)
        .where(
            ExpertLink.hand_off_id == row.id,
            ExpertLink.revoked_at.is_(None),
            ExpertLink.used_at.is_(None),
            ExpertLink.expires_at > moment,
        )
    )
    if (session.scalar(is_open) or 0) >= MOST_OPEN_LINKS:
        raise TooManyLinks
    token = new_secret()
    link = ExpertLink(
        id=new_id(),
        hand_off_id=row.id,
        expert_id=expert.id,
        token_hash=secret_hash(token),
        created_by=created_by,
        created_at=moment,
        expires_at=moment + LIFE,
    )
    session.add(link)
    session.flush()
    return link, token


def open_links(session: Session, hand_off_id: str) -> list[ExpertLink]:
    """The links of a question that may still be used."""
    return list(
        session.scalars(
            select(ExpertLink)
            .where(
                ExpertLink.hand_off_id == hand_off_id,
                ExpertLink.revoked_at.is_(None),
                ExpertLink.used_at.is_(None),
                ExpertLink.expires_at > now(),
            )
            .order_by(ExpertLink.id)
        )
    )


def end_links(session: Session, hand_off_id: str) -> None:
    """Revokes every link of a question and takes mails that have not gone yet out of the line."""
    for link in open_links(session, hand_off_id):
        link.revoked_at = now()
        cancel_mail(session, _mail_key(link))


def claim_link(session: Session, token: str, browser: str | None) -> tuple[ExpertLink, str]:
    """Binds the link to the browser that opens it first. `browser` is the secret that the browser brought, if any.

    Returns the link and the secret that this browser keeps. Raises LinkClosed.
    """
    link, _ = _live(session, token)
    if browser is not None and _is_bound_to(link, browser):
        return link, browser
    secret = new_secret()
    taken = session.execute(
        update(ExpertLink)
        .where(ExpertLink.id == link.id, ExpertLink.browser_hash.is_(None))
        .values(browser_hash=secret_hash(secret), opened_at=now())
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkClosed
    session.refresh(link)
    return link, secret


def access_linked(
    session: Session, token: str, browser: str | None, *, for_update: bool = False
) -> tuple[HandOff, Expert]:
    """The question behind a link, for the browser that it is bound to, and who it is for. Raises LinkClosed."""
    link, row = _live(session, token, for_update=for_update)
    if browser is None or not _is_bound_to(link, browser):
        raise LinkClosed
    return row, session.get_one(Expert, link.expert_id)


def write_to_expert(
    services: Services, session: Session, row: HandOff, expert: Expert, occasion: Occasion
) -> None:
    """Puts a mail with a link in line, where the expert has an address and the installation a mail server."""
    if not expert.email or mail_server(services) is None:
        return
    try:
        link, token = make_link(session, row, expert, created_by=None)
    except TooManyLinks:
        return  # instructors made that many by hand: the expert has one
    translate = Translator(row.locale)
    context = session.get_one(Context, row.context_id)
    queue_mail(
        session,
        services.vault,
        key=_mail_key(link),
        address=expert.email,
        subject=translate(_SUBJECTS[occasion]),
        body=translate(
            _BODY,
            name=expert.name,
            course=" ".join((context.title or "").split()),
            day=day_in(translate.locale, row.due_at.date()),
            address=address_of(services, token),
            end=day_in(translate.locale, link.expires_at.date()),
        ),
    )


def _live(session: Session, token: str, *, for_update: bool = False) -> tuple[ExpertLink, HandOff]:
    """The link of a token, if it may be used and its question waits, and the question."""
    link = session.scalars(
        select(ExpertLink).where(ExpertLink.token_hash == secret_hash(token))
    ).one_or_none()
    if link is None or link.revoked_at is not None or link.used_at is not None or link.expires_at <= now():
        raise LinkClosed
    row = session.get_one(HandOff, link.hand_off_id, with_for_update=for_update)
    if row.state != "open" or row.expert_id != link.expert_id:
        raise LinkClosed
    return link, row


def _is_bound_to(link: ExpertLink, browser: str) -> bool:
    return link.browser_hash is not None and hmac.compare_digest(link.browser_hash, secret_hash(browser))


def _mail_key(link: ExpertLink) -> str:
    return f"expert_link:{link.id}"
