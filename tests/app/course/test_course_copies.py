"""A copied course: it keeps what its activities show, and of the people of its origin there is no way to anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.copies import ids_of_history, record_copy
from app.course.models import Context, ContextCopy, Placement
from app.kit.db import Base
from lti import Launch
from tests.app.rooms.campus import Campus, Visit
from tests.app.rooms.placing import choose, launched, picker, posted

SECRETS = ("zebraquestion", "zebraresponse", "zebracomment", "Zebraname", "Zebrateacher")
PAGES = ("/", "/practice", "/practice/lamp-parcels", "/review", "/kept")


def origin(campus: Campus) -> dict[str, Any]:
    """A course with a placed activity in which people asked, handed in and were judged; what the platform keeps of it."""
    (item,) = posted(campus, choose(picker(campus), "practice/lamp-parcels")).items
    ana = launched(campus, item, "ana", link="old-link", name="Zebraname")
    ana.ask("How do I refund a damaged parcel? zebraquestion")
    ana.hand_in(ana.attempt("lamp-parcels", "I ask for two photos. zebraresponse"))
    ivo = launched(campus, item, "ivo", "instructor", link="old-link", name="Zebrateacher")
    ivo.decide(ivo.waiting()[0], comment="zebracomment")
    return item


def copy_of(launch: Launch, item: dict[str, Any], lti_id: str, **history: str) -> Launch:
    assert launch.context is not None
    custom = {"placement": item["custom"]["placement"], **history}
    return replace(launch, context=replace(launch.context, id=lti_id), custom=custom)


def shown(visit: Visit) -> str:
    return "".join(visit.get(path).text for path in PAGES)


def below(session: Session, context_id: str) -> set[tuple[str, str]]:
    """(table, id) of every row that hangs on a course by foreign keys, over any number of steps."""
    found = {("context", context_id)}
    grown = True
    while grown:
        grown = False
        for table in Base.metadata.tables.values():
            if "id" not in table.columns:
                continue
            for key in table.foreign_keys:
                # Where a course came from is no part of it.
                if key.parent.name == "origin_context_id":
                    continue
                ids = [row_id for name, row_id in found if name == key.column.table.name]
                for row_id in session.scalars(select(table.c.id).where(key.parent.in_(ids))) if ids else ():
                    if (table.name, row_id) not in found:
                        found.add((table.name, row_id))
                        grown = True
    return found


lti_ids = st.text("abc ,%$.éñ", min_size=1, max_size=8)
histories = st.lists(
    st.sampled_from(["parcels", "depot", "spring", "gone", "old-link"]) | lti_ids, max_size=5
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(courses=histories, links=histories, role=st.sampled_from(["learner", "instructor", "administrator"]))
def _no_way_to_the_origins_people(
    campus: Campus,
    item: dict[str, Any],
    old: set[tuple[str, str]],
    courses: list[str],
    links: list[str],
    role: str,
) -> None:
    history = {"context_history": ",".join(["parcels", *courses]), "resource_link_history": ",".join(links)}
    launch = copy_of(campus.launch("eva", role, link="new-link"), item, "copy", **history)
    visit = campus.enter(launch)
    text = shown(visit)
    assert not [secret for secret in SECRETS if secret in text]
    assert "Course parcels of north" in text or role == "learner"
    with campus.services.database.read() as session:
        copy = session.scalars(select(Context).where(Context.lti_id == "copy")).one()
        reached = below(session, copy.id)
    assert not reached & old
    assert visit.first == "/practice/lamp-parcels", "the content came along"


def test_nothing_of_the_origins_people_is_reachable_from_the_copy(campus: Campus) -> None:
    item = origin(campus)
    with campus.services.database.read() as session:
        parcels = session.scalars(select(Context).where(Context.lti_id == "parcels")).one()
        old = below(session, parcels.id)
    tables = {table for table, _ in old}
    assert {"membership", "conversation", "turn", "attempt", "evidence", "confirmation", "visit"} <= tables
    _no_way_to_the_origins_people(campus, item, old)


def test_a_copy_of_a_copy_of_a_copy_keeps_the_content_chosen_anew(campus: Campus) -> None:
    """On a platform that names only the course before: each step finds its own origin."""
    item = {"custom": {"placement": "another-organisations"}}
    first = campus.enter(copy_of(campus.launch("ivo", "instructor", link="l0"), item, "c0"))
    assert first.post("/placement", {"choice": "practice/vase-parcels"}).status_code == 303
    for n in range(1, 4):
        launch = copy_of(
            campus.launch("ivo", "instructor", link=f"l{n}"), item, f"c{n}", context_history=f"c{n - 1}"
        )
        assert campus.enter(launch).first == "/practice/vase-parcels", n
    assert campus.count(Placement) == 1


def test_a_notice_of_a_copy_before_anybody_opened_it_is_enough(campus: Campus) -> None:
    item = {"custom": {"placement": "another-organisations"}}
    campus.enter(copy_of(campus.launch("ivo", "instructor", link="l0"), item, "old")).post(
        "/placement", {"choice": "practice/vase-parcels"}
    )
    with campus.services.database.write() as session:
        old = session.scalars(select(Context).where(Context.lti_id == "old")).one()
        new = Context(deployment_id=old.deployment_id, organisation_id=old.organisation_id, lti_id="new")
        session.add(new)
        session.flush()
        for _ in range(2):
            assert record_copy(session, new, ["unknown", "old", "older"]) is old
        assert record_copy(session, new, []) is None and record_copy(session, new, ["new"]) is None
    assert campus.count(ContextCopy) == 3
    assert campus.enter(copy_of(campus.launch(link="l9"), item, "new")).first == "/practice/vase-parcels"


def test_an_origin_that_becomes_known_later_is_found(campus: Campus) -> None:
    campus.visit("ana")
    with campus.services.database.write() as session:
        copy = session.scalars(select(Context)).one()
        assert record_copy(session, copy, ["later"]) is None
    campus.visit("ana", "learner", "later")
    with campus.services.database.write() as session:
        copy = session.scalars(select(Context).where(Context.lti_id == "parcels")).one()
        later = record_copy(session, copy, ["later"])
        assert later is not None and later.lti_id == "later"
    with campus.services.database.read() as session:
        assert session.scalars(select(ContextCopy.origin_context_id)).one() == later.id


def test_a_history_is_read_as_the_specification_writes_it() -> None:
    assert ids_of_history("c3,c2,c1") == ["c3", "c2", "c1"]
    assert ids_of_history(" a%2Cb , a%2Cb,%20x") == ["a,b", " x"]
    for nothing in (None, "", ",,", "$Context.id.history", "x" * 256, "%00"):
        assert ids_of_history(nothing) == [], nothing
    assert len(ids_of_history(",".join(str(n) for n in range(1000)))) == 50
