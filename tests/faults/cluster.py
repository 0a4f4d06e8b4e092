"""A private PostgreSQL cluster for a test run: its own folder, its own socket, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    folder = Path(tempfile.mkdtemp(prefix="workside-pg-"))
    # PostgreSQL refuses to run as root; Debian's package made an account for it.
    as_account: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_account = ["runuser", "-u", "postgres", "--"]

    def run(*command: str) -> None:
        # Files and no pipes: the server inherits them, and a pipe would never end.
        with (folder.parent / f"{folder.name}.log").open("ab") as log:
            done = subprocess.run([*as_account, *command], stdout=log, stderr=log, cwd=folder, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{Path(log.name).read_text()[-2000:]}")

    data = str(folder / "data")
    try:
        run(
            str(bin_folder / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"
        )
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        )
        run(
            str(bin_folder / "pg_ctl"),
            "-D",
            data,
            "-w",
            "-l",
            str(folder / "server.log"),
            "-o",
            options,
            "start",
        )
        try:
            yield f"postgresql+psycopg://postgres@/{{}}?host={folder}"
        finally:
            run(str(bin_folder / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(f"{folder}.log").unlink(missing_ok=True)
