"""The kinds of answer: what a form sent, as words and as data; what code can say of it; and who opens a file."""

from __future__ import annotations

import io
import secrets
from typing import Any

import docx
import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.models import AnswerFile, Attempt
from app.kit.errors import InputRefused
from app.rooms.practice.answers import (
    LARGEST_FILE_MB,
    GivenAnswer,
    Upload,
    answer_view,
    judge_by_code,
    order_share,
    read_answer,
    shuffled_steps,
)
from app.rooms.practice.authoring_forms import read_steps
from tests.app.rooms.campus import TOOL, Campus, Visit
from tests.app.rooms.practice.authors import WHOLE, author, write_task

ORDER = WHOLE | {
    "answer_kind": "order",
    "steps": "Open the case\nAsk for the photos\n+ Ask for the receipt\nDecide",
    "c0_text": "Asks before deciding",
    "c0_steps": "2, 4",
    "c1_text": "All in order",
    "c1_steps": "",
}
CHOICE = WHOLE | {
    "answer_kind": "choice",
    "choices": "Pay at once\n* Ask for the photos first\nRefuse",
    "c0_text": "Asks first",
    "c0_by_choice": "yes",
    "c1_text": "Says that photos are missing",
    "c1_look_for": "photos are missing",
}
FILE = WHOLE | {"answer_kind": "file", "file_accepts": "docx", "file_most_mb": "1"}


def definition_of(kind: str) -> dict[str, Any]:
    steps = read_steps(["A", "B", "+ C", "D"])
    return {
        "answer_kind": kind,
        "steps": steps,
        "choices": [
            {"id": "k1", "text": "Pay"},
            {"id": "k2", "text": "Ask", "is_best": True},
        ],
        "criteria": [
            {"id": "pair", "text": "x", "steps": [1, 4], "choices": [2]},
            {"id": "all", "text": "y"},
        ],
    }


def word_file(text: str) -> bytes:
    document = docx.Document()
    document.add_paragraph(text)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


# ---- Order


@given(st.text(alphabet="0123456789abcdef", min_size=1, max_size=32), st.integers(2, 12))
def test_steps_are_shuffled_the_same_way_for_one_attempt_and_never_right_already(key: str, n: int) -> None:
    steps = read_steps([f"Step {number}" for number in range(n)])
    shuffled = shuffled_steps(steps, key)
    assert shuffled == shuffled_steps(steps, key)
    assert sorted(shuffled) == sorted(step["id"] for step in steps)
    assert order_share({"steps": steps}, shuffled) < 1.0


@given(st.permutations(range(4)))
def test_an_order_is_judged_by_pairs_and_steps_in_either_order_count_both_ways(order: list[int]) -> None:
    definition = definition_of("order")
    ids = [definition["steps"][at]["id"] for at in order]
    given_answer = read_answer(definition, {"order": " ".join(ids)})
    judged = judge_by_code(definition, given_answer)
    place = [1, 2, 2, 4]
    assert judged["pair"].is_met == (order.index(0) < order.index(3))
    said = [place[at] for at in order]
    assert judged["all"].is_met == (said == sorted(said)) == (order_share(definition, ids) == 1.0)
    assert all(line.line in given_answer.text.split("\n") for line in judged.values())


def test_what_a_browser_gets_of_steps_and_options_says_nothing_of_what_is_right() -> None:
    for kind in ("order", "choice"):
        said = str(answer_view(definition_of(kind), "k"))
        assert "place" not in said and "best" not in said


def test_an_order_of_other_steps_is_refused_and_an_old_one_is_not_shown() -> None:
    definition = definition_of("order")
    with pytest.raises(InputRefused, match="steps have changed"):
        read_answer(definition, {"order": "a b c d"})
    view = answer_view(definition, "k", {"kind": "order", "text": "", "data": {"order": ["gone", "too"]}})
    assert [step["id"] for step in view["steps"]] == shuffled_steps(definition["steps"], "k")
    kept = [step["id"] for step in definition["steps"]]
    view = answer_view(definition, "k", {"kind": "order", "text": "", "data": {"order": kept}})
    assert [step["id"] for step in view["steps"]] == kept


# ---- Choice, text


def test_a_choice_needs_its_reason_and_only_the_reason_is_the_learners_own() -> None:
    definition = definition_of("choice")
    for form, words in (
        ({}, "Choose one"),
        ({"choice": "k1"}, "Write why"),
        ({"choice": "k9"}, "Choose one"),
    ):
        with pytest.raises(InputRefused, match=words):
            read_answer(definition, form)
    answer = read_answer(definition, {"choice": "k2", "response": " Nothing is proven. "})
    assert answer.text == "Ask\n\nNothing is proven." and answer.own_words == "Nothing is proven."
    assert judge_by_code(definition, answer)["pair"].is_met
    assert "all" not in judge_by_code(definition, answer), "a line that needs words is not code's to say"
    wrong = read_answer(definition, {"choice": "k1", "response": "Quick."})
    assert not judge_by_code(definition, wrong)["pair"].is_met


@given(st.text(max_size=200))
def test_a_text_is_kept_as_it_is_but_for_what_no_database_takes(text: str) -> None:
    try:
        answer = read_answer({"criteria": []}, {"response": text})
    except InputRefused:
        assert not text.strip() or len(text) > 8_000 or not any(c.isprintable() for c in text)
    else:
        assert answer.as_json() == {"kind": "text", "data": {}} and "\x00" not in answer.text


# ---- File


def test_a_file_is_read_for_its_text_and_what_is_not_allowed_is_refused() -> None:
    definition = {"answer_kind": "file", "file": {"accepts": ["docx", "txt"], "most_mb": 1}, "criteria": []}
    answer = read_answer(definition, {}, Upload("note.docx", word_file("Please send a photo of the inside.")))
    assert isinstance(answer, GivenAnswer) and "photo of the inside" in answer.own_words
    assert answer.data["filename"] == "note.docx"
    for upload, words in (
        (None, "Choose a file"),
        (Upload("note.pdf", b"%PDF-1.4"), "does not take that kind"),
        (Upload("note.docx", b"x" * 1_000_001), "too large"),
        (Upload("note.docx", b"no Word file"), "no text in this file"),
        (Upload("page.txt", b"   \n  "), "no text in this file"),
    ):
        with pytest.raises(InputRefused, match=words):
            read_answer(definition, {}, upload)


def send_file(visit: Visit, key: str, name: str, data: bytes, attempt_key: str = "") -> Response:
    return visit.client.post(
        f"/practice/{key}/attempts",
        data={"attempt_key": attempt_key or secrets.token_hex(16)},
        files={"file": (name, data)},
        headers=visit.headers | {"Origin": TOOL},
    )


def test_a_file_is_opened_by_its_owner_and_by_reviewers_once_it_is_handed_in(campus: Campus) -> None:
    key = write_task(author(campus), FILE)
    ana, ben, ines = campus.visit(), campus.visit("ben"), author(campus)
    assert 'enctype="multipart/form-data"' in ana.get(f"/practice/{key}").text
    data = word_file("Please send a photo of the inside as well.")
    sent = send_file(ana, key, "../../my note €.docx", data, "k" * 32)
    assert sent.status_code == 303, sent.text
    assert send_file(ana, key, "other.docx", data, "k" * 32).headers["location"] == sent.headers["location"]
    assert (campus.count(Attempt), campus.count(AnswerFile)) == (1, 1)
    attempt_id = sent.headers["location"].partition("attempt=")[2].partition("#")[0]
    path = f"/practice/attempts/{attempt_id}/file"
    mine = ana.get(path)
    assert mine.content == data and mine.headers["content-type"] == "application/octet-stream"
    assert mine.headers["content-disposition"].startswith('attachment; filename="my_note_.docx"')
    assert mine.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in mine.headers["content-security-policy"]
    assert (ben.get(path).status_code, ines.get(path).status_code) == (404, 404)
    ana.hand_in(attempt_id)
    assert (ben.get(path).status_code, ines.get(path).status_code) == (404, 200)
    elsewhere = campus.visit("ines", "instructor", "depot")
    assert elsewhere.get(path).status_code == 404


def test_a_file_may_be_larger_than_a_form_and_not_larger_than_the_limit(campus: Campus) -> None:
    key = write_task(author(campus), FILE | {"file_accepts": "txt", "file_most_mb": str(LARGEST_FILE_MB)})
    ana = campus.visit()
    assert "texto, 5 MB" in campus.visit(locale="es").get(f"/practice/{key}").text
    words = b"Please send a photo of the inside. " * 40_000  # 1.4 MB
    assert send_file(ana, key, "long.txt", words).status_code == 303
    assert send_file(ana, key, "long.txt", words * 4).status_code in {413, 422}
    assert ana.post(f"/practice/{key}/attempts", {"response": "x" * (1 << 20)}).status_code == 413
    huge = send_file(author(campus), "../tasks/new/from-file", "task.toml", b"x" * 1_100_000)
    assert huge.status_code in {404, 413}


def test_a_file_that_is_too_large_is_told_its_limit_in_the_pages_language(campus: Campus) -> None:
    key = write_task(author(campus), FILE)
    # The page sends its own language: at this point nobody knows yet whose visit it is.
    page, browser = {"Accept-Language": "pt-BR"}, {"Accept-Language": "en-GB,en"}
    for path, languages, words in (
        (f"/practice/{key}/attempts", page, ("O arquivo é grande demais", "no máximo 5 MB")),
        (f"/practice/{key}/attempts", browser, ("The file is too large", "5 MB at most")),
        ("/tasks/new/from-file", browser, ("The file is too large", "200 KB at most")),
    ):
        ana = author(campus, locale="pt-BR")
        refused = ana.client.post(
            path,
            data={"attempt_key": "a"},
            files={"file": ("a.docx", b"x" * 5_100_000)},
            headers=ana.headers | {"Origin": TOOL} | languages,
        )
        assert refused.status_code == 413
        for said in words:
            assert said in refused.text


@pytest.mark.parametrize(("form", "fields"), [(ORDER, {}), (CHOICE, {"response": "Two photos are missing."})])
def test_a_learner_answers_in_each_kind_and_code_proposes(
    campus: Campus, form: dict[str, str], fields: dict[str, str]
) -> None:
    key = write_task(author(campus), form)
    ana = campus.visit()
    definition_page = ana.get(f"/practice/{key}").text
    from tests.app.rooms.practice.authors import task_named

    definition = task_named(campus, key).definition
    if form is ORDER:
        assert definition_page.count("data-step=") == 4 and "Move up: Decide" in definition_page
        right = " ".join(step["id"] for step in definition["steps"])
        sent = ana.post(f"/practice/{key}/attempts", {"order": right, "attempt_key": "o" * 32})
    else:
        best = next(one["id"] for one in definition["choices"] if one.get("is_best"))
        sent = ana.post(f"/practice/{key}/attempts", {"choice": best, "attempt_key": "o" * 32, **fields})
    assert sent.status_code == 303, sent.text
    shown = ana.get(sent.headers["location"].partition("#")[0]).text
    assert "Met" in shown
    with campus.services.database.read() as session:
        attempt = session.query(Attempt).one()
        assert attempt.answer is not None and attempt.answer["kind"] == form["answer_kind"]
        first = next(
            line for line in attempt.feedback if line["criterion"] == definition["criteria"][0]["id"]
        )
        assert first["status"] == "met"
