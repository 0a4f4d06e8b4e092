"""Drafts, hidden parts, staff material and answer keys never become searchable; each is listed with its reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from retrieval.parsing import ParsedDocument, UnreadableDocument, parse
from retrieval.parsing.visibility import (
    holds_an_answer_key,
    is_called_a_test,
    moment,
    why_not_for_learners,
)
from tests.retrieval.conftest import make_pdf
from tests.retrieval.packages import (
    Moodle,
    cartridge,
    h5p,
    item,
    make_tar_gz,
    make_zip,
    module_meta,
    olx,
    page,
    resource,
    role,
    sco,
    scorm,
)

SECRET = "HERON-42"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
LATER, EARLIER = "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
LATER_SECONDS, EARLIER_SECONDS = 1_800_000_000, 1_700_000_000


def read(files: dict[str, str | bytes], name: str = "course.zip") -> ParsedDocument:
    return parse(name, make_zip(files), now=NOW)


def said(document: ParsedDocument) -> str:
    return "\n".join(
        [document.title, *(text for block in document.blocks for text in (block.text, *block.headings))]
    )


def assert_left_out(document: ParsedDocument, *reasons: str) -> None:
    assert SECRET not in said(document)
    assert "Everybody may read this." in said(document)
    whys = " / ".join(one.why for one in document.report.skipped)
    assert all(reason in whys for reason in reasons), whys


# Common Cartridge


def canvas(
    *,
    secret_item: str = "",
    secret_resource: str = "",
    secret_page: str = "",
    files: dict[str, str | bytes] | None = None,
    **attributes: str,
) -> dict[str, str | bytes]:
    """A public page, and a secret one at wiki_content/secret.html, item "is" of module "ms", resource "rs"."""
    return cartridge(
        item("mp", "Public", inside=item("ip", "Public page", "rp"))
        + item("ms", "Second module", inside=secret_item or item("is", "Second page", "rs", **attributes)),
        resource("rp", "wiki_content/public.html")
        + (secret_resource or resource("rs", "wiki_content/secret.html")),
        {
            "wiki_content/public.html": page(
                "Public page", "<p>Everybody may read this.</p>", workflow_state="active"
            ),
            "wiki_content/secret.html": secret_page or page("Second page", f"<p>{SECRET}</p>"),
            **(files or {}),
        },
    )


META = "course_settings/module_meta.xml"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            canvas(secret_page=page("Second page", f"<p>{SECRET}</p>", workflow_state="unpublished")),
            "not published",
        ),
        (
            canvas(secret_page=page("Second page", f"<p>{SECRET}</p>", publish_at=LATER)),
            "not open before 2027-01-01",
        ),
        (
            canvas(files={META: module_meta([("ms", "unpublished", [("is", "rs", "active")])])}),
            "not published",
        ),
        (
            canvas(files={META: module_meta([("ms", "active", [("is", "rs", "unpublished")])])}),
            "not published",
        ),
        (
            canvas(files={META: module_meta([("ms", "active", [])], f"<unlock_at>{LATER}</unlock_at>")}),
            "not open before 2027-01-01",
        ),
        (canvas(files={META: module_meta([("ms", "active", [])], "<locked>true</locked>")}), "locked"),
        (canvas(isvisible="false"), "hidden"),
        (
            canvas(secret_resource=resource("rs", "wiki_content/secret.html", inside=role("Instructor"))),
            "teachers only",
        ),
        (
            canvas(
                secret_resource=resource("rs", "wiki_content/secret.html", more='intendeduse="lessonplan"')
            ),
            "teachers only",
        ),
        (
            canvas(secret_resource=resource("rs", "wiki_content/secret.html", more='protected="true"')),
            "protected",
        ),
        (canvas(secret_item=item("is", "Instructor guide", "rs")), "teachers only"),
        (canvas(secret_item=item("is", "Quiz answers", "rs")), "answer key"),
        (canvas(secret_item=item("is", "Parent", inside=item("in", "Answer key", "rs"))), "answer key"),
    ],
)
def test_what_a_cartridge_hides_stays_hidden(files: dict[str, str | bytes], reason: str) -> None:
    assert_left_out(read(files, "course.imscc"), reason)


def test_a_page_in_a_hidden_and_a_visible_module_is_read() -> None:
    files = canvas(
        secret_item=item("is", "Twice", "rp"),
        files={META: module_meta([("ms", "unpublished", [("is", "rp", "active")])])},
    )
    files["wiki_content/secret.html"] = page("Second page", "<p>Nothing.</p>")
    assert "Everybody may read this." in said(read(files))


def test_learner_and_instructor_together_are_learners() -> None:
    both = role("Instructor") + role("Learner")
    document = read(canvas(secret_resource=resource("rs", "wiki_content/secret.html", inside=both)))
    assert SECRET in said(document)


def test_hidden_files_and_folders_of_canvas() -> None:
    files = canvas(
        secret_resource=resource("rs", "web_resources/hidden.pdf")
        + resource("rl", "web_resources/locked.pdf")
        + resource("rf", "web_resources/staff/inside.pdf")
        + resource("ro", "web_resources/open.txt"),
        files={
            "web_resources/hidden.pdf": make_pdf([[SECRET]]),
            "web_resources/locked.pdf": make_pdf([[SECRET]]),
            "web_resources/staff/inside.pdf": make_pdf([[SECRET]]),
            "web_resources/open.txt": "An open file.",
            "course_settings/files_meta.xml": '<fileMeta xmlns="http://canvas.instructure.com/xsd/cccv1p0"><folders>'
            '<folder path="staff"><hidden>true</hidden></folder></folders><files><file identifier="rs"><hidden>true</hidden></file>'
            '<file identifier="rl"><locked>true</locked></file></files></fileMeta>',
        },
    )
    document = read(files, "c.imscc")
    assert_left_out(document, "hidden", "locked")
    assert "An open file." in said(document)


def test_unpublished_assignments_and_topics_of_canvas() -> None:
    settings = '<assignment xmlns="http://canvas.instructure.com/xsd/cccv1p0"><workflow_state>{}</workflow_state>{}</assignment>'
    kind = "associatedcontent/imscc_xmlv1p1/learning-application-resource"
    for state, more, reason in [
        ("unpublished", "", "not published"),
        ("published", "<only_visible_to_overrides>true</only_visible_to_overrides>", "some learners"),
        ("published", f"<unlock_at>{LATER}</unlock_at>", "not open before"),
    ]:
        files = canvas(
            secret_resource=resource(
                "rs", "a/task.html", kind, files=["a/task.html", "a/assignment_settings.xml"]
            ),
            files={
                "a/task.html": page("Task", f"<p>{SECRET}</p>"),
                "a/assignment_settings.xml": settings.format(state, more),
            },
        )
        assert_left_out(read(files), reason)
    for state in ("unpublished", "post_delayed"):
        files = canvas(
            secret_resource=resource(
                "rs", "t.xml", "imsdt_xmlv1p1", inside='<dependency identifierref="tm"/>'
            )
            + resource("tm", "tm.xml", kind),
            files={
                "t.xml": f"<topic><title>Talk</title><text>{SECRET}</text></topic>",
                "tm.xml": f"<topicMeta><topic_id>rs</topic_id><workflow_state>{state}</workflow_state></topicMeta>",
            },
        )
        assert_left_out(read(files), "not published")


def test_tests_of_a_cartridge_are_never_read() -> None:
    qti = f"<questestinterop><assessment title='t'><item><mattext>{SECRET}</mattext></item></assessment></questestinterop>"
    for kind in ("imsqti_xmlv1p2/imscc_xmlv1p1/assessment", "imsqti_xmlv1p2/imscc_xmlv1p1/question-bank"):
        files = canvas(
            secret_resource=resource("rs", "q/qti.xml", kind, files=["q/qti.xml", "q/answers.html"]),
            files={
                "q/qti.xml": qti,
                "q/answers.html": page("Answers", f"<p>{SECRET}</p>"),
                "non_cc_assessments/q.xml.qti": qti,
            },
        )
        assert_left_out(read(files), "a test")


def test_a_page_with_an_answer_key_in_its_script_is_left_out() -> None:
    marked = page(
        "Practice",
        f"<p>{SECRET}?</p><input type=radio name=a> yes <script>var questions = [{{text: 'x', correctAnswer: 'b'}}]</script>",
    )
    assert_left_out(read(canvas(secret_page=marked)), "answer key")


# Moodle


def moodle_with(build: object) -> ParsedDocument:
    backup = Moodle()
    section = backup.section(1, "Open")
    backup.page(1, section, "Public page", "<p>Everybody may read this.</p>")
    build(backup, section)  # type: ignore[operator]
    return parse("backup.mbz", make_zip(backup.build()), now=NOW)


def restricted(condition: object, op: str = "&", show: bool = True) -> str:
    tree: dict[str, object] = {"op": op, "c": [condition]}
    tree |= {"showc": [show]} if op == "&" else {"show": show}
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"visible": 0}, "hidden in the course"),
        ({"on_page": 0}, "not shown on the course page"),
        ({"availability": restricted({"type": "group", "id": 3})}, "restricted"),
        (
            {
                "availability": restricted(
                    {"type": "profile", "sf": "email", "op": "contains", "v": "x"}, show=False
                )
            },
            "restricted",
        ),
        ({"availability": restricted({"type": "grade", "id": 3, "min": 50})}, "restricted"),
        ({"availability": restricted({"type": "date", "d": ">=", "t": LATER_SECONDS})}, "restricted"),
        ({"availability": restricted({"type": "date", "d": "<", "t": EARLIER_SECONDS})}, "restricted"),
        ({"availability": restricted({"type": "completion", "cm": 1, "e": 1}, show=False)}, "restricted"),
        (
            {"availability": restricted({"type": "date", "d": ">=", "t": EARLIER_SECONDS}, op="!&")},
            "restricted",
        ),
        ({"availability": "{broken"}, "restricted"),
    ],
)
def test_hidden_and_restricted_activities_of_moodle(flags: dict[str, object], reason: str) -> None:
    def build(backup: Moodle, section: int) -> None:
        backup.page(2, section, "Second page", f"<p>{SECRET}</p>", **flags)
        backup.stored(2, "page", "more.txt", SECRET.encode())

    assert_left_out(moodle_with(build), reason)


@pytest.mark.parametrize(
    "availability",
    [
        restricted({"type": "date", "d": ">=", "t": EARLIER_SECONDS}),
        restricted({"type": "date", "d": ">=", "t": EARLIER_SECONDS}, show=False),
        restricted({"type": "completion", "cm": 1, "e": 1}),
        '{"op":"&","c":[],"showc":[]}',
    ],
)
def test_what_every_learner_reaches_is_read(availability: str) -> None:
    document = moodle_with(
        lambda backup, section: backup.page(
            2, section, "Second page", "<p>Reached.</p>", availability=availability
        )
    )
    assert "Reached." in said(document)


@pytest.mark.parametrize("flags", [{"visible": 0}, {"availability": restricted({"type": "group", "id": 1})}])
def test_hidden_sections_of_moodle_hide_what_is_in_them(flags: dict[str, object]) -> None:
    def build(backup: Moodle, _section: int) -> None:
        hidden = backup.section(2, "Planned", **flags)  # type: ignore[arg-type]
        backup.page(2, hidden, "Second page", f"<p>{SECRET}</p>")
        backup.activity("resource", 3, hidden, "File", "<intro></intro>")
        backup.stored(3, "resource", "plan.txt", SECRET.encode())
        backup.activity("subsection", 7, hidden, "Inner", "")
        inner = backup.section(9, "Inner", more="<component>mod_subsection</component><itemid>7</itemid>")
        backup.page(8, inner, "Deep page", f"<p>{SECRET}</p>")

    assert_left_out(moodle_with(build), "it stands in a hidden section")


def test_quizzes_question_banks_and_hidden_chapters_of_moodle() -> None:
    def build(backup: Moodle, section: int) -> None:
        backup.activity("quiz", 2, section, "Check", f"<intro>{SECRET}</intro>")
        backup.activity("qbank", 3, section, "Bank", f"<intro>{SECRET}</intro>")
        backup.activity(
            "book",
            4,
            section,
            "Book",
            "<chapters><chapter id='1'><pagenum>1</pagenum><subchapter>0</subchapter><title>Draft</title>"
            f"<content>{SECRET}</content><hidden>1</hidden></chapter><chapter id='2'><pagenum>2</pagenum><subchapter>1</subchapter>"
            f"<title>Under it</title><content>{SECRET}</content><hidden>0</hidden></chapter></chapters>",
        )
        backup.stored(4, "book", "chapter.txt", SECRET.encode(), area="chapter", item=1)
        backup.activity(
            "lesson",
            5,
            section,
            "Lesson",
            "<pages><page id='1'><prevpageid>0</prevpageid><nextpageid>2</nextpageid><qtype>20</qtype><title>Intro</title>"
            "<contents>A content page.</contents><answers><answer><answer_text>go on</answer_text></answer></answers></page>"
            f"<page id='2'><prevpageid>1</prevpageid><nextpageid>0</nextpageid><qtype>3</qtype><title>Q</title>"
            f"<contents>{SECRET}</contents>"
            f"<answers><answer><answer_text>{SECRET}</answer_text><score>1</score></answer></answers></page></pages>",
        )
        backup.activity(
            "glossary",
            6,
            section,
            "Words",
            f"<entries><entry id='1'><concept>New</concept><definition>{SECRET}</definition><approved>0</approved></entry></entries>",
        )
        backup.activity(
            "forum",
            7,
            section,
            "Forum",
            f"<intro>Say hello.</intro>"
            f"<discussions><discussion><posts><post><message>{SECRET}</message></post></posts></discussion></discussions>",
        )
        backup.activity("assign", 8, section, "Essay", "<intro>Write a page.</intro>")
        backup.stored(8, "assign", "submitted.txt", SECRET.encode(), area="submission_files")
        backup.page(9, section, "Notes for the trainer", f"<p>{SECRET}</p>")

    document = moodle_with(build)
    assert_left_out(document, "a test", "hidden in the course", "not approved", "teachers only")
    assert "SECRET-OPTION" not in said(document)
    assert all(words in said(document) for words in ("A content page.", "Say hello.", "Write a page."))


def test_a_section_or_activity_without_its_settings_is_left_out() -> None:
    backup = Moodle()
    section = backup.section(1, "Open")
    lost = backup.section(2, "Lost")
    backup.page(1, section, "Public page", "<p>Everybody may read this.</p>")
    backup.page(2, section, "Second page", f"<p>{SECRET}</p>")
    backup.page(3, lost, "Third page", f"<p>{SECRET}</p>")
    files = backup.build()
    del files["activities/page_2/module.xml"]
    files[f"sections/section_{lost}/section.xml"] = "<section"
    assert_left_out(parse("b.mbz", make_zip(files), now=NOW), "damaged or missing")


# Open edX


@pytest.mark.parametrize("level", ["chapter", "sequential", "vertical", "html"])
@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("visible_to_staff_only", "true", "staff only"),
        ("hide_from_toc", "true", "hidden"),
        ("start", LATER, "it starts on 2027-01-01"),
        ("group_access", '{"50": [1]}', "some groups"),
    ],
)
@pytest.mark.parametrize("by_policy", [False, True])
def test_hidden_blocks_of_open_edx_hide_what_is_below(
    level: str, attribute: str, value: str, reason: str, by_policy: bool
) -> None:
    written = "" if by_policy else f" {attribute}='{value}'"

    def attributes(kind: str) -> str:
        return written if kind == level else ""

    stored: object = json.loads(value) if value[0] == "{" else True if value == "true" else value
    name = {"chapter": "c2", "sequential": "s2", "vertical": "v2", "html": "h2"}[level]
    policy: dict[str, object] = {"course/run": {}}
    if by_policy:
        policy[f"{level}/{name}"] = {attribute: stored}
    files = olx(
        {
            "chapter/c1.xml": "<chapter display_name='Open'><sequential url_name='s1'><vertical url_name='v1'><html url_name='h1'>"
            "Everybody may read this.</html></vertical></sequential></chapter>",
            "chapter/c2.xml": f"<chapter display_name='Closed'{attributes('chapter')}><sequential url_name='s2'/></chapter>",
            "sequential/s2.xml": f"<sequential display_name='S'{attributes('sequential')}><vertical url_name='v2'/></sequential>",
            "vertical/v2.xml": f"<vertical display_name='V'{attributes('vertical')}><html url_name='h2'/></vertical>",
            "html/h2.xml": f"<html filename='h2' display_name='H'{attributes('html')}/>",
            "html/h2.html": f"<p>{SECRET}</p>",
        },
        chapters="<chapter url_name='c1'/><chapter url_name='c2'/>",
        policy=policy,
    )
    assert_left_out(parse("c.tar.gz", make_tar_gz(files), now=NOW), reason)


def test_drafts_problems_and_staff_tabs_of_open_edx() -> None:
    files = olx(
        {
            "chapter/c1.xml": "<chapter display_name='Open'><sequential url_name='s1'><vertical url_name='v1'><html url_name='h1'>"
            "Everybody may read this.</html><problem url_name='p'/><openassessment url_name='o'/><html url_name='h3' "
            "display_name='Answer key'>HERON-42</html></vertical></sequential></chapter>",
            "problem/p.xml": f"<problem><p>{SECRET}</p><solution>{SECRET}</solution></problem>",
            "openassessment/o.xml": f"<openassessment><prompt>{SECRET}</prompt></openassessment>",
            "drafts/vertical/vd.xml": "<vertical display_name='Soon' parent_url='x'><html url_name='hd'/></vertical>",
            "drafts/html/hd.xml": "<html filename='hd'/>",
            "drafts/html/hd.html": f"<p>{SECRET}</p>",
            "html/orphan.html": f"<p>{SECRET}</p>",
            "static/guide.txt": SECRET,
            "tabs/staff.html": f"<p>{SECRET}</p>",
            "tabs/gone.html": f"<p>{SECRET}</p>",
        },
        policy={
            "course/run": {
                "tabs": [
                    {"type": "static_tab", "url_slug": "staff", "name": "Staff", "course_staff_only": True},
                    {"type": "static_tab", "url_slug": "gone", "name": "Gone", "is_hidden": True},
                ]
            }
        },
    )
    assert_left_out(
        parse("c.tar.gz", make_tar_gz(files), now=NOW), "a draft", "a test", "staff only", "answer key"
    )


def test_without_a_readable_policy_nothing_is_read() -> None:
    files = olx(
        {
            "chapter/c1.xml": f"<chapter><sequential><vertical><html>{SECRET}</html></vertical></sequential></chapter>"
        }
    )
    with pytest.raises(UnreadableDocument, match="nobody can tell what is hidden"):
        parse("c.tar.gz", make_tar_gz(files | {"course/policies/run/policy.json": "{broken"}))


def test_a_course_that_has_not_begun_is_read_with_a_remark() -> None:
    files = olx(
        {
            "chapter/c1.xml": "<chapter><sequential><vertical><html>Soon.</html></vertical></sequential></chapter>"
        }
    )
    files["course/course/run.xml"] = str(files["course/course/run.xml"]).replace("2020-01-01", "2030-01-01")
    document = parse("c.tar.gz", make_tar_gz(files), now=NOW)
    assert "Soon." in said(document) and any("starts on 2030-01-01" in one for one in document.report.remarks)


# SCORM


@pytest.mark.parametrize(
    ("secret_item", "secret_resource", "secret_page", "reason"),
    [
        (item("b", "Quiz", "r2"), sco("r2", "q.html"), f"<p>{SECRET}</p>", "a test"),
        (item("b", "Golf quiz 2", "r2"), sco("r2", "q.html"), f"<p>{SECRET}</p>", "a test"),
        (
            item("b", "Check", "r2", parameters="?questions=One"),
            sco("r2", "q.html"),
            f"<p>{SECRET}</p>",
            "a test",
        ),
        (item("b", "Part two", "r2", isvisible="false"), sco("r2", "q.html"), f"<p>{SECRET}</p>", "hidden"),
        (item("b", "Part two", "r2"), sco("r2", "quiz.html"), f"<p>{SECRET}</p>", "a test"),
        (item("b", "Facilitator's guide", "r2"), sco("r2", "q.html"), f"<p>{SECRET}</p>", "teachers only"),
        (
            item("b", "Part two", "r2"),
            sco("r2", "q.html"),
            f"<p>{SECRET}</p><script>test.add({{answers: ['a'], correct_answer: 'a'}})</script>",
            "answer key",
        ),
    ],
)
def test_tests_of_a_scorm_package_are_left_out(
    secret_item: str, secret_resource: str, secret_page: str, reason: str
) -> None:
    files = scorm(
        item("a", "Part one", "r1") + secret_item,
        sco("r1", "one.html", ["one.html", "questions.js", "data.json"]) + secret_resource,
        {
            "one.html": f"<p>Everybody may read this.</p><a href='q.html'>on</a><script>var answer = '{SECRET}'</script>",
            "q.html": secret_page if 'href="q.html"' in secret_resource else "<p>Next.</p>",
            "quiz.html": secret_page,
            "questions.js": f"key = '{SECRET}'",
            "data.json": f'"{SECRET}"',
        },
    )
    assert_left_out(read(files), reason)


# H5P

EXERCISES: dict[str, dict[str, object]] = {
    "H5P.Blanks": {
        "text": "Everybody may read this.",
        "questions": [f"<p>The bird is *{SECRET}/Heron:grey*.</p>"],
    },
    "H5P.DragText": {"taskDescription": "Everybody may read this.", "textField": f"The bird is *{SECRET}*."},
    "H5P.MarkTheWords": {"taskDescription": "Everybody may read this.", "textField": f"One *{SECRET}* two"},
    "H5P.MultiChoice": {
        "question": "Which?",
        "description": "Everybody may read this.",
        "answers": [{"text": SECRET, "correct": True, "tipsAndFeedback": {"chosenFeedback": SECRET}}],
    },
    "H5P.TrueFalse": {"question": SECRET, "correct": "true", "description": "Everybody may read this."},
    "H5P.QuestionSet": {
        "introPage": {"introduction": "Everybody may read this."},
        "questions": [{"library": "H5P.TrueFalse 1.8", "params": {"question": SECRET}}],
    },
    "H5P.SomethingNew": {"taskDescription": "Everybody may read this.", "entries": [{"text": SECRET}]},
    "H5P.Column": {
        "content": [
            {"content": {"library": "H5P.Text 1.1", "params": {"text": "Everybody may read this."}}},
            {
                "content": {
                    "library": "H5P.SingleChoiceSet 1.11",
                    "params": {"choices": [{"question": "Which?", "answers": [SECRET, "no"]}]},
                }
            },
            {
                "content": {
                    "library": "H5P.AdvancedText 1.1",
                    "metadata": {"title": "Teacher notes"},
                    "params": {"text": SECRET},
                }
            },
        ]
    },
    "H5P.CoursePresentation": {
        "presentation": {
            "slides": [
                {
                    "elements": [
                        {
                            "action": {
                                "library": "H5P.AdvancedText 1.1",
                                "params": {"text": "Everybody may read this."},
                            },
                            "solution": SECRET,
                        },
                        {
                            "action": {
                                "library": "H5P.Summary 1.10",
                                "params": {"summaries": [{"summary": [SECRET, "no"]}]},
                            }
                        },
                    ],
                    "keywords": [{"main": "One"}],
                }
            ]
        }
    },
}


@pytest.mark.parametrize("library", EXERCISES)
def test_solutions_of_h5p_are_left_out(library: str) -> None:
    document = parse("task.h5p", make_zip(h5p(library, EXERCISES[library])))
    assert_left_out(document, "answer keys are never searchable")


def test_a_task_that_lists_the_solutions_loses_them() -> None:
    task = {"text": f"Fill in Heron, {SECRET} and owl.", "questions": [f"A *{SECRET}* and a *heron*."]}
    document = parse("task.h5p", make_zip(h5p("H5P.Blanks", task)))
    assert [block.text for block in document.blocks if block.kind != "heading"] == ["Fill in …, … and owl."]


# Plain archives


def test_a_zip_leaves_out_answer_keys_and_guides_for_teachers() -> None:
    document = read(
        {
            "handbook.txt": "Everybody may read this.",
            "Answer key.txt": SECRET,
            "module 1/Instructor_Guide_v2.txt": SECRET,
            "module 1/quiz-solutions.txt": SECRET,
            "gabarito.txt": SECRET,
            "page.html": f"<title>Notes for teachers</title><p>{SECRET}</p>",
        }
    )
    assert_left_out(document, "answer key", "teachers only")
    assert len(document.report.skipped) == 5


# Words


@pytest.mark.parametrize(
    "title",
    [
        "Answer Key",
        "answer_key.pdf",
        "Answers to the quiz",
        "Unit 3 test answers",
        "Model answers",
        "Instructor Guide",
        "instructor's notes",
        "docs/Teacher-Edition.docx",
        "Facilitator notes",
        "For staff only: staff only",
        "Guidance for assessors",
        "Marking scheme",
        "Lesson plan 4",
        "Solucionario",
        "Guía del docente",
        "Gabarito",
        "Manual do professor",
        "Musterlösung",
        "Dozentenleitfaden",
        "Corrigé de l'exercice",
        "Guide du formateur",
        "TeacherGuide.pdf",
    ],
)
def test_titles_that_say_it_is_not_for_learners(title: str) -> None:
    assert why_not_for_learners(title)


@pytest.mark.parametrize(
    "title",
    [
        "Staff handbook",
        "How to answer the phone",
        "Key dates",
        "Keys and lockers",
        "Teachers' pay",
        "What our trainers do",
        "Solutions we sell",
        "Guide to expenses",
        "Notes on safety",
        "Answering questions",
        "Instructor-led sessions",
        "Faculty handbook",
        "Staff guide",
        "Testing smoke alarms",
        "Correct lifting",
        "Planning a lesson",
        "Guía de viajes",
        "Leitfaden für Kunden",
    ],
)
def test_titles_that_are_for_everybody(title: str) -> None:
    assert not why_not_for_learners(title)
    assert not is_called_a_test(title)


@pytest.mark.parametrize(
    ("title", "is_test"),
    [
        ("Module 2 quiz", True),
        ("Quiz 3", True),
        ("quiz_1.html", True),
        ("Final exam", True),
        ("Knowledge check", True),
        ("Module 2 Assessment", True),
        ("Assessment", True),
        ("Risk assessment", False),
        ("How to write a quiz", False),
        ("Test your smoke alarm", False),
        ("Examples", False),
        ("Questionable claims", False),
    ],
)
def test_titles_of_tests(title: str, is_test: bool) -> None:
    assert is_called_a_test(title) is is_test


def test_the_signs_of_an_answer_key() -> None:
    assert holds_an_answer_key("<script>q = {'correctAnswer': 'b'}</script>")
    assert holds_an_answer_key("<input type='radio'><script>if (isCorrect(a)) …</script>")
    assert not holds_an_answer_key(
        "<p>The correct answer to a caller is the truth.</p><script>track()</script>"
    )


def test_moments() -> None:
    assert (
        moment("2027-01-01T00:00:00Z")
        == moment("2027-01-01T01:00:00+01:00")
        == datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert moment("2027-01-01") == datetime(2027, 1, 1, tzinfo=UTC)
    assert moment(1_700_000_000) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert moment('"2030-01-01T00:00:00+00:00"') == datetime(2030, 1, 1, tzinfo=UTC)
    assert moment("") is moment("0") is moment("soon") is None
