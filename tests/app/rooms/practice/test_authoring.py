"""Writing practice tasks: the form, drafts that two people work on, publishing, archiving, and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from app.course.content import PracticeTask
from app.course.loading import CourseFolderInvalid, load_course, organisation_named
from app.course.task_files import read_task
from app.kit.audit import AuditEvent
from tests.app.rooms.campus import TASK, Campus, write_course
from tests.app.rooms.practice.authors import (
    WHOLE,
    author,
    begin,
    draft_in,
    drafts,
    publish,
    save,
    task_named,
    version_in,
    write_task,
)


def test_an_instructor_writes_a_task_and_a_learner_meets_it(campus: Campus) -> None:
    ines = author(campus)
    key = write_task(ines, WHOLE)
    assert key == "the-vase-in-two-pieces"
    task = task_named(campus, key)
    assert (task.version, task.origin) == (1, "form")
    first = task.definition["criteria"][0]
    assert first == {
        "id": "asks-for-the-second-photo",
        "text": "Asks for the second photo",
        "weight": 2,
        "must": True,
        "look_for": ["a second photo", "photo of the inside"],
        "strong_example": "Please send a photo of the inside as well.",
        "weak_example": "Please send more.",
        "next_try": "What have you not seen yet?",
    }
    assert task.definition["tries"] == 2 and task.definition["recheck"]["after_days"] == 7
    page = campus.visit().get(f"/practice/{key}").text
    assert "A customer writes that a vase" in page and "Asks for the second photo" in page
    assert "photo of the inside" not in page and "Open a case" not in page
    listed = ines.get("/tasks").text
    assert f"/tasks/{key}" in listed and "/tasks/drafts/" not in listed


def test_no_learner_opens_a_page_of_authoring(campus: Campus) -> None:
    ines, ana = author(campus), campus.visit()
    draft_id = begin(ines)
    for path in (
        "/tasks",
        "/tasks/new",
        f"/tasks/drafts/{draft_id}",
        "/tasks/lamp-parcels",
        "/tasks/lamp-parcels/file.toml",
    ):
        assert ana.get(path).status_code == 403, path
    for path in (
        "/tasks/new",
        f"/tasks/drafts/{draft_id}",
        f"/tasks/drafts/{draft_id}/publish",
        "/tasks/lamp-parcels/archive",
    ):
        assert ana.post(path, {"form_key": "x"}).status_code == 403, path


@pytest.mark.parametrize("where", [("depot", "north"), ("parcels", "south")])
def test_drafts_and_tasks_of_another_content_are_not_there(campus: Campus, where: tuple[str, str]) -> None:
    draft_id = begin(author(campus))
    other = campus.visit("otto", "instructor", *where)
    assert other.get(f"/tasks/drafts/{draft_id}").status_code == 404
    assert save(other, draft_id, WHOLE, version=1).status_code == 404
    assert other.post(f"/tasks/drafts/{draft_id}/publish", {"version": "1"}).status_code == 404
    assert other.post(f"/tasks/drafts/{draft_id}/discard").status_code == 404
    key = write_task(author(campus), WHOLE)
    for path in (f"/tasks/{key}", f"/tasks/{key}/file.md"):
        assert other.get(path).status_code == 404
    assert other.post(f"/tasks/{key}/archive", {"to": "archive"}).status_code == 404
    assert other.post(f"/tasks/{key}/change", {"form_key": "x"}).status_code == 404
    listed = other.get("/tasks").text
    assert draft_id not in listed and key not in listed


def test_a_draft_says_what_is_missing_and_is_not_published_before(campus: Campus) -> None:
    ines = author(campus)
    draft_id = begin(ines)
    save(
        ines, draft_id, {"title": "Half", "answer_kind": "order", "steps": "Only one", "c0_text": "In order"}
    )
    page = ines.get(f"/tasks/drafts/{draft_id}/preview").text
    assert "Before it can be published" in page and f"/tasks/drafts/{draft_id}#situation" in page
    refused = ines.post(f"/tasks/drafts/{draft_id}/publish", {"version": "2", "over_version": "0"})
    assert refused.status_code == 422 and "not complete yet" in refused.text
    save(ines, draft_id, {**WHOLE, "answer_kind": "order", "steps": "Only one"})
    assert "Write at least two steps that have an order" in ines.get(f"/tasks/drafts/{draft_id}/preview").text


def test_a_change_is_a_new_version_and_old_attempts_keep_theirs(campus: Campus) -> None:
    ines, ana = author(campus), campus.visit()
    key = write_task(ines, WHOLE)
    attempt = ana.attempt(key, "Please send a photo of the inside.")
    ana.hand_in(attempt)
    before = task_named(campus, key)
    draft_id = draft_in(ines.post(f"/tasks/{key}/change", {"form_key": "k" * 32}).headers["location"])
    page = ines.get(f"/tasks/drafts/{draft_id}").text
    assert "Asks for the second photo" in page and "Change a task" in page
    save(
        ines,
        draft_id,
        {**WHOLE, "c0_id": "asks-for-the-second-photo", "c0_text": "Asks for a photo of the inside"},
    )
    assert publish(ines, draft_id).status_code == 303
    after = task_named(campus, key)
    assert (after.version, after.key) == (2, key)
    assert after.definition["criteria"][0]["id"] == "asks-for-the-second-photo"
    evidence = ines.waiting()
    page = ines.get(f"/review/{evidence[0]}").text
    assert (
        before.definition["criteria"][0]["text"] in page
        and after.definition["criteria"][0]["text"] not in page
    )
    assert "Version 2" in ines.get(f"/tasks/{key}").text


def test_a_change_that_changes_nothing_is_no_version(campus: Campus) -> None:
    ines = author(campus)
    written = write_task(ines, WHOLE)
    for key in (written, "lamp-parcels"):
        draft_id = draft_in(ines.post(f"/tasks/{key}/change", {"form_key": key}).headers["location"])
        page = ines.get(f"/tasks/drafts/{draft_id}/preview").text
        assert "Nothing has changed: this draft says what version 1 says" in page
        assert "Publish version" not in page
        refused = publish(ines, draft_id)
        assert refused.status_code == 422 and "nothing was published" in refused.text
        assert task_named(campus, key).version == 1
    draft_id = draft_in(ines.post(f"/tasks/{written}/change", {"form_key": "x"}).headers["location"])
    save(ines, draft_id, {**WHOLE, "c0_id": "asks-for-the-second-photo"})
    assert "Nothing has changed" in ines.get(f"/tasks/drafts/{draft_id}/preview").text, "the form as it was"
    save(ines, draft_id, {**WHOLE, "c0_id": "asks-for-the-second-photo", "minutes": "9"})
    assert publish(ines, draft_id).status_code == 303 and task_named(campus, written).version == 2


def test_two_editors_lose_nothing_of_each_other(campus: Campus) -> None:
    ines, omar = author(campus), author(campus, "omar", "teaching_assistant")
    key = write_task(ines, WHOLE)
    one = draft_in(ines.post(f"/tasks/{key}/change", {"form_key": "1" * 32}).headers["location"])
    two = draft_in(omar.post(f"/tasks/{key}/change", {"form_key": "2" * 32}).headers["location"])
    assert one == two, "they meet in one draft"
    opened = version_in(ines.get(f"/tasks/drafts/{one}").text)
    assert (
        save(omar, one, {**WHOLE, "title": "Omar's vase"}, version=opened)
        .headers["location"]
        .endswith("saved=yes")
    )
    mine = save(ines, one, {**WHOLE, "title": "Ines's vase"}, version=opened)
    apart = draft_in(mine.headers["location"])
    assert apart != one and mine.headers["location"].endswith("saved=apart")
    again = save(ines, one, {**WHOLE, "title": "Ines's vase"}, version=opened)
    assert draft_in(again.headers["location"]) == apart, "the same form sent twice makes one draft"
    assert [d.content["title"] for d in drafts(campus) if d.state == "open"] == ["Omar's vase", "Ines's vase"]
    assert "Somebody else saved this draft" in ines.get(mine.headers["location"]).text

    # Omar publishes; the other draft began from the version before, says so, and is not put over it unseen.
    page = ines.get(f"/tasks/drafts/{apart}/preview").text
    assert publish(omar, one).status_code == 303
    stale = ines.post(f"/tasks/drafts/{apart}/publish", {"version": "1", "over_version": "1"})
    assert stale.status_code == 409 and "Publish version 2" in page
    assert "Version 2 was published after this draft began" in ines.get(f"/tasks/drafts/{apart}/preview").text
    assert publish(ines, apart).status_code == 422
    assert publish(ines, apart, seen_newer="yes").status_code == 303
    assert (
        task_named(campus, key).definition["title"] == "Ines's vase" and task_named(campus, key).version == 3
    )


def test_a_form_or_a_publishing_sent_twice_counts_once(campus: Campus) -> None:
    ines = author(campus)
    first = ines.post("/tasks/new", {"form_key": "a" * 32}).headers["location"]
    assert ines.post("/tasks/new", {"form_key": "a" * 32}).headers["location"] == first
    draft_id = draft_in(first)
    save(ines, draft_id, WHOLE, version=1)
    assert save(ines, draft_id, WHOLE, version=1).headers["location"].endswith("saved=yes")
    assert publish(ines, draft_id).status_code == 303
    assert ines.post(f"/tasks/drafts/{draft_id}/publish", {"version": "2"}).status_code == 303
    with campus.services.database.read() as session:
        key = "the-vase-in-two-pieces"
        assert len(session.scalars(select(PracticeTask).where(PracticeTask.key == key)).all()) == 1
        events = [
            event.action
            for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))
            if event.action.startswith("task")
        ]
    assert events == ["task_draft.begun", "task_draft.saved", "task.published"]


def test_lines_are_taken_out_and_added_by_buttons(campus: Campus) -> None:
    ines = author(campus)
    draft_id = begin(ines)
    save(ines, draft_id, {**WHOLE, "remove": "c0"})
    assert [c["text"] for c in drafts(campus)[0].content["criteria"]] == ["Promises nothing yet"]
    form = {**WHOLE, "c2_text": "A third", "then": "more", "version": "2"}
    more = ines.post(f"/tasks/drafts/{draft_id}", form)
    assert 'name="c3_text"' in ines.get(more.headers["location"]).text


def test_a_draft_that_is_thrown_away_leaves_the_task_and_takes_no_more_words(campus: Campus) -> None:
    ines = author(campus)
    draft_id = draft_in(ines.post("/tasks/lamp-parcels/change", {"form_key": "b" * 32}).headers["location"])
    assert ines.post(f"/tasks/drafts/{draft_id}/discard").status_code == 303
    assert task_named(campus, "lamp-parcels").version == 1
    assert "This draft is closed" in save(ines, draft_id, WHOLE, version=1).text
    assert ines.get(f"/tasks/drafts/{draft_id}").status_code == 303


def test_an_archived_task_is_offered_nowhere_and_kept_where_it_is(campus: Campus) -> None:
    ines = author(campus)
    campus.visit("cleo").attempt("lamp-parcels")
    assert ines.post("/tasks/lamp-parcels/archive", {"to": "archive"}).status_code == 303
    for somebody, status in ((campus.visit("ana"), 404), (campus.visit("cleo"), 200), (ines, 200)):
        assert somebody.get("/practice/lamp-parcels").status_code == status
    sent = campus.visit("ana").post("/practice/lamp-parcels/attempts", {"response": "x", "attempt_key": "x"})
    assert sent.status_code == 404
    assert "/practice/lamp-parcels" not in campus.visit("ana").get("/practice").text
    placed = campus.visit("ana", link="only-lamp", custom={"task": "lamp-parcels"})
    assert placed.get("/practice/lamp-parcels").status_code == 200
    assert "Archived" in ines.get("/tasks").text
    ines.post("/tasks/lamp-parcels/archive", {"to": "restore"})
    assert "/practice/lamp-parcels" in campus.visit("ana").get("/practice").text
    assert ines.post("/tasks/lamp-parcels/archive", {"to": "elsewhere"}).status_code == 422


def test_a_task_goes_out_as_a_file_and_comes_back_as_a_change(campus: Campus) -> None:
    ines = author(campus)
    for ending in ("toml", "md"):
        file = ines.get(f"/tasks/lamp-parcels/file.{ending}")
        assert file.headers["content-disposition"].startswith("attachment")
        assert file.headers["x-content-type-options"] == "nosniff"
        told = re.sub(r"Asks for \w+ photos", f"Asks for {ending} photos", file.text)
        sent = ines.client.post(
            "/tasks/new/from-file",
            data={"form_key": ending * 8},
            files={"file": (f"lamp.{ending}", told.encode())},
            headers=ines.headers | {"Origin": "http://localhost:8000"},
        )
        assert sent.status_code == 303, sent.text
        assert publish(ines, draft_in(sent.headers["location"])).status_code == 303
        assert (
            task_named(campus, "lamp-parcels").definition["criteria"][0]["text"]
            == f"Asks for {ending} photos"
        )
    assert task_named(campus, "lamp-parcels").version == 3
    assert ines.get("/tasks/lamp-parcels/file.exe").status_code == 404


def test_a_file_that_is_no_task_is_told_what_to_do(campus: Campus) -> None:
    ines = author(campus)
    sent = ines.client.post(
        "/tasks/new/from-file",
        data={"form_key": "f" * 32},
        files={"file": ("task.toml", b'id = "x"\ntitle = "X"\nsituaton = "typo"\n')},
        headers=ines.headers | {"Origin": "http://localhost:8000"},
    )
    assert sent.status_code == 200
    for words in ("situaton", "There is no such field", "criteria", "This is missing"):
        assert words in sent.text
    assert drafts(campus) == []


def test_a_file_of_brackets_is_told_what_to_do(campus: Campus, tmp_path: Path) -> None:
    ines = author(campus)
    sent = ines.client.post(
        "/tasks/new/from-file",
        data={"form_key": "f" * 32},
        files={"file": ("task.toml", b"a=" + b"[" * 5000)},
        headers=ines.headers | {"Origin": "http://localhost:8000"},
    )
    assert sent.status_code == 200 and "too many brackets" in sent.text
    folder = write_course(tmp_path / "deep", "north", "parcels")
    for name in ("course.toml", "skills.toml", "tasks/lamp-parcels.toml"):
        kept = (folder / name).read_bytes() if (folder / name).exists() else None
        (folder / name).write_bytes(b"a=" + b"[" * 5000)
        with pytest.raises(CourseFolderInvalid, match=name):
            load_course(campus.services, folder, task_named(campus, "lamp-parcels").organisation_id)
        (folder / name).unlink() if kept is None else (folder / name).write_bytes(kept)


def test_a_folder_never_overwrites_what_an_instructor_changed(campus: Campus, tmp_path: Path) -> None:
    folder = write_course(tmp_path / "again", "north", "parcels")
    services, ines = campus.services, author(campus)
    with services.database.read() as session:
        north = organisation_named(session, "north").id
    draft_id = draft_in(ines.post("/tasks/lamp-parcels/change", {"form_key": "c" * 32}).headers["location"])
    save(ines, draft_id, {**WHOLE, "title": "Mine"})
    publish(ines, draft_id)
    _, reports = load_course(services, folder, north)
    assert reports == [] and task_named(campus, "lamp-parcels").definition["title"] == "Mine"

    text = TASK.format(key="lamp-parcels", title="The folder's", organisation="north")
    (folder / "tasks/lamp-parcels.toml").write_text(text)
    for _ in range(2):
        _, reports = load_course(services, folder, north)
        assert [report["status"] for report in reports] == ["draft"]
    assert task_named(campus, "lamp-parcels").definition["title"] == "Mine"
    waiting = [draft for draft in drafts(campus) if draft.state == "open"]
    assert [draft.content["title"] for draft in waiting] == ["The folder's"]
    assert publish(ines, waiting[0].id).status_code == 303
    assert task_named(campus, "lamp-parcels").definition["title"] == "The folder's"


def test_a_changed_text_leaves_its_translation_behind(campus: Campus) -> None:
    ines = author(campus)
    toml = TASK.format(key="taza", title="The cup", organisation="north") + (
        '\n[es]\ntitle = "La taza"\nsituation = "Llama un cliente."\n\n[es.criteria.photos]\ntext = "Pide dos fotos"\n'
    )
    sent = ines.client.post(
        "/tasks/new/from-file",
        data={"form_key": "t" * 32},
        files={"file": ("taza.toml", toml.encode())},
        headers=ines.headers | {"Origin": "http://localhost:8000"},
    )
    publish(ines, draft_in(sent.headers["location"]))
    definition = read_task("taza.toml", toml.encode())
    draft_id = draft_in(ines.post("/tasks/taza/change", {"form_key": "u" * 32}).headers["location"])
    form = {
        **WHOLE,
        "title": "The cup",
        "situation": "Another situation.",
        "c0_id": "photos",
        "c0_text": definition["criteria"][0]["text"],
    }
    save(ines, draft_id, form)
    assert "1 translated text no longer fits" in ines.get(f"/tasks/drafts/{draft_id}/preview").text
    publish(ines, draft_id)
    es = task_named(campus, "taza").definition["es"]
    assert es == {"title": "La taza", "criteria": {"photos": {"text": "Pide dos fotos"}}}
    page = campus.visit("ana", locale="es").get("/practice/taza").text
    assert "La taza" in page and "Another situation." in page and "Llama un cliente" not in page
