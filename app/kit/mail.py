"""Mail to people without an account: a durable outbox, and the one way out to a mail server.

A mail is a row, written in the transaction that has a reason for it. The worker claims the row by a lease, hands the mail to the
server and writes what came of it, as the jobs of this house do. A process that is killed between the two sends it a second time
under the same Message-ID. The body is sealed while it waits, since it carries a link that opens a door, and deleted once sent.
No mail carries a learner's words or name, and no line of the log carries an address.
"""

from __future__ import annotations

import random
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from sqlalchemy import Index, Integer, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kit.clock import now
from app.kit.db import Base, Database, UtcDateTime
from app.kit.errors import N_, InputRefused
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger
from app.kit.vault import Vault, VaultLocked

log = get_logger("mail")

WAITING, SENT, REFUSED, CANCELLED = "waiting", "sent", "refused", "cancelled"
LEASE = timedelta(minutes=3)
SECONDS = 20.0
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_TRIES = 12
# One mailbox, as mail programs write it: no quoting, no comments, no lists, nothing that could end a header line.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailServerInvalid(ValueError):
    """The address of a mail server that cannot be one; the message says what it must look like."""


class EncryptionMissing(Exception):
    """The mail server offers no TLS, and is not on this machine: nothing is sent over an open line."""


class MailRow(Base):
    """One mail. `key` says what it is about and is unique, so that a reason for a mail makes one mail only.

    `address` and `body_sealed` are emptied when the mail was sent or given up.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_due", "state", "next_try_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    address: Mapped[str | None] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(20), default=WAITING)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    reason: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


def check_address(text: str) -> str:
    """The e-mail address without edge blanks; InputRefused where it is not exactly one plain address."""
    address = text.strip(" ")
    if len(address) > 254 or not _ADDRESS.fullmatch(address) or ".." in address.partition("@")[0]:
        raise InputRefused(N_("Write one e-mail address, such as ana@example.org."))
    return address


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. `is_tls`: encrypted from the first byte (smtps), else by STARTTLS."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str = field(repr=False)
    sender: str

    @classmethod
    def of(cls, url: str, sender: str) -> MailServer | None:
        """The server of the settings `smtp_url` and `smtp_from`; None without an URL. Raises MailServerInvalid."""
        if not url:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise MailServerInvalid("must look like smtps://user:password@mail.example.org:465") from None
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path not in {"", "/"}:
            raise MailServerInvalid("must look like smtps://user:password@mail.example.org:465")
        if not sender.isprintable() or not _ADDRESS.fullmatch(parseaddr(sender)[1]):
            raise MailServerInvalid("must be an address, such as Workside <workside@example.org>")
        is_tls = parts.scheme == "smtps"
        return cls(
            parts.hostname,
            port or (465 if is_tls else 587),
            is_tls,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            sender,
        )

    def send(self, message: EmailMessage) -> None:
        """Hands one mail over. Raises OSError, smtplib.SMTPException, EncryptionMissing."""
        context = ssl.create_default_context()
        if self.is_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        with connection:
            if not self.is_tls:
                connection.ehlo()
                if connection.has_extn("starttls"):
                    connection.starttls(context=context)
                elif self.host not in _LOOPBACK:
                    raise EncryptionMissing
            if self.user:
                connection.login(self.user, self.password)
            connection.send_message(message)


def queue_mail(session: Session, vault: Vault, *, key: str, address: str, subject: str, body: str) -> None:
    """Puts a mail in line, in the caller's transaction. The same `key` a second time adds nothing.

    `subject` and `body` are our own words; neither holds anything that a learner wrote.
    """
    if session.scalars(select(MailRow.id).where(MailRow.key == key)).first() is None:
        row = MailRow(
            key=key,
            address=check_address(address),
            subject=subject,
            body_sealed=vault.seal(body.encode()),
        )
        session.add(row)
        session.flush()


def cancel_mail(session: Session, key: str) -> None:
    """Takes a mail that was not sent yet out of the line, with what it says."""
    for row in session.scalars(select(MailRow).where(MailRow.key == key, MailRow.state == WAITING)):
        _close(row, CANCELLED)


def send_next_mail(
    database: Database, vault: Vault, server: MailServer | None, clock: Callable[[], datetime] = now
) -> bool:
    """Sends the mail that is due longest, if there is one and a server to hand it to; returns whether there was one."""
    if server is None:
        return False
    lease = f"{OWNER}:{new_id()[-8:]}"
    moment = clock()
    with database.write() as session:
        due = (
            select(MailRow)
            .where(MailRow.state == WAITING, MailRow.next_try_at <= moment)
            .order_by(MailRow.next_try_at)
        )
        row: MailRow | None = claim_row(session, due, MailRow, lease, LEASE, clock)
    if row is None:
        return False
    try:
        server.send(_message(row, vault, server))
    except (OSError, smtplib.SMTPException, EncryptionMissing, VaultLocked, ValueError) as error:
        _put_off(database, row, lease, error, clock())
    else:
        with database.write() as session:
            if (held := _held(session, row, lease)) is not None:
                held.sent_at = clock()
                _close(held, SENT)
        log.info("mail_sent", mail=row.id)
    return True


def free_mail(database: Database, is_nobodys: LeaseTest) -> int:
    """Ends the leases on mails that `is_nobodys` says are nobody's."""
    with database.write() as session:
        return free_leases(session, MailRow, is_nobodys)


def _message(row: MailRow, vault: Vault, server: MailServer) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = server.sender
    message["To"] = check_address(row.address or "")
    message["Subject"] = row.subject
    message["Date"] = format_datetime(row.created_at)
    message["Message-ID"] = f"<{row.id}@{parseaddr(server.sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(vault.unseal(row.body_sealed or b"").decode())
    return message


def _held(session: Session, row: MailRow, lease: str) -> MailRow | None:
    """The row, if the lease is still ours, which ends here."""
    held = session.get_one(MailRow, row.id)
    if held.lease_owner != lease:
        return None
    held.lease_owner = held.lease_until = None
    return held


def _put_off(database: Database, row: MailRow, lease: str, error: Exception, moment: datetime) -> None:
    with database.write() as session:
        held = _held(session, row, lease)
        if held is not None:
            held.tries += 1
            held.reason = type(error).__name__
            if _is_final(error) or held.tries >= MOST_TRIES:
                _close(held, REFUSED)
            else:
                pause = min(FIRST_PAUSE * 2 ** (held.tries - 1), LONGEST_PAUSE)
                held.next_try_at = moment + pause * random.uniform(1, 1.25)  # noqa: S311 - spreads, hides nothing
    # The error's own text may repeat the address; its kind says enough.
    log.warning("mail_not_sent", mail=row.id, kind=type(error).__name__)


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use: a refusal for good, or a mail that can't be written."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # the operator puts the password right, and what waited goes out
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    # A TLS certificate that is not right (a ValueError in its kind too) is the operator's to put right, like the password.
    return isinstance(error, VaultLocked | ValueError) and not isinstance(error, OSError)


def _close(row: MailRow, state: str) -> None:
    row.state, row.address, row.body_sealed = state, None, None
