"""Log lines: what happened is there, what somebody wrote or proves themselves with is not."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.kit.log import REDACTED, configure_logging, get_logger

CANARY = "zebra-canary-words"


@pytest.fixture(params=["json", "console"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a form of log lines; afterwards logging is as it was. The test sets it up itself, since pytest captures each
    phase of a test in another stream."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield request.param
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail_with_words() -> None:
    question = f"{CANARY} in a local variable"
    raise RuntimeError(f"the answer of {len(question)} characters failed")


@pytest.mark.parametrize("name", sorted(REDACTED | {"Token", "QUESTION"}))
def test_a_value_of_a_telling_name_is_not_written(
    form: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(form, "info")
    get_logger("tests").info("happened", **{name: CANARY}, count=3)
    written = capsys.readouterr().err
    assert CANARY not in written
    assert "[redacted]" in written and "happened" in written and "3" in written


def test_a_library_that_logs_by_the_standard_way_is_redacted_too(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(form, "info")
    logging.getLogger("some.library").warning("happened elsewhere", extra={"token": CANARY, "note": "kept"})
    written = capsys.readouterr().err
    assert "happened elsewhere" in written
    assert "kept" in written
    assert CANARY not in written


@pytest.mark.parametrize("by", ["structlog", "logging"])
def test_a_traceback_says_where_and_not_with_which_words(
    form: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(form, "info")
    try:
        fail_with_words()
    except RuntimeError as error:
        if by == "structlog":
            get_logger("tests").error("failed", exc_info=error)
        else:
            logging.getLogger("some.library").error("failed", exc_info=error)
    written = capsys.readouterr().err
    assert "fail_with_words" in written, "the line of code that failed is named"
    assert "the answer of" in written
    assert CANARY not in written.replace('question = f"{CANARY}', "")


def test_a_logger_made_before_logging_is_set_up_follows_the_set_up(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every module makes its logger on import, before the settings are known."""
    early = get_logger("early")
    configure_logging(form, "warning")
    early.info("quiet")
    early.warning("loud", question=CANARY)
    captured = capsys.readouterr()
    assert captured.out == "", "standard output belongs to results"
    assert "quiet" not in captured.err
    assert "loud" in captured.err and "early" in captured.err and CANARY not in captured.err


def test_each_line_of_the_json_form_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    get_logger("tests").info("one", note="line\nbreak")
    logging.getLogger("some.library").warning("two")
    try:
        fail_with_words()
    except RuntimeError as error:
        get_logger("tests").error("three", exc_info=error)
    lines: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["one", "two", "three"]
    assert all(line["level"] and line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["logger"] == "tests"
    structlog.reset_defaults()


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "error")
    get_logger("tests").info("quiet")
    logging.getLogger("some.library").setLevel(logging.DEBUG)
    logging.getLogger("some.library").warning("quiet too")
    assert capsys.readouterr().err == ""
    structlog.reset_defaults()


def test_whole_addresses_are_logged_by_nobody(form: str) -> None:
    configure_logging(form, "info")
    assert logging.getLogger("uvicorn.access").disabled
    for noisy in ("httpx", "httpcore", "urllib3"):
        assert logging.getLogger(noisy).getEffectiveLevel() >= logging.WARNING
    assert sys.stderr
