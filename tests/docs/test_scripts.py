"""The scripts that CI and `make test` begin with."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(script: str, path: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", script],
        env={"PATH": path, "HOME": "/nowhere"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_browser_that_is_there_needs_no_network(tmp_path: Path) -> None:
    program(tmp_path / "bin", "chromium", "exit 0")
    ended = run(str(ROOT / "tests/install-browser.sh"), str(tmp_path / "bin"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_browser_that_cannot_be_installed_is_named(tmp_path: Path) -> None:
    program(tmp_path / "bin", "id", "echo 1000")
    ended = run(str(ROOT / "tests/install-browser.sh"), str(tmp_path / "bin"))
    assert ended.returncode == 1
    assert "the package chromium" in ended.stderr


def ci_with(tmp_path: Path, make: str) -> subprocess.CompletedProcess[str]:
    """The CI script with another `make`, in a folder of its own."""
    program(tmp_path / "bin", "make", make)
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    script.write_text((ROOT / ".ci" / "run").read_text())
    return run(str(script), f"{tmp_path / 'bin'}:{os.environ['PATH']}", tmp_path)


def test_ci_ends_with_the_summary_of_the_tests_and_their_exit_code(tmp_path: Path) -> None:
    failing = 'echo "$1"; [ "$1" = lint ] || { echo "1 failed in 2s"; echo "make: *** [Makefile:28: test] Error 1" >&2; exit 2; }'
    ended = ci_with(tmp_path, failing)
    assert ended.returncode == 2
    assert ended.stdout.splitlines() == ["lint", "test", "1 failed in 2s"]
    assert ended.stderr == ""


def test_ci_runs_the_tests_and_fails_where_only_lint_did(tmp_path: Path) -> None:
    ended = ci_with(tmp_path, 'echo "$1"; [ "$1" = test ]')
    assert ended.returncode == 1
    assert ended.stdout.splitlines() == ["lint", "test"]


def test_ci_can_be_started() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR
