"""Health checks of the containers. `is_well.py URL` asks a service, `is_well.py worker` looks at the worker's container.

Exit code 0: well. 1: not.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

SECONDS = 4


def answers(url: str) -> bool:
    """Whether `url` answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - from the compose file
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def works(process: Path, database_url: str) -> bool:
    """Whether the process is `workside worker` and its database answers from here.

    That is all that can be seen from outside: the worker has no port. Whether scores arrive is `workside doctor`'s to say.
    """
    import psycopg

    try:
        command = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        with psycopg.connect(database_url.replace("+psycopg", "", 1), connect_timeout=SECONDS) as connection:
            connection.execute("SELECT 1")
    except (OSError, psycopg.Error):
        return False
    return command[-1] == b"worker"


def main() -> int:
    subject = sys.argv[1]
    if subject == "worker":
        return 0 if works(Path("/proc/1"), os.environ["WORKSIDE_DATABASE_URL"]) else 1
    return 0 if answers(subject) else 1


if __name__ == "__main__":
    sys.exit(main())
