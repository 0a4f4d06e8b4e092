"""Mail: handed over once by whoever is alive, tried again where that helps, and nobody's header lines but our own."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.kit.clock import now
from app.kit.db import Database
from app.kit.errors import InputRefused
from app.kit.mail import (
    MailRow,
    MailServer,
    MailServerInvalid,
    cancel_mail,
    check_address,
    queue_mail,
    send_next_mail,
)
from app.kit.vault import Vault
from tests.fakes.mail_server import MailBox, mail_server

VAULT = Vault("a passphrase that is long enough to be one")
SENDER = "Workside <workside@example.org>"


@pytest.fixture(scope="module")
def box() -> Iterator[MailBox]:
    with mail_server() as running:
        yield running


@pytest.fixture(autouse=True)
def empty(box: MailBox) -> None:
    box.received.clear()
    box.refuse, box.drop = "", False


@pytest.fixture
def database(tmp_path: Path, migrated_database: Path) -> Iterator[Database]:
    path = tmp_path / "workside.db"
    path.write_bytes(migrated_database.read_bytes())
    made = Database(f"sqlite:///{path}")
    yield made
    made.dispose()


def server_of(box: MailBox) -> MailServer:
    found = MailServer.of(box.url, SENDER)
    assert found is not None
    return found


def queue(database: Database, key: str = "k", address: str = "ana@example.org") -> None:
    with database.write() as session:
        queue_mail(session, VAULT, key=key, address=address, subject="Olá", body="Öffnen:\nhttps://x/zebra\n")


def row_of(database: Database, key: str = "k") -> MailRow:
    with database.read() as session:
        return session.scalars(select(MailRow).where(MailRow.key == key)).one()


def test_a_mail_arrives_and_its_words_are_gone(database: Database, box: MailBox) -> None:
    queue(database)
    assert b"zebra" not in (row_of(database).body_sealed or b"zebra"), "sealed while it waits"
    assert send_next_mail(database, VAULT, server_of(box))
    assert not send_next_mail(database, VAULT, server_of(box))
    ((to, message),) = box.received
    assert to == ["ana@example.org"] and message["To"] == "ana@example.org"
    assert message["Subject"] == "Olá" and message["From"] == SENDER
    assert "https://x/zebra" in message.get_content()
    row = row_of(database)
    assert (row.state, row.address, row.body_sealed) == ("sent", None, None)


def test_one_reason_makes_one_mail(database: Database, box: MailBox) -> None:
    queue(database)
    queue(database)
    while send_next_mail(database, VAULT, server_of(box)):
        pass
    assert len(box.received) == 1


def test_without_a_server_nothing_is_tried(database: Database) -> None:
    queue(database)
    assert not send_next_mail(database, VAULT, None)
    assert row_of(database).tries == 0


def test_what_may_pass_is_tried_again_later_and_what_is_final_is_not(
    database: Database, box: MailBox
) -> None:
    queue(database, "soft")
    box.refuse = "450 busy"
    send_next_mail(database, VAULT, server_of(box))
    soft = row_of(database, "soft")
    assert (soft.state, soft.tries) == ("waiting", 1) and soft.next_try_at > now()
    queue(database, "hard")
    box.refuse = "550 nobody of that name"
    send_next_mail(database, VAULT, server_of(box))
    hard = row_of(database, "hard")
    assert (hard.state, hard.address, hard.reason) == ("refused", None, "SMTPRecipientsRefused")
    box.refuse = ""
    assert not send_next_mail(database, VAULT, server_of(box))
    assert send_next_mail(database, VAULT, server_of(box), lambda: now() + timedelta(hours=1))
    assert [to for to, _ in box.received] == [["ana@example.org"]]


def test_a_server_that_is_gone_gives_up_in_the_end(database: Database) -> None:
    queue(database)
    nobody = MailServer("127.0.0.1", 9, False, "", "", SENDER)
    for number in range(12):
        moment = now() + timedelta(days=number)
        assert send_next_mail(database, VAULT, nobody, lambda moment=moment: moment)
    assert row_of(database).state == "refused"


def test_a_reply_that_is_lost_leaves_the_same_message_id(database: Database, box: MailBox) -> None:
    queue(database)
    box.drop = True
    send_next_mail(database, VAULT, server_of(box))
    box.drop = False
    send_next_mail(database, VAULT, server_of(box), lambda: now() + timedelta(hours=1))
    first, second = (message["Message-ID"] for _, message in box.received)
    assert first == second


def test_a_worker_that_was_killed_leaves_a_lease_that_ends(database: Database, box: MailBox) -> None:
    queue(database)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Killed):
        patched.setattr(MailServer, "send", die)
        send_next_mail(database, VAULT, server_of(box))
    assert not send_next_mail(database, VAULT, server_of(box)), "the lease holds"
    assert send_next_mail(database, VAULT, server_of(box), lambda: now() + timedelta(minutes=4))
    assert len(box.received) == 1


def test_workers_at_once_send_each_mail_once(database: Database, box: MailBox) -> None:
    for number in range(8):
        queue(database, f"k{number}")

    def work() -> None:
        while send_next_mail(database, VAULT, server_of(box)):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({message["Message-ID"] for _, message in box.received}) == len(box.received) == 8


def test_a_mail_that_is_not_wanted_any_more_does_not_go(database: Database, box: MailBox) -> None:
    queue(database)
    with database.write() as session:
        cancel_mail(session, "k")
    assert not send_next_mail(database, VAULT, server_of(box))
    assert row_of(database).body_sealed is None


def test_a_server_elsewhere_must_encrypt(database: Database, box: MailBox) -> None:
    """The fake offers no STARTTLS; under a name that is not this machine's that is refused before a word of the mail."""
    queue(database)
    elsewhere = MailServer("127.0.0.2", box.port, False, "u", "p", SENDER)
    with pytest.MonkeyPatch.context() as patched:
        real = smtplib.SMTP
        patched.setattr(smtplib, "SMTP", lambda host, *args, **how: real("127.0.0.1", *args, **how))
        send_next_mail(database, VAULT, elsewhere)
    assert row_of(database).reason == "EncryptionMissing" and box.received == []


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.org\nBcc: x@example.org",
        "ana@example.org\r\n\r\nbody",
        "Ana <ana@example.org>",
        "ana@example.org,ben@example.org",
        "ana@example.org;ben@example.org",
        "ana example.org",
        "ana@localhost",
        "ana..x@example.org",
        '"a\\r"@example.org',
        "ana@example.org\u2028x",
        "",
        "a@" + "x" * 300 + ".org",
    ],
)
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(InputRefused):
        check_address(address)


@given(st.text(max_size=80))
def test_no_text_becomes_a_second_header(text: str) -> None:
    try:
        address = check_address(text)
    except InputRefused:
        return
    assert address.isprintable() and not set(address) & set(' \r\n<>,;:"()[]\\')


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example.org", SENDER),
        ("smtp://", SENDER),
        ("smtp://host:99999", SENDER),
        ("smtp://host/path", SENDER),
        ("smtps://host", ""),
        ("smtps://host", "Workside"),
        ("smtps://host", "x@example.org\nBcc: y@example.org"),
    ],
)
def test_a_server_that_can_not_be_one_is_refused(url: str, sender: str) -> None:
    with pytest.raises(MailServerInvalid):
        MailServer.of(url, sender)


def test_the_address_of_a_server_says_how_to_reach_it() -> None:
    assert MailServer.of("", "") is None
    found = MailServer.of("smtps://us%40er:p%2Fw@mail.example.org", SENDER)
    assert found == MailServer("mail.example.org", 465, True, "us@er", "p/w", SENDER)
    assert server_of(MailBox(port=2525)).port == 2525
