from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from retrieval import (
    Collection,
    CollectionNotFound,
    DocumentNotFound,
    HashingEmbedder,
    PackagedE5,
    PassageNotFound,
    Retrieval,
    Scope,
)
from retrieval.models import RetrievalBase
from tests.retrieval.conftest import HANDBOOK, work_off

Upload = Callable[..., str]


def test_the_passage_with_the_answer_comes_first(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("handbook.md", HANDBOOK)
    hits = retrieval.search("how do I greet a caller", scope)
    assert hits[0].passage.heading_path == ("Support handbook", "How do I greet a caller?")
    assert hits[0].passage.place.label("en") == "Support handbook > How do I greet a caller?"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(retrieval.search("customer photos phone", scope, limit=1)) == 1


def test_nothing_is_found_without_question_scope_or_content(
    retrieval: Retrieval, scope: Scope, upload: Upload
) -> None:
    assert retrieval.search("greet", scope) == []
    upload("handbook.md", HANDBOOK)
    assert retrieval.search("  ", scope) == []
    assert retrieval.search("greet", Scope("acme", frozenset())) == []
    assert retrieval.search("greet", scope, limit=0) == []


def test_a_replaced_text_is_found_and_the_old_is_not(
    retrieval: Retrieval, scope: Scope, upload: Upload
) -> None:
    upload("rules.txt", "Refunds take fourteen days.")
    assert retrieval.search("refunds", scope)[0].passage.text == "Refunds take fourteen days."
    upload("rules.txt", "Refunds take thirty days.")
    assert [hit.passage.text for hit in retrieval.search("refunds", scope)] == ["Refunds take thirty days."]


def test_reading_is_bound_to_the_scope(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    document_id = upload("handbook.md", HANDBOOK)
    passages = retrieval.passages_of(scope, document_id)
    assert [passage.ordinal for passage in passages] == [0, 1, 2]
    assert retrieval.passage(scope, passages[0].id) == passages[0]
    assert retrieval.document(scope, document_id).status == "ready"
    assert retrieval.original(scope, document_id) == HANDBOOK.encode()
    for foreign in (
        Scope("other", scope.collection_ids),
        Scope("acme", frozenset()),
        Scope("acme", frozenset({"0" * 32})),
    ):
        with pytest.raises(PassageNotFound):
            retrieval.passage(foreign, passages[0].id)
        with pytest.raises(DocumentNotFound):
            retrieval.document(foreign, document_id)
        with pytest.raises(DocumentNotFound):
            retrieval.passages_of(foreign, document_id)
        assert retrieval.documents(foreign) == []
        assert retrieval.headings(foreign) == []


def test_an_unknown_collection_is_named_beside_the_known(
    retrieval: Retrieval, collection: Collection
) -> None:
    with pytest.raises(CollectionNotFound, match="Known collections: “Handbook”"):
        retrieval.collection("acme", "Hanbook")
    with pytest.raises(CollectionNotFound, match="none yet"):
        retrieval.collection("other", "Handbook")
    assert retrieval.collection("acme", "  Handbook ", create=True).id == collection.id


def test_headings_offer_questions_first_then_procedures(
    retrieval: Retrieval, scope: Scope, upload: Upload
) -> None:
    upload("handbook.md", HANDBOOK)
    starters = retrieval.headings(scope, 2)
    assert [(one.heading, one.is_question, one.is_procedure) for one in starters] == [
        ("How do I greet a caller?", True, False),
        ("Damaged parcels", False, True),
    ]
    for one in starters:
        assert retrieval.passage(scope, one.passage_id).heading_path[-1] == one.heading


def test_a_large_scope_goes_through_the_vector_index(
    retrieval_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    approximate = Retrieval(retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder(), exact_limit=0)
    collection = approximate.collection("acme", "All", create=True)
    scope = Scope("acme", frozenset({collection.id}))
    with retrieval_sessions.begin() as session:
        approximate.add_document(session, collection.id, "handbook.md", HANDBOOK.encode())
    work_off(approximate)
    exact = Retrieval(retrieval_sessions, tmp_path / "data", embedder=HashingEmbedder())
    for question in ("greet a caller by name", "damaged parcel photos", "answer chat seconds"):
        through_index = approximate.search(question, scope)
        directly = exact.search(question, scope)
        assert [hit.passage.id for hit in through_index] == [hit.passage.id for hit in directly]
        assert [hit.vector_score for hit in through_index] == pytest.approx(
            [max(hit.vector_score, 0) for hit in directly], abs=1e-3
        )


# The property of the promise: whatever is asked, in whatever scope, nothing from outside comes back.


@pytest.fixture(scope="module")
def two_tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Retrieval, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("tenants")
    engine = create_engine(f"sqlite:///{folder}/retrieval.db")
    RetrievalBase.metadata.create_all(engine)
    sessions = sessionmaker(engine)
    retrieval = Retrieval(sessions, folder / "data", embedder=HashingEmbedder())
    owners: dict[str, str] = {}
    for organisation in ("acme", "other"):
        for name in ("one", "two"):
            made = retrieval.collection(organisation, name, create=True)
            owners[made.id] = organisation
            with sessions.begin() as session:
                retrieval.add_document(session, made.id, "h.md", HANDBOOK.encode())
                retrieval.add_document(
                    session, made.id, "s.txt", f"The secret of {organisation} {name}.".encode()
                )
    work_off(retrieval)
    yield retrieval, owners
    engine.dispose()


_questions = st.one_of(
    st.text(),
    st.sampled_from(
        ["secret", "secret of other two", "damaged parcels", "' OR 1=1 --", "collection_id:*", "%", "NOT x"]
    ),
)


@given(question=_questions, organisation=st.sampled_from(["acme", "other", "nobody", ""]), data=st.data())
def test_no_question_widens_the_scope(
    two_tenants: tuple[Retrieval, dict[str, str]], question: str, organisation: str, data: st.DataObject
) -> None:
    retrieval, owners = two_tenants
    ids = data.draw(st.frozensets(st.sampled_from([*owners, "unknown", "%"])))
    scope = Scope(organisation, ids)
    limit = data.draw(st.integers(0, 50))
    hits = retrieval.search(question, scope, limit=limit)
    assert len(hits) <= limit
    found = [hit.passage for hit in hits]
    found += [retrieval.passage(scope, starter.passage_id) for starter in retrieval.headings(scope, limit)]
    for passage in found:
        assert passage.collection_id in ids
        assert owners[passage.collection_id] == organisation
    assert {document.collection_id for document in retrieval.documents(scope)} <= {
        id_ for id_ in ids if owners.get(id_) == organisation
    }
    retrieval.judge(question, hits)


# With the real model


@pytest.fixture(scope="module")
def with_e5(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Retrieval, Scope]]:
    folder = tmp_path_factory.mktemp("e5")
    engine = create_engine(f"sqlite:///{folder}/retrieval.db")
    RetrievalBase.metadata.create_all(engine)
    sessions = sessionmaker(engine)
    retrieval = Retrieval(sessions, folder / "data", embedder=PackagedE5(folder / "models"))
    made = retrieval.collection("acme", "All", create=True)
    english = (
        "# Support\n\n## Damaged parcels\n\nAsk the customer for two photos of the damaged parcel before you promise a "
        "refund.\n\n## Greeting\n\nSay the name of the company and then your own name.\n\n## Late parcels\n\n"
        "A parcel is late when it has not been scanned for three working days; then open a search."
    )
    spanish = (
        "# Atención\n\n## Paquetes dañados\n\nPida al cliente dos fotos del paquete dañado antes de prometer un "
        "reembolso.\n\n## Saludo\n\nDiga el nombre de la empresa y después su propio nombre."
    )
    with sessions.begin() as session:
        retrieval.add_document(session, made.id, "support.md", english.encode())
        retrieval.add_document(session, made.id, "atencion.md", spanish.encode())
    work_off(retrieval)
    yield retrieval, Scope("acme", frozenset({made.id}))
    engine.dispose()


def test_a_question_is_answered_in_its_own_language(with_e5: tuple[Retrieval, Scope]) -> None:
    retrieval, scope = with_e5
    for question, first in (
        ("¿Qué hago si el paquete llega roto?", "Paquetes dañados"),
        ("What do I do if the box arrives broken?", "Damaged parcels"),
    ):
        hits = retrieval.search(question, scope)
        assert hits[0].passage.heading_path[-1] == first
        # Its translation does not take a second place.
        assert {"Paquetes dañados", "Damaged parcels"} - {hit.passage.heading_path[-1] for hit in hits}


def test_a_question_crosses_languages_where_it_must(with_e5: tuple[Retrieval, Scope]) -> None:
    retrieval, scope = with_e5
    hits = retrieval.search("¿Cuándo se considera que un envío se retrasa?", scope)
    assert hits[0].passage.heading_path[-1] == "Late parcels"


def test_one_document_does_not_fill_every_place(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    parts = "".join(f"## Part {n}\n\nThe depot ships parcels on day {n}, as agreed.\n\n" for n in range(9))
    long_one = upload("long.md", f"# Depot\n\n{parts}")
    other = upload(
        "other.md",
        "# Notice\n\n## Depot\n\nThe depot ships parcels late, not as agreed, on some day in May.\n",
    )
    hits = retrieval.search("The depot ships parcels on day as agreed", scope, limit=5)
    documents = [hit.passage.document_id for hit in hits]
    assert len(documents) == 5
    assert set(documents) == {long_one, other}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_hit_brings_the_passage_that_goes_on_in_its_section(
    retrieval: Retrieval, scope: Scope, upload: Upload
) -> None:
    long = " ".join(
        f"Rule {n} for a damaged parcel says to look at photo {n} before anything is paid." for n in range(60)
    )
    text = f"# Refunds\n\n{long}\n\n{long.replace('Rule', 'Step')}\n\n# Depot\n\nIt opens at seven."
    document_id = upload("refunds.md", text)
    ordered = retrieval.passages_of(scope, document_id)
    found = {
        hit.passage.id: hit.following
        for hit in retrieval.search("damaged parcel depot opens", scope, limit=50)
    }
    assert len(found) > 3
    for passage, after in itertools.pairwise(ordered):
        assert passage.id not in found or found[passage.id] == (
            after if after.heading_path == passage.heading_path else None
        )
    assert found.get(ordered[-1].id) is None
    assert any(found.values()), "the section goes on over several passages"
