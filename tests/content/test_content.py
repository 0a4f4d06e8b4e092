"""The sample content is true to its own schema, to its sources and to itself.

Everything is read the way a reader gets it: Markdown as text, the PDF through pypdf, slides and the Word sheet out of
their XML, captions cue by cue.
"""

import re
import tomllib
import zipfile
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from app.coach.ready_prompts import clean_prompt

CONTENT = Path(__file__).resolve().parents[2] / "content"
COURSES = {
    "main": CONTENT,
    "second-course": CONTENT / "second-course",
    "second-organisation": CONTENT / "second-organisation",
}
OTHER_LANGUAGES = ("pt-BR", "es")
LANGUAGES = ("en", *OTHER_LANGUAGES)
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
CUE_TIME = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})")


def load(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def one_line(text: str) -> str:
    """Blanks and emphasis removed, so that a line break or a bold word does not hide a phrase."""
    return re.sub(r"\s+", " ", text.replace("**", "")).strip()


@cache
def pdf_pages(path: Path) -> tuple[str, ...]:
    return tuple(page.extract_text() for page in PdfReader(path).pages)


@cache
def slides(path: Path) -> tuple[str, ...]:
    """Title, body and notes of each slide, in order."""
    with zipfile.ZipFile(path) as archive:
        count = sum(bool(re.fullmatch(r"ppt/slides/slide\d+\.xml", name)) for name in archive.namelist())
        texts = []
        for number in range(1, count + 1):
            parts = [f"ppt/slides/slide{number}.xml", f"ppt/notesSlides/notesSlide{number}.xml"]
            trees = [ElementTree.fromstring(archive.read(part)) for part in parts]
            texts.append("\n".join(node.text or "" for tree in trees for node in tree.iter(f"{DRAWING}t")))
    return tuple(texts)


@cache
def sheet(path: Path) -> tuple[tuple[str, str], ...]:
    """(style, text) of each paragraph, those in table cells too, in the order of the document."""
    with zipfile.ZipFile(path) as archive:
        body = ElementTree.fromstring(archive.read("word/document.xml"))
    found = []
    for paragraph in body.iter(f"{WORD}p"):
        style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
        text = "".join(node.text or "" for node in paragraph.iter(f"{WORD}t"))
        found.append((style.get(f"{WORD}val", "") if style is not None else "", text))
    return tuple(found)


@cache
def cues(path: Path) -> tuple[tuple[float, float, str], ...]:
    found = []
    for block in path.read_text("utf-8").split("\n\n"):
        lines = block.strip().splitlines()
        for at, line in enumerate(lines):
            if time := CUE_TIME.fullmatch(line):
                h1, m1, s1, h2, m2, s2 = (float(part) for part in time.groups())
                text = re.sub(r"</?v[^>]*>", "", " ".join(lines[at + 1 :]))
                found.append((h1 * 3600 + m1 * 60 + s1, h2 * 3600 + m2 * 60 + s2, text))
    return tuple(found)


@cache
def text_of(path: Path) -> str:
    match path.suffix:
        case ".md":
            return path.read_text("utf-8")
        case ".pdf":
            return "\n".join(pdf_pages(path))
        case ".pptx":
            return "\n".join(slides(path))
        case ".docx":
            return "\n".join(text for _, text in sheet(path))
        case ".vtt":
            return " ".join(text for _, _, text in cues(path))
    raise AssertionError(f"no reader for {path.name}")


@cache
def markdown_sections(path: Path) -> dict[str, str]:
    """Heading -> the text under it, with its sub-headings."""
    text, found = path.read_text("utf-8"), {}
    heads = list(re.finditer(r"^(#{1,4}) (.+)$", text, re.M))
    for at, head in enumerate(heads):
        end = next((later.start() for later in heads[at + 1 :] if len(later[1]) <= len(head[1])), len(text))
        found[head[2]] = text[head.end() : end]
    return found


def place_text(base: Path, place: dict[str, Any]) -> str:
    """The text at a place; fails when the document, page, heading, slide or cue does not exist."""
    path = base / place["document"]
    assert path.is_file(), f"{place['document']} does not exist"
    match path.suffix:
        case ".md":
            sections = markdown_sections(path)
            assert place["heading"] in sections, f"no heading {place['heading']!r} in {place['document']}"
            return sections[place["heading"]]
        case ".pdf":
            page = pdf_pages(path)[place["page"] - 1] if "page" in place else text_of(path)
            assert place["heading"] in one_line(page), (
                f"no heading {place['heading']!r} on that page of {place['document']}"
            )
            return page
        case ".pptx":
            return slides(path)[place["slide"] - 1]
        case ".docx":
            lines = sheet(path)
            heads = [at for at, (style, _) in enumerate(lines) if style.startswith("Heading")]
            start = next(at for at in heads if lines[at][1] == place["heading"])
            end = next((at for at in heads if at > start), len(lines))
            return "\n".join(text for _, text in lines[start:end])
        case ".vtt":
            near = " ".join(
                text for start, end, text in cues(path) if end > place["at"] - 1 and start < place["at"] + 15
            )
            assert place["cue_words"] in near, f"{place['cue_words']!r} is not said at {place['at']} s"
            return near
    raise AssertionError(f"no reader for {path.name}")


def course_of(name: str) -> dict[str, Any]:
    return load(COURSES[name] / "course.toml")


def documents_of(name: str) -> dict[str, dict[str, Any]]:
    return {document["file"]: document for document in course_of(name)["documents"]}


TASKS = [(name, path) for name, base in COURSES.items() for path in sorted((base / "tasks").glob("*.toml"))]
TASK_NAMES = [f"{name}/{path.stem}" for name, path in TASKS]
SCENARIOS = sorted((CONTENT / "scenarios").glob("*.toml"))
QUESTIONS: list[dict[str, Any]] = load(CONTENT / "golden" / "questions.toml")["questions"]
FACTS: list[dict[str, Any]] = load(CONTENT / "facts.toml")["facts"]
SKILLS = {skill["id"]: skill for skill in load(CONTENT / "skills.toml")["skills"]}


# Courses and documents


@pytest.mark.parametrize("name", COURSES)
def test_a_course_names_exactly_the_documents_that_exist(name: str) -> None:
    listed = documents_of(name)
    base = COURSES[name]
    found = [
        path for folder in ("documents", "lessons") for path in (base / folder).rglob("*") if path.is_file()
    ]
    on_disk = {str(path.relative_to(base)) for path in found}
    assert set(listed) == on_disk
    assert len(listed) == len(course_of(name)["documents"])
    for document in listed.values():
        assert (
            document["title"].strip()
            and document["language"] in LANGUAGES
            and document["updated"].year == 2026
        )


@pytest.mark.parametrize("name", COURSES)
def test_a_course_speaks_all_languages(name: str) -> None:
    course = course_of(name)
    assert course["languages"] == list(LANGUAGES)
    for table in (course["title"], course["description"], *(expert["role"] for expert in course["experts"])):
        assert set(table) == set(LANGUAGES) and all(text.strip() for text in table.values())
    for starter in course.get("starters", []):
        assert all(starter[language].endswith("?") for language in ("pt-BR", "es"))
        assert starter["en"].strip()
        place_text(COURSES[name], starter)
    prompts = course.get("prompts", [])
    assert len({prompt["id"] for prompt in prompts}) == len(prompts)
    for prompt in prompts:
        blanks = {len(re.findall(r"\[[^\[\]]+\]", clean_prompt(prompt[language]))) for language in LANGUAGES}
        assert len(blanks) == 1, f"{prompt['id']} has other blanks in another language"


def test_the_organisations_and_collections_are_apart() -> None:
    keys = {(course_of(name)["organisation"]["id"], course_of(name)["collection"]) for name in COURSES}
    assert len(keys) == 3
    assert course_of("main")["organisation"] == course_of("second-course")["organisation"]
    assert course_of("main")["organisation"]["id"] != course_of("second-organisation")["organisation"]["id"]


def test_experts_point_at_skills_that_exist() -> None:
    experts = [expert for name in COURSES for expert in course_of(name)["experts"]]
    assert len({expert["id"] for expert in experts}) == len(experts)
    assert all(set(expert["skills"]) <= set(SKILLS) and expert["topics"] for expert in experts)
    assert {skill for expert in experts for skill in expert["skills"]} == set(SKILLS), (
        "each skill has somebody to ask"
    )


def test_each_lesson_has_its_counterparts_with_the_same_shape() -> None:
    """Same headings by level, same tables, same steps: a translation that lost a paragraph is found here."""
    groups: dict[str, dict[str, Path]] = {}
    for file, document in documents_of("main").items():
        if "counterpart" in document:
            groups.setdefault(document["counterpart"], {})[document["language"]] = CONTENT / file
    assert len(groups) == 5
    for versions in groups.values():
        assert set(versions) == set(LANGUAGES)
        shapes = {
            language: [
                re.match(r"#{1,3} |\||\d+\. |- |", line)[0] for line in path.read_text("utf-8").splitlines()
            ]
            for language, path in versions.items()
        }
        assert shapes["pt-BR"] == shapes["en"] and shapes["es"] == shapes["en"]
        for path in versions.values():
            assert 400 <= len(path.read_text("utf-8").split()) <= 700


def test_the_texts_have_the_length_they_claim() -> None:
    assert 2500 <= len(re.sub(r"[|#*\-]+", " ", text_of(CONTENT / "documents/handbook.md")).split()) <= 4200
    assert all(
        len(text_of(COURSES["second-course"] / file).split()) >= 500 for file in documents_of("second-course")
    )
    assert len(text_of(CONTENT / "second-organisation/documents/front-desk-handbook.md").split()) >= 700


def test_markdown_has_one_title_and_no_heading_twice() -> None:
    for name, base in COURSES.items():
        for file in documents_of(name):
            if file.endswith(".md"):
                heads = re.findall(r"^(#{1,4}) (.+)$", text_of(base / file), re.M)
                assert [level for level, _ in heads].count("#") == 1
                assert len({text for _, text in heads}) == len(heads), file


# The made formats


def test_the_policy_has_extractable_text_on_every_page() -> None:
    pages = pdf_pages(CONTENT / "documents/refund-policy.pdf")
    assert 3 <= len(pages) <= 4
    assert all(len(page.split()) > 120 for page in pages)
    reader = PdfReader(CONTENT / "documents/refund-policy.pdf")
    assert reader.metadata is not None and reader.metadata.title == "Refund policy, Tarnwell Parcel"
    assert len(reader.outline) >= 12


def test_the_policy_says_what_its_source_says() -> None:
    text = one_line(text_of(CONTENT / "documents/refund-policy.pdf"))
    for line in (CONTENT / "build/refund-policy.md").read_text("utf-8").splitlines():
        plain = re.sub(r"^(#+ |- |\d+\. )", "", line).strip()
        if plain and not plain.startswith("|") and plain != "---":
            assert one_line(plain) in text, "run content/build/make_documents.py"


def test_the_deck_says_what_its_source_says_with_notes_on_every_slide() -> None:
    source = load(CONTENT / "build/product-deck.toml")["slides"]
    made = slides(CONTENT / "documents/product-deck.pptx")
    assert 8 <= len(made) == len(source) <= 10
    for text, slide in zip(made, source, strict=True):
        cells = [cell for row in slide.get("table", []) for cell in row]
        for part in (slide["title"], slide["notes"], *slide.get("points", []), *cells):
            assert part in text, "run content/build/make_documents.py"


def test_the_checklist_has_headings_a_table_and_its_source_text() -> None:
    path = CONTENT / "documents/call-checklist.docx"
    assert sum(style.startswith("Heading") for style, _ in sheet(path)) >= 7
    text = text_of(path)
    for line in (CONTENT / "build/call-checklist.md").read_text("utf-8").splitlines():
        plain = re.sub(r"^(#+ |- (\[ \] )?|\d+\. )", "", line).strip()
        if plain and not plain.startswith("|"):
            assert plain in text, "run content/build/make_documents.py"


@pytest.mark.parametrize("file", ["documents/product-deck.pptx", "documents/call-checklist.docx"])
def test_office_files_are_whole(file: str) -> None:
    with zipfile.ZipFile(CONTENT / file) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(archive.read(name))


def test_the_captions_ascend_and_last_six_to_eight_minutes() -> None:
    path = CONTENT / "documents/recorded-talk.vtt"
    assert path.read_text("utf-8").startswith("WEBVTT\n\n")
    found = cues(path)
    assert all(start < end for start, end, _ in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert 6 * 60 <= found[-1][1] <= 8 * 60
    assert all(1 <= len(text.split()) <= 20 for _, _, text in found)
    assert one_line((CONTENT / "build/recorded-talk.txt").read_text("utf-8")) == one_line(text_of(path))


# Skills and roles


def test_skills_have_three_levels_of_behaviours_in_all_languages() -> None:
    framework = load(CONTENT / "skills.toml")
    assert len(SKILLS) == len(framework["skills"]) == 8
    assert [level["level"] for level in framework["levels"]] == [1, 2, 3]
    for skill in framework["skills"]:
        assert set(skill["name"]) == set(skill["description"]) == set(LANGUAGES)
        assert [level["level"] for level in skill["levels"]] == [1, 2, 3]
        for level in skill["levels"]:
            assert set(level["behaviours"]) == set(LANGUAGES)
            assert {len(lines) for lines in level["behaviours"].values()} == {2}


def test_role_ladders_never_ask_for_less_on_a_higher_rung() -> None:
    roles = load(CONTENT / "roles.toml")
    assert roles["framework"] == load(CONTENT / "skills.toml")["id"]
    assert len(roles["ladders"]) == 2
    ids = [role["id"] for ladder in roles["ladders"] for role in ladder["roles"]]
    assert len(set(ids)) == len(ids) == 8
    for ladder in roles["ladders"]:
        assert [role["level"] for role in ladder["roles"]] == [1, 2, 3, 4]
        for role in ladder["roles"]:
            assert set(role["name"]) == set(role["summary"]) == set(LANGUAGES)
            assert set(role["skills"]) <= set(SKILLS) and set(role["skills"].values()) <= {1, 2, 3}
        for lower, higher in pairwise(ladder["roles"]):
            assert all(higher["skills"].get(skill, 0) >= level for skill, level in lower["skills"].items())
            assert sum(higher["skills"].values()) > sum(lower["skills"].values())


# Practice tasks


def test_there_are_six_tasks_and_one_for_each_other_course() -> None:
    assert [sum(name == course for name, _ in TASKS) for course in COURSES] == [6, 1, 1]
    assert len({load(path)["id"] for _, path in TASKS}) == len(TASKS)


def test_tasks_and_scenarios_together_practise_every_skill() -> None:
    practised = {load(path)["skill"] for name, path in TASKS if name == "main"} | {
        load(path)["skill"] for path in SCENARIOS
    }
    assert practised == set(SKILLS)


def check_criteria(criteria: list[dict[str, Any]], extra: tuple[str, ...]) -> None:
    assert len({criterion["id"] for criterion in criteria}) == len(criteria)
    assert any(criterion["must"] for criterion in criteria)
    for criterion in criteria:
        assert isinstance(criterion["weight"], int) and criterion["weight"] > 0
        assert isinstance(criterion["must"], bool)
        assert criterion["text"].strip() and criterion["look_for"]
        assert all(criterion[key].strip() for key in extra), criterion["id"]


@pytest.mark.parametrize(("name", "path"), TASKS, ids=TASK_NAMES)
def test_a_task_is_complete(name: str, path: Path) -> None:
    task = load(path)
    assert task["id"] == path.stem
    assert task["answer_kind"] == "text" and 3 <= task["minutes"] <= 20 and task["level"] in (1, 2, 3)
    assert task["skill"] in SKILLS if name == "main" else task["skill"] == ""
    assert all(task[key].strip() for key in ("title", "situation", "ask", "worked_strong", "worked_weak"))
    assert len(task["starter_questions"]) >= 2 and len(task["solution_steps"]) >= 3
    assert len(task["worked_strong"].split()) > len(task["worked_weak"].split())
    check_criteria(task["criteria"], ("weak_example", "strong_example", "next_try"))
    for source in task["sources"]:
        place_text(COURSES[name], source)


@pytest.mark.parametrize(("name", "path"), TASKS, ids=TASK_NAMES)
def test_a_task_is_translated_to_the_last_criterion(name: str, path: Path) -> None:
    task = load(path)
    for language in OTHER_LANGUAGES:
        other = task[language]
        for key in ("title", "situation", "ask", "worked_strong", "worked_weak"):
            assert other[key].strip() and other[key] != task[key]
        for key in ("starter_questions", "solution_steps"):
            assert len(other[key]) == len(task[key])
        assert set(other["criteria"]) == {criterion["id"] for criterion in task["criteria"]}
        for criterion in other["criteria"].values():
            assert set(criterion) == {"text", "look_for", "weak_example", "strong_example", "next_try"}
            assert all(criterion.values())


@pytest.mark.parametrize(("name", "path"), [pair for pair in TASKS if pair[0] == "main"], ids=TASK_NAMES[:6])
def test_a_task_has_a_short_unaided_re_check(name: str, path: Path) -> None:
    task = load(path)
    recheck = task["recheck"]
    assert recheck["after_days"] == 7
    assert len(recheck["situation"].split()) < len(task["situation"].split())
    check_criteria(recheck["criteria"], ())
    for language in OTHER_LANGUAGES:
        other = task[language]["recheck"]
        assert other["situation"].strip() and other["ask"].strip()
        assert set(other["criteria"]) == {criterion["id"] for criterion in recheck["criteria"]}
        assert all(
            criterion["text"].strip() and criterion["look_for"] for criterion in other["criteria"].values()
        )


@pytest.mark.parametrize(("name", "path"), TASKS, ids=TASK_NAMES)
def test_the_question_side_of_a_task_does_not_give_the_solution_away(name: str, path: Path) -> None:
    """A phrase that counts as evidence must not stand word for word in what the learner is shown before answering.

    Names and times that the situation itself supplies (a promised hour, a service's name) are not a solution.
    """
    task = load(path)
    shown = one_line(" ".join([task["ask"], *task["starter_questions"]])).lower()
    for criterion in task["criteria"]:
        assert one_line(criterion["strong_example"]).lower() not in shown


# Scenarios


def test_there_are_three_scenarios() -> None:
    assert len(SCENARIOS) == 3
    assert all(load(path)["id"] == path.stem for path in SCENARIOS)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_is_complete(path: Path) -> None:
    scenario = load(path)
    for key in ("title", "setting", "learner_role", "opening_line", "end_condition"):
        assert scenario[key].strip()
    assert scenario["skill"] in SKILLS and scenario["difficulty"] in ("gentle", "medium", "hard")
    assert 5 <= scenario["max_turns"] <= 12 and scenario["goals"]
    assert set(scenario["mood"]) == {"start", "better", "worse"}
    assert all(scenario["character"][key].strip() for key in ("name", "role", "voice"))
    assert all(point["when"] and point["what_changes"] for point in scenario["turning_points"])
    check_criteria(scenario["rubric"], ("stronger_line",))
    for source in scenario["sources"]:
        place_text(CONTENT, source)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_branch_ends_and_every_node_is_reached(path: Path) -> None:
    scenario = load(path)
    nodes = {node["id"]: node for node in scenario["nodes"]}
    rubric = {criterion["id"] for criterion in scenario["rubric"]}
    points = {point["id"] for point in scenario["turning_points"]}
    assert len(nodes) == len(scenario["nodes"])
    assert one_line(nodes[scenario["start"]]["says"]) == one_line(scenario["opening_line"])
    for node in nodes.values():
        assert node["mood"] in scenario["mood"] and node["says"].strip()
        assert node.get("turning_point", "") in points | {""}
        assert ("end" in node) == ("outcome" in node) != ("choices" in node)
        assert node.get("end", "good") in ("good", "mixed", "bad")
        choices = node.get("choices", [])
        assert len({choice["id"] for choice in choices}) == len(choices) and len(choices) != 1
        for choice in choices:
            assert choice["to"] in nodes and set(choice["meets"]) <= rubric
            assert choice["text"] and choice["feedback"] and len(choice["like"]) >= 2
    reached, waiting = set(), [scenario["start"]]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += [choice["to"] for choice in nodes[here].get("choices", [])]
    assert reached == set(nodes)
    assert {node.get("end") for node in nodes.values()} >= {"good", "bad"}
    assert {
        met for node in nodes.values() for choice in node.get("choices", []) for met in choice["meets"]
    } == rubric

    def shortest(here: str) -> int:
        """Turns to the nearest end, breadth first."""
        front, turns = {here}, 0
        while not any("end" in nodes[name] for name in front):
            front, turns = {choice["to"] for name in front for choice in nodes[name]["choices"]}, turns + 1
            assert turns <= len(nodes), f"no end can be reached from {here}"
        return turns

    assert all(shortest(name) <= scenario["max_turns"] for name in nodes)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_hidden_facts_stand_in_no_text_that_is_shown(path: Path) -> None:
    """`marker` is a piece of the fact that no other field contains; a test of the tool can look for it in every response."""
    scenario = load(path)
    facts = scenario.pop("hidden_facts")
    shown = str(
        {key: value for key, value in scenario.items() if key not in ("goals", "end_condition")}
    ).lower()
    assert len({fact["id"] for fact in facts}) == len(facts) >= 3
    for fact in facts:
        assert fact["reveal"] in ("asked", "never")
        assert bool(fact["revealed_when"]) == bool(fact["as_said"]) == (fact["reveal"] == "asked")
        assert fact["marker"] in fact["fact"]
        assert fact["marker"].lower() not in shown and fact["marker"].lower() not in fact["as_said"].lower()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_is_translated_to_the_last_line(path: Path) -> None:
    scenario = load(path)
    for language in OTHER_LANGUAGES:
        other = scenario[language]
        for key in ("title", "setting", "learner_role"):
            assert other[key].strip() and other[key] != scenario[key]
        assert set(other["rubric"]) == {criterion["id"] for criterion in scenario["rubric"]}
        assert all(
            set(line) == {"text", "stronger_line"} and all(line.values()) for line in other["rubric"].values()
        )
        assert set(other["nodes"]) == {node["id"] for node in scenario["nodes"]}
        for node in scenario["nodes"]:
            translated = other["nodes"][node["id"]]
            assert translated["says"].strip() and translated["says"] != node["says"]
            assert ("outcome" in translated) == ("outcome" in node)
            choices = translated.get("choices", {})
            assert set(choices) == {choice["id"] for choice in node.get("choices", [])}
            assert all(
                set(choice) == {"text", "like", "feedback"} and all(choice.values())
                for choice in choices.values()
            )


# Golden questions


def test_there_are_forty_golden_questions_of_which_twelve_are_not_covered() -> None:
    assert len(QUESTIONS) == 40 == len({question["id"] for question in QUESTIONS})
    assert len({question["text"] for question in QUESTIONS}) == 40
    covered = [question for question in QUESTIONS if question["verdict"] == "covered"]
    assert len(covered) == 28
    assert [sum(question["language"] == language for question in covered) for language in LANGUAGES] == [
        20,
        4,
        4,
    ]
    assert {question["kind"] for question in covered} == {"paraphrase", "keyword", "situation"}
    assert all(question["verdict"] == "not_covered" for question in QUESTIONS if question not in covered)


def test_covered_questions_ask_about_every_document_format() -> None:
    cited = {
        Path(place["document"]).suffix for question in QUESTIONS for place in question.get("expected", [])
    }
    assert cited == {".md", ".pdf", ".pptx", ".docx", ".vtt"}


@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q["verdict"] == "covered"], ids=lambda q: q["id"]
)
def test_a_covered_question_is_answered_where_it_says(question: dict[str, Any]) -> None:
    assert question["expected"] and "absent" not in question
    for place in question["expected"]:
        assert place["document"] in documents_of("main")
        text = one_line(place_text(CONTENT, place))
        for word in place["key_words"]:
            assert word in text, f"{word!r} is not at {place}"


@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q["verdict"] == "not_covered"], ids=lambda q: q["id"]
)
def test_no_document_of_the_course_answers_a_not_covered_question(question: dict[str, Any]) -> None:
    assert "expected" not in question and len(question["absent"]) >= 4
    place_text(CONTENT, question["near"])
    for file in documents_of("main"):
        text = one_line(text_of(CONTENT / file)).lower()
        for word in question["absent"]:
            assert word.lower() not in text, f"{file} says {word!r}"
    if "answered_in" in question:
        assert any(word in text_of(CONTENT / question["answered_in"]).lower() for word in question["absent"])


# Facts


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["id"])
def test_a_fact_is_told_alike_everywhere(fact: dict[str, Any]) -> None:
    assert fact["statement"].endswith(".")
    for place in fact["says"]:
        assert place["text"] in one_line(text_of(CONTENT / place["document"])), place["document"]


def test_facts_have_ids_of_their_own() -> None:
    assert len({fact["id"] for fact in FACTS}) == len(FACTS) >= 10
