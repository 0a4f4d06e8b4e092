"""How the coach answers the sample course's forty golden questions.

    python -m bench.golden

Takes the sample course into an empty data folder and asks every question of content/golden/questions.toml. A covered question
counts as *found* when a citation stands in an expected document, and as *said* when the answer holds every key word of an
expected place. The questions were not used to choose the composer's constants apart from reading its answers once; the gate's
were chosen with some of them in view (docs/decisions/0003-embedded-retrieval.md), so these figures flatter it.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from app.coach.answering import answer_at_once
from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.course.loading import load_course, organisation_named
from app.course.services import make_services
from app.kit.migrate import migrate
from app.kit.settings import Settings
from app.rooms.library.service import take_in
from app.terminal import progress_bar

CONTENT = Path(__file__).parents[1] / "content"


def main() -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), demo=True)
        migrate(settings.sqlalchemy_url)
        services = make_services(settings)
        with services.database.write() as session:
            organisation_id = organisation_named(session, "Golden", create=True).id
        added = load_course(services, CONTENT, organisation_id)
        with progress_bar() as bar:
            take_in(services, added, bar)
        scope = added[0]
        names = {document.id: document.filename for document in services.retrieval.documents(scope)}
        for question in tomllib.loads((CONTENT / "golden" / "questions.toml").read_text())["questions"]:
            answer = answer_at_once(
                coach_of(services), question["text"], scope, Payer(organisation_id, "", "")
            )
            expected = question.get("expected", [])
            cited = {names[citation.passage.document_id] for citation in answer.citations}
            found = bool(cited & {place["document"] for place in expected})
            said = any(
                all(word.lower() in answer.text.lower() for word in place["key_words"]) for place in expected
            )
            mark = "found and said" if found and said else "found" if found else "-"
            counts[question["verdict"], answer.verdict, mark] += 1
        services.close()
    print("| expected | verdict | right place | questions |")
    print("|---|---|---|---|")
    for (expected_verdict, verdict, mark), number in sorted(counts.items()):
        print(f"| {expected_verdict} | {verdict} | {mark} | {number} |")


if __name__ == "__main__":
    main()
