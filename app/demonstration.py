"""`workside demo`: the service with a demo LMS beside it, on this machine, from one command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from app.coach.starters import check_next
from app.course.loading import load_course, organisation_named
from app.course.platforms import add_platform
from app.course.services import Services, make_services
from app.kit.log import configure_logging
from app.kit.migrate import migrate
from app.kit.settings import Settings
from app.rooms.library.service import take_in
from app.server import PortTaken, listen_on, make_server
from app.terminal import progress_bar

# The course folders of the demo LMS's organisations, in the catalogue's order; "" is the content folder itself.
COURSE_FOLDERS = (("", "second-course"), ("second-organisation",))


class DemonstrationFailed(Exception):
    """The demonstration cannot start; the message says what to do."""


def run_demonstration(settings: Settings, screen: Console) -> None:
    """Sets everything up, runs the demo LMS beside the service, and ends both on Ctrl-C."""
    lms_port = _demo_lms_port()
    if lms_port == settings.port:
        raise DemonstrationFailed(
            "WORKSIDE_PORT and DEMO_LMS_PORT are the same. Give them two different ports."
        )
    try:
        listen_on("127.0.0.1", lms_port, "DEMO_LMS_PORT").close()
        listener = listen_on(settings.host, settings.port, "WORKSIDE_PORT")
    except PortTaken as error:
        raise DemonstrationFailed(str(error)) from None
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    configure_logging("console", "warning")
    migrate(settings.sqlalchemy_url)
    services = make_services(settings)
    try:
        prepare(services, settings.content_dir, lms_port, screen)
    finally:
        services.close()
    # uvicorn gives a signal that ended it back to the handler that was there before: with this one the LMS is ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lms = subprocess.Popen(
        [
            *_demo_command(),
            "--port",
            str(lms_port),
            "--tool",
            settings.url,
            "--data",
            str(settings.data_dir / "demo-lms"),
            "--with-parent",
        ],
        # Never written to: its end tells the LMS that this process is gone, also after a kill that nothing can catch.
        stdin=subprocess.PIPE,
    )
    server = make_server(settings.model_copy(update={"log_format": "console", "log_level": "warning"}))
    try:
        _announce(screen, lms, lms_port, settings)
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        lms.terminate()
        try:
            lms.wait(5)
        except subprocess.TimeoutExpired:
            lms.kill()


def prepare(services: Services, content: Path, lms_port: int, screen: Console) -> None:
    """Registers the demo LMS and loads the sample courses; the second time there is nothing to do and it takes no time."""
    registrations = json.loads(
        subprocess.run(
            [*_demo_command(), "--port", str(lms_port), "--print-registrations"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    for registration, names in zip(registrations, COURSE_FOLDERS, strict=True):
        add_platform(
            services,
            name=f"Demo LMS, {registration['name']}",
            issuer=registration["issuer"],
            client_id=registration["client_id"],
            deployment_id=registration["deployment_id"],
            auth_url=registration["auth_url"],
            token_url=registration["token_url"],
            jwks_url=registration["jwks_url"],
            audience=None,
            allow_private=True,
            organisation=registration["name"],
        )
        with services.database.read() as session:
            organisation_id = organisation_named(session, registration["name"]).id
        for name in names:
            added = load_course(services, content / name, organisation_id)
            with progress_bar() as bar:
                take_in(services, added, bar)
    check_next(
        services
    )  # the first visitor finds starters; those of the smaller courses follow in the background


def _demo_lms_port() -> int:
    value = os.environ.get("DEMO_LMS_PORT", "8100")
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise DemonstrationFailed(f"DEMO_LMS_PORT must be a port number, not {value!r}.")
    return int(value)


def _demo_command() -> list[str]:
    return [sys.executable, "-m", "demo"]


def _announce(screen: Console, lms: subprocess.Popen[bytes], lms_port: int, settings: Settings) -> None:
    time.sleep(0.5)
    if lms.poll() is not None:
        raise DemonstrationFailed("The demo LMS did not start; its message stands above.")
    screen.print()
    screen.print(f"  Demo LMS   http://127.0.0.1:{lms_port}   open this one in a browser", highlight=False)
    screen.print(f"  Workside   {settings.url}", highlight=False)
    screen.print("  Ctrl-C stops both.", highlight=False)
