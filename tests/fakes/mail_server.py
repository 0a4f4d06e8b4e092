"""A mail server that takes what it is given, or refuses it as told: the few commands of SMTP that a client needs (RFC 5321)."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast


@dataclass
class MailBox:
    """`received` are (recipients, message) in order. `refuse` is the answer to RCPT in place of 250; with `drop` the connection
    ends before the answer to the message, so that nobody knows whether it was taken."""

    port: int = 0
    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refuse: str = ""
    drop: bool = False

    @property
    def url(self) -> str:
        return f"smtp://localhost:{self.port}"


@contextmanager
def mail_server() -> Iterator[MailBox]:
    """A server on a free port of this machine."""
    box = MailBox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 fake")
            to: list[str] = []
            while line := self.rfile.readline().strip():
                verb = line.split(b" ")[0].split(b":")[0].upper()
                if verb == b"DATA":
                    if not self.take(to):
                        return
                elif verb == b"RCPT":
                    to.append(line.decode().partition("<")[2].rstrip(">"))
                    self.say(box.refuse or "250 ok")
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fake")

        def take(self, to: list[str]) -> bool:
            self.say("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line.removeprefix(b"."))
            box.received.append(
                (list(to), cast(EmailMessage, message_from_bytes(b"".join(lines), policy=default)))
            )
            to.clear()
            if not box.drop:
                self.say("250 taken")
            return not box.drop

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield box
        server.shutdown()
