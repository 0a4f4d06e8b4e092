"""A private PostgreSQL cluster for a test run: its own folder, its own socket, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "workside-pg-"


def programs() -> Path:
    """The folder of initdb and pg_ctl: Debian keeps them off the PATH. The newest version where there are several."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found += [path.parent for path in reversed(debian)]
    if not found:
        raise RuntimeError(
            "PostgreSQL is not installed, and these tests need it. Run: bash tests/install-postgres.sh"
        )
    return found[0]


@contextmanager
def running_cluster() -> Iterator[str]:
    """Starts a cluster; yields its URL up to the database's name, which follows as `.format(name)`."""
    bin_folder = programs()
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        if left.is_dir() and not Path(f"/proc/{left.name.removeprefix(PREFIX).partition('-')[0]}").exists():
            stop(bin_folder, left)  # a test run that was killed left it
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, pg_ctl = str(folder / "data"), str(bin_folder / "pg_ctl")
    options = (
        f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    )
    try:
        run(folder, str(bin_folder / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8")
        run(folder, pg_ctl, "-D", data, "-w", "-l", str(folder / "server.log"), "-o", options, "start")
        yield f"postgresql+psycopg://postgres@/{{}}?host={folder}"
    finally:
        stop(bin_folder, folder)


def run(folder: Path, *command: str) -> None:
    """Runs a program of PostgreSQL's. It refuses to run as root; Debian's package made an account for it."""
    as_account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # A file and no pipe: the server inherits it, and a pipe would never end.
    with Path(f"{folder}.log").open("ab") as log:
        done = subprocess.run([*as_account, *command], stdout=log, stderr=log, cwd=folder, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{Path(log.name).read_text()[-2000:]}")


def stop(bin_folder: Path, folder: Path) -> None:
    """Ends the cluster in a folder, if it runs, and removes all that it left."""
    with contextlib.suppress(RuntimeError):
        run(folder, str(bin_folder / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)
    Path(f"{folder}.log").unlink(missing_ok=True)
