"""Registers the demo LMS of the compose file and loads the sample courses. Run it once, in the tool's container:

docker compose --profile demo exec tool python docker/set_up_demo.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.demonstration import COURSE_FOLDERS

CONTENT = Path(__file__).parents[1] / "content"
COMMAND = [sys.executable, "-m", "app.cli"]


def main() -> int:
    """What failed says so itself; its exit code is ours."""
    port = os.environ.get("DEMO_LMS_PORT", "8100")
    registrations = json.loads(
        subprocess.run(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "demo", "--print-registrations"),
                *("--base-url", f"http://127.0.0.1:{port}"),  # as browsers reach it
                *(
                    "--service-url",
                    os.environ.get("DEMO_LMS_SERVICE_URL", "http://demo-lms:8100"),
                ),  # as the tool does
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    try:
        for registration, folders in zip(registrations, COURSE_FOLDERS, strict=True):
            add_platform(registration)
            for folder in folders:
                run("course", "load", str(CONTENT / folder), "--organisation", registration["name"])
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def add_platform(registration: dict[str, str]) -> None:
    names = ("issuer", "client_id", "deployment_id", "auth_url", "token_url", "jwks_url")
    options = [part for name in names for part in (f"--{name.replace('_', '-')}", registration[name])]
    name = registration["name"]
    run("platform", "add", "--name", f"Demo LMS, {name}", *options, "--allow-private", "--organisation", name)


def run(*arguments: str) -> None:
    subprocess.run([*COMMAND, *arguments], check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    sys.exit(main())
