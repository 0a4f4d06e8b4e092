"""A task's definition: one set of rules, errors that name the field, and files that say the same when they are read again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.course.task_definitions import (
    TRANSLATIONS,
    TaskInvalid,
    check_definition,
    is_same_task,
    slug,
    with_criterion_ids,
)
from app.course.task_files import read_task, write_markdown, write_toml
from app.course.tasks import localised

CONTENT = Path(__file__).parents[3] / "content"
SAMPLES = sorted(CONTENT.glob("tasks/*.toml")) + sorted(CONTENT.glob("*/tasks/*.toml"))

SMALL: dict[str, Any] = {
    "id": "vase",
    "title": "The vase",
    "situation": "It broke.",
    "ask": "Say what you do.",
    "criteria": [{"id": "asks", "text": "Asks for a photo"}],
}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_each_task_of_the_sample_course_says_the_same_in_both_forms(path: Path) -> None:
    task = read_task(path.name, path.read_bytes())
    assert read_task("again.toml", write_toml(task).encode()) == task
    bare = {name: value for name, value in task.items() if name not in TRANSLATIONS}
    assert read_task("again.md", write_markdown(task).encode()) == bare
    assert is_same_task(tomllib.loads(path.read_text()), task), (
        "what was loaded before there were rules is no new version"
    )


words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"),
    min_size=1,
    max_size=40,
).filter(lambda text: any(c.isalnum() for c in text))
# A line that would begin like an outline of its own is for TOML: Markdown says so in docs/content.md.
plain = st.from_regex(r"[A-Za-zéñ0-9€][A-Za-zéñ0-9€ ,.!?'#*>()\[\]\\-]{0,40}", fullmatch=True).map(
    lambda text: " ".join(text.split())
)
texts = st.lists(
    plain | st.sampled_from(["## Checklist", "# x", r"\# y", "---", "- a"]), min_size=1, max_size=4
).map("\n".join)


def tasks(
    one_line: st.SearchStrategy[str], many_lines: st.SearchStrategy[str]
) -> st.SearchStrategy[dict[str, Any]]:
    criterion = st.fixed_dictionaries(
        {"text": one_line, "weight": st.integers(1, 10), "must": st.booleans()},
        optional={
            "look_for": st.lists(one_line, max_size=3),
            "weak_example": one_line,
            "strong_example": one_line,
            "next_try": one_line,
        },
    )
    return st.fixed_dictionaries(
        {
            "id": st.just("t"),
            "title": one_line,
            "situation": many_lines,
            "ask": many_lines,
            "minutes": st.integers(1, 240),
            "tries": st.integers(1, 10),
            "completion": st.sampled_from(["reviewed", "submitted"]),
            "criteria": st.lists(criterion, min_size=1, max_size=3),
        },
        optional={
            "solution_steps": st.lists(one_line, max_size=3),
            "worked_strong": many_lines,
            "starter_questions": st.lists(one_line, max_size=3),
        },
    ).map(with_criterion_ids)


@settings(max_examples=60, deadline=None)
@given(tasks(words, st.lists(words, min_size=1, max_size=3).map("\n".join)))
def test_any_task_comes_back_from_toml_as_it_was(task: dict[str, Any]) -> None:
    checked = check_definition(task)
    assert read_task("x.toml", write_toml(checked).encode()) == checked


@settings(max_examples=60, deadline=None)
@given(tasks(plain, texts))
def test_a_task_comes_back_from_markdown_as_it_was(task: dict[str, Any]) -> None:
    checked = check_definition(task)
    assert read_task("x.md", write_markdown(checked).encode()) == checked


def test_steps_and_options_come_back_from_both_forms() -> None:
    order = check_definition(
        SMALL | {"answer_kind": "order", "steps": ["Open", ["Photo", "Receipt"], "Decide"]}
    )
    assert [step["place"] for step in order["steps"]] == [1, 2, 2, 3]
    choice = check_definition(
        SMALL | {"answer_kind": "choice", "choices": [{"text": "Pay"}, {"text": "Ask", "is_best": True}]}
    )
    file = check_definition(SMALL | {"answer_kind": "file", "file": {"accepts": ["pdf"], "most_mb": 2}})
    for task in (order, choice, file):
        assert read_task("x.toml", write_toml(task).encode()) == task
        assert read_task("x.md", write_markdown(task).encode()) == task


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"situaton": "x"}, "situaton", "There is no such field"),
        ({"title": " "}, "title", "This is empty"),
        ({"minutes": "soon"}, "minutes", "whole number"),
        ({"minutes": 0}, "minutes", "too small"),
        ({"criteria": []}, "criteria", "At least one"),
        ({"criteria": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]}, "criteria", "same id"),
        ({"criteria": [{"id": "a b", "text": "x"}]}, "criteria.0.id", "hyphens"),
        ({"criteria": [{"id": "a", "text": "x", "wieght": 2}]}, "criteria.0.wieght", "no such field"),
        ({"answer_kind": "essay"}, "answer_kind", "none of the words"),
        ({"answer_kind": "order", "steps": ["one"]}, "steps", "at least two steps"),
        ({"answer_kind": "order", "steps": ["one", "one"]}, "steps", "same words"),
        ({"answer_kind": "choice", "choices": [{"text": "a"}, {"text": "b"}]}, "choices", "Mark the best"),
        ({"criteria": [{"id": "a", "text": "x", "steps": [3]}]}, "criteria.0.steps", "no step has"),
        ({"recheck": {"situation": "x", "ask": "y"}}, "recheck.criteria", "This is missing"),
        ({"es": {"titulo": "x"}}, "es.titulo", "no such field"),
    ],
)
def test_an_error_names_the_field_and_what_to_do(change: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(TaskInvalid) as refused:
        check_definition(SMALL | change)
    problem = refused.value.problems[0]
    assert problem.field == field and words in problem.message


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.toml", b"id = ", "TOML"),
        ("a.toml", b"a=" + b"[" * 5000, "too many brackets"),
        ("a.toml", b"a=" + b"[" * 5000 + b"]" * 5000, "too many brackets"),
        ("a.toml", b".".join([b"a"] * 5000) + b" = 1", "too many brackets"),
        ("a.toml", b"\xff\xfe", "UTF-8"),
        ("a.md", b"# No front", "begins with ---"),
        ("a.md", b"---\nid: x\n---\n# X\n\n## Sitution\nx\n", "no such section"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, data: bytes, words: str) -> None:
    with pytest.raises(TaskInvalid, match=words):
        read_task(name, data)


def test_texts_of_a_locale_stand_over_the_original_and_what_is_missing_stays() -> None:
    task = check_definition(
        SMALL
        | {
            "answer_kind": "order",
            "steps": ["Open", "Decide"],
            "recheck": {"situation": "Again.", "ask": "Say.", "criteria": [{"id": "r", "text": "Asks"}]},
            "es": {
                "title": "El jarrón",
                "steps": ["Abrir", "Decidir"],
                "criteria": {"asks": {"text": "Pide una foto"}},
                "recheck": {"situation": "Otra vez.", "criteria": {"r": {"text": "Pide"}}},
            },
        }
    )
    es = localised(task, "es")
    assert (es["title"], es["ask"]) == ("El jarrón", "Say what you do.")
    assert [step["text"] for step in es["steps"]] == ["Abrir", "Decidir"]
    assert [step["id"] for step in es["steps"]] == [step["id"] for step in task["steps"]]
    assert (es["recheck"]["situation"], es["recheck"]["ask"], es["recheck"]["after_days"]) == (
        "Otra vez.",
        "Say.",
        7,
    )
    assert es["recheck"]["criteria"][0] == {
        "id": "r",
        "text": "Pide",
        "weight": 1,
        "must": False,
        "look_for": [],
    }
    assert localised(task, "pt-BR")["title"] == "The vase"


def test_ids_are_made_from_titles_and_never_twice() -> None:
    assert slug("The lamp, broken") == "the-lamp-broken"
    assert slug("The lamp, broken", {"the-lamp-broken"}) == "the-lamp-broken-2"
    assert slug("日本") == "task"


def test_the_example_of_the_documentation_is_a_task() -> None:
    page = (CONTENT.parent / "docs/content.md").read_text()
    example = page.partition("```markdown\n")[2].partition("```")[0]
    task = read_task("vase.md", example.encode())
    assert task["criteria"][0]["choices"] == [2] and task["choices"][1]["is_best"]
    assert read_task("vase.md", write_markdown(task).encode()) == task
