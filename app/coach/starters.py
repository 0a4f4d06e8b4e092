"""One-tap questions, from the author's list, the instructor's, and the content's own headings: offered once they are known to be
answerable.

The check searches and asks the gate, as an answer would. It runs in the background whenever documents or lists have changed and
is kept in `starter_check`; a page only reads what was found.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.headings import question_about
from app.coach.helping import CoachWays
from app.coach.models import CoachSettings, StarterCheck
from app.course.content import Starter
from app.course.models import Placement, ResourceLink
from app.course.scope import activity_scope
from app.course.services import Services
from app.kit.clock import now
from app.kit.i18n import LOCALES
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from retrieval import Hit, PassageNotFound, Retrieval, Scope

MOST = 6
_HEADINGS = 120
_TRIES = 9  # for one language: whoever has so many questions without an answer gets few starters
_HITS = 6
_LEASE = timedelta(minutes=5)
COLLECTION, COACH = "collection", "coach"


@dataclass(frozen=True)
class Candidate:
    """A question that might be offered. `passage_id` is where its answer stands, where that is known."""

    text: str
    source: str
    passage_id: str = ""


# ---- What a page shows


def starters_offered(
    session: Session, scope: Scope, ways: CoachWays, locale: str, most: int = MOST
) -> list[str]:
    """The questions for a person of this locale: the instructor's, the author's, then the content's own."""
    subjects = [ways.settings_id, *sorted(scope.collection_ids)]
    rows = session.scalars(
        select(StarterCheck).where(
            StarterCheck.organisation_id == scope.organisation_id, StarterCheck.subject.in_(subjects)
        )
    ).all()
    found = [
        entry
        for row in sorted(rows, key=lambda row: subjects.index(row.subject))
        for entry in row.found.get(locale, ())
        if entry["verdict"] != "not_covered"
    ]
    instructors = [e["text"] for e in found if e["source"] == "instructor" and e["text"] in ways.starters]
    authors = [e["text"] for e in found if e["source"] == "author"]
    contents = [e["text"] for e in found if e["source"] == "content"]
    rest = [*authors, *contents] if ways.offers_content_starters else []
    return list(dict.fromkeys([*instructors, *rest]))[:most]


def refused_starters(session: Session, ways: CoachWays, locale: str) -> set[str]:
    """Those of the instructor's own starters that the documents were found not to answer."""
    row = session.scalars(select(StarterCheck).where(StarterCheck.subject == ways.settings_id)).one_or_none()
    entries = row.found.get(locale, ()) if row else ()
    return {entry["text"] for entry in entries if entry["verdict"] == "not_covered"}


# ---- The check


def check_next(services: Services) -> bool:
    """Checks the starters of one collection or one coach whose documents or lists have changed; False where none have."""
    _note_changes(services)
    with services.database.read() as session:
        waiting = session.scalars(
            select(StarterCheck).where(StarterCheck.wanted != StarterCheck.checked).order_by(StarterCheck.id)
        ).all()
    for one in waiting:
        if one.kind == COLLECTION and _is_being_read(services.retrieval, one):
            continue  # each document that follows would make this check another one
        with services.database.write() as session:
            row = claim_row(
                session,
                select(StarterCheck).where(
                    StarterCheck.id == one.id, StarterCheck.wanted != StarterCheck.checked
                ),
                StarterCheck,
                OWNER,
                _LEASE,
            )
        if row is not None:
            _check(services, row)
            return True
    return False


def free_checks(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on checks that `is_nobodys` says are nobody's."""
    with services.database.write() as session:
        return free_leases(session, StarterCheck, is_nobodys)


def _note_changes(services: Services) -> None:
    """Writes down what each collection's and each coach's check has to be of now."""
    with services.database.read() as session:
        lists: dict[str, tuple[int, str | None]] = {
            collection_id: (count, newest)
            for collection_id, count, newest in session.execute(
                select(Starter.collection_id, func.count(), func.max(Starter.id)).group_by(
                    Starter.collection_id
                )
            )
        }
        known = {row.subject: row.wanted for row in session.scalars(select(StarterCheck))}
        coaches = session.scalars(select(CoachSettings)).all()
    collections = services.retrieval.every_collection()
    wanted: dict[str, tuple[str, str, str]] = {}
    for collection in collections:
        count, newest = lists.get(collection.id, (0, ""))
        wanted[collection.id] = (
            COLLECTION,
            collection.organisation_id,
            f"{collection.version}:{count}:{newest}",
        )
    versions = Counter[str]()
    for collection in collections:
        versions[collection.organisation_id] += collection.version
    for coach in coaches:
        if coach.starters or coach.id in known:
            digest = hashlib.sha256("\n".join(coach.starters).encode()).hexdigest()[:16]
            mark = f"{versions[coach.organisation_id]}:{digest}"
            wanted[coach.id] = (COACH, coach.organisation_id, mark)
    changed = {subject: what for subject, what in wanted.items() if known.get(subject) != what[2]}
    if not changed:
        return
    with services.database.write() as session:
        for subject, (kind, organisation_id, mark) in changed.items():
            if subject in known:
                session.execute(
                    update(StarterCheck).where(StarterCheck.subject == subject).values(wanted=mark)
                )
                continue
            try:
                with session.begin_nested():
                    session.add(
                        StarterCheck(organisation_id=organisation_id, subject=subject, kind=kind, wanted=mark)
                    )
            except IntegrityError:
                continue  # another worker noted it in the same moment


def _is_being_read(retrieval: Retrieval, row: StarterCheck) -> bool:
    scope = Scope(row.organisation_id, frozenset({row.subject}))
    return any(document.status == "waiting" for document in retrieval.documents(scope))


def _check(services: Services, row: StarterCheck) -> None:
    """Finds what can be offered and writes it down as what was checked; the lease ends with it."""
    found: dict[str, list[dict[str, str]]] = {}
    if row.kind == COLLECTION:
        scope = Scope(row.organisation_id, frozenset({row.subject}))
        for locale in LOCALES:
            found[locale] = _offered(services.retrieval, scope, _of_collection(services, row, scope, locale))
    else:
        entries = _of_coach(services, row)
        found = dict.fromkeys(LOCALES, entries)
    with services.database.write() as session:
        session.execute(
            update(StarterCheck)
            .where(StarterCheck.id == row.id, StarterCheck.lease_owner == row.lease_owner)
            .values(found=found, checked=row.wanted, checked_at=now(), lease_owner=None, lease_until=None)
        )


def _offered(retrieval: Retrieval, scope: Scope, candidates: Iterable[Candidate]) -> list[dict[str, str]]:
    """The first candidates that the documents answer, as many as a page shows."""
    entries: list[dict[str, str]] = []
    for candidate in islice(candidates, _TRIES):
        verdict = verdict_on(retrieval, scope, candidate)
        if verdict != "not_covered":
            entries.append({"text": candidate.text, "source": candidate.source, "verdict": verdict})
        if len(entries) == MOST:
            break
    return entries


def verdict_on(retrieval: Retrieval, scope: Scope, candidate: Candidate) -> str:
    """What the gate says of a question. One made of a heading has to find that very section as well."""
    hits = retrieval.search(candidate.text, scope, limit=_HITS)
    if candidate.passage_id and not _finds(retrieval, scope, candidate.passage_id, hits):
        return "not_covered"
    return retrieval.judge(candidate.text, hits).verdict


def _finds(retrieval: Retrieval, scope: Scope, passage_id: str, hits: Sequence[Hit]) -> bool:
    wanted = retrieval.passage(scope, passage_id)
    return any(
        (hit.passage.document_id, hit.passage.heading_path) == (wanted.document_id, wanted.heading_path)
        for hit in hits
    )


def _of_collection(services: Services, row: StarterCheck, scope: Scope, locale: str) -> Iterator[Candidate]:
    """The author's questions in the locale, then the content's in its language, then what is in another language."""
    with services.database.read() as session:
        lists = session.scalars(
            select(Starter).where(Starter.collection_id == row.subject).order_by(Starter.id)
        ).all()
    yield from (Candidate(one.texts[locale], "author") for one in lists if one.texts.get(locale))
    yield from (
        Candidate(one.texts["en"], "author")
        for one in lists
        if one.texts.get("en") and locale not in one.texts
    )
    asked_in = locale.partition("-")[0]
    headings = services.retrieval.headings(scope, _HEADINGS)
    for heading in sorted(headings, key=lambda one: one.language != asked_in):
        try:
            passage = services.retrieval.passage(scope, heading.passage_id)
        except PassageNotFound:
            continue  # the document was changed this moment; another check follows
        text = question_about(
            heading.heading,
            passage.text,
            language=heading.language,
            asked_in=asked_in,
            is_procedure=heading.is_procedure,
        )
        if text:
            yield Candidate(text, "content", heading.passage_id)


def _of_coach(services: Services, row: StarterCheck) -> list[dict[str, str]]:
    """The instructor's own questions, each with the verdict of the activity's documents."""
    with services.database.read() as session:
        settings, link, placement = session.execute(
            select(CoachSettings, ResourceLink, Placement)
            .join(ResourceLink, ResourceLink.id == CoachSettings.resource_link_id)
            .outerjoin(Placement, Placement.id == ResourceLink.placement_id)
            .where(CoachSettings.id == row.subject)
        ).one()
    scope = activity_scope(
        services.retrieval,
        settings.organisation_id,
        placement.settings if placement else None,
        link.custom,
    )
    return [
        {
            "text": text,
            "source": "instructor",
            "verdict": verdict_on(services.retrieval, scope, Candidate(text, "instructor")),
        }
        for text in settings.starters
    ]
