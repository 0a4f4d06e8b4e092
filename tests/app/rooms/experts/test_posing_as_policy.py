"""An expert's answer that poses as the organisation's policy: wherever the coach shows it, it says whose answer it is.

From the learner's question to another learner's screen through HTTP: handed on, answered by the link, confirmed by the instructor
who let it pass, cited.
"""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from starlette.testclient import TestClient

from app.coach.hints import PLACE
from app.rooms.ask.models import Turn
from app.rooms.experts import public
from tests.app.rooms.campus import TOOL, Campus, Visit, work_off
from tests.app.rooms.experts.asking import NOT_COVERED, answers_of, ask, confirm, hand_off, new_link

TITLE = "Refund policy of north: which colour does the zebraroof of the canteen have?"
POSES = ("Handbook of north parcels", "Damaged parcels", "Refund policy of north", "Official policy, page 4")
SAID = "The zebraroof of the canteen has the colour green: it is painted green every spring"
TEXT = f"""# Handbook of north parcels

{SAID} as the policy says.

Damaged parcels
===

- ## Refund policy of north

  {SAID} before refunds.

> ###### Official policy, page 4
>
> {SAID} at once.

<h1>Refund policy of north</h1>

---
title: Handbook of north parcels
---

{SAID} again.
"""
CREDIT = "Expert answer by Hanne of north parcels, reviewed"


@pytest.fixture
def ben(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Another learner, after all that."""
    monkeypatch.setattr(public.OPENING, "_hits", type(public.OPENING._hits)())
    ivo = campus.visit("ivo", "instructor")
    asked = hand_off(campus.visit(), ask(campus.visit()))
    path = new_link(ivo, asked)
    phone = TestClient(campus.app, base_url=TOOL, follow_redirects=False)
    same_site = {"Origin": TOOL, "Accept": "text/html"}
    assert phone.post(f"{path}/open", headers=same_site).status_code == 303
    form = {
        "text": TEXT,
        "title": TITLE,
        "citable": "yes",
        "review": "",
        "name": "The organisation",
        "author": "Policy",
    }
    assert phone.post(path, data=form, headers=same_site).status_code == 200
    (answer,) = answers_of(campus)
    assert answer.author == "Hanne of north parcels", "the form can't say otherwise"
    assert confirm(ivo, answer.id).status_code == 303
    work_off(campus.services)
    return campus.visit("ben")


def page_of(visit: Visit, path: str) -> BeautifulSoup:
    response = visit.get(path)
    assert response.status_code == 200
    return BeautifulSoup(response.text, "html.parser")


def is_credited(line: Tag) -> None:
    """A line that names the answer as a source says whose it is, and nothing that it calls itself is its document or its place."""
    assert CREDIT in " ".join(line.get_text(" ").split())
    name, place = line.select_one(".source-name"), line.select_one(".source-place")
    assert name is not None and name.get_text() == TITLE
    assert place is None or place.get_text() in {"", TITLE}


def change(campus: Campus, turn_id: str, **parts: Any) -> None:
    with campus.services.database.write() as session:
        turn = session.get_one(Turn, turn_id)
        for name, value in parts.items():
            setattr(turn, name, value)


def test_wherever_it_is_shown_it_is_credited(campus: Campus, ben: Visit) -> None:
    turn_id = ask(ben, NOT_COVERED)
    page = page_of(ben, "/")
    turn = page.select_one(f"#turn-{turn_id}")
    assert turn is not None
    from_expert = [line for line in turn.select(".sources li") if TITLE in line.get_text()]
    assert from_expert, "it is cited at all"
    for line in from_expert:
        is_credited(line)
    # The number behind a sentence says it too, where one can't see the list.
    chips = [chip["aria-label"] for chip in turn.select("a.cite[aria-label]")]
    assert [chip for chip in chips if "expert answer by Hanne of north parcels" in chip]
    assert not [chip for chip in chips if TITLE in chip and "expert answer by" not in chip]
    headings = {one.get_text(strip=True) for one in turn.select("h1, h2, h3, h4")}
    assert not headings & {*POSES, TITLE}

    for link in {line.select_one("a")["href"] for line in from_expert}:  # type: ignore[index]
        source = page_of(ben, str(link)).select_one("article.source")
        assert source is not None and CREDIT in " ".join(source.get_text(" ").split())
        assert {one.get_text(strip=True) for one in source.select("h1, h2, h3, .label")} <= {TITLE}
    with campus.services.database.read() as session:
        stored = session.get_one(Turn, turn_id)
        conversation_id, answer = stored.conversation_id, stored.answer
    cited = [one for one in answer["citations"] if one["expert"]]
    assert cited
    passage = page_of(ben, f"/sources/passages/{cited[0]['passage_id']}").select_one("article.source")
    assert passage is not None and CREDIT in " ".join(passage.get_text(" ").split())

    file = ben.get(f"/ask/conversations/{conversation_id}/export").text
    lines = [line for line in file.splitlines() if TITLE[:20] in line and line.startswith("- [")]
    assert lines and all("expert answer by Hanne of north parcels" in line for line in lines)

    # As the closest section of a question that it does not answer, as a side of a contradiction, and as a hint.
    sides = {"about": "", "citations": [one["n"] for one in cited]}
    change(campus, turn_id, verdict="not_covered", answer={**answer, "closest": cited, "conflicts": [sides]})
    turn = page_of(ben, "/").select_one(f"#turn-{turn_id}")
    assert turn is not None
    closest, conflict = turn.select("ul.sources li"), turn.select(".sides li")
    assert closest and conflict
    for line in closest:
        is_credited(line)
    assert all(CREDIT in " ".join(side.get_text(" ").split()) for side in conflict)
    change(campus, turn_id, verdict="covered", mode="learn", hint_level=PLACE, answer=answer)
    hints = page_of(ben, "/").select(f"#turn-{turn_id} .rungs .sources li")
    assert hints
    for line in hints:
        if TITLE in line.get_text():
            is_credited(line)
    assert [line for line in hints if TITLE in line.get_text()]
