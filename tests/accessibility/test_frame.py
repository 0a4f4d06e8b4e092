"""The frame in a browser: bearer, links, forms, streams, sources and failures, mostly by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.accessibility.browser import ORIGIN, Tool, event, findings, opened
from tests.accessibility.states import STATES, State, render_state
from tests.accessibility.states.ask import COVERED, STOPPED, WAITING, home

QUESTION = COVERED["question"]


@pytest.fixture
def tool() -> Tool:
    return Tool(
        pages={
            "/": STATES["ask-empty"],
            "/practice": STATES["practice-list"],
            "/practice/damaged-lamp": STATES["practice-new"],
            "/sources/t1/1": STATES["source"],
            "/review/e1": STATES["review-open"],
        }
    )


@pytest.fixture
def page(browser: Browser, tool: Tool) -> Iterator[Page]:
    with opened(browser, tool, "What are you trying to get done?") as page:
        yield page


def answer_stream(route: Route, _path: str) -> None:
    part = State("ask/part.html", {"sentence": COVERED["sentences"][0]})
    events = [
        ": ping\r\n\r\n",
        event("progress", text="Looking"),
        event("opened", turn_id="t1", conversation_id="c9"),
        event("part", html=render_state(part)),
        event("done", html=render_state(State("ask/turn.html", {"turn": COVERED})), announce="The answer."),
    ]
    route.fulfill(body="".join(events), content_type="text/event-stream")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.localName"))


def test_the_first_page_leaves_focus_with_the_platform_and_the_bearer_out_of_sight(
    page: Page, tool: Tool
) -> None:
    assert focused(page) == "body"
    assert page.url == f"{ORIGIN}/"
    assert (
        page.evaluate(
            "Object.keys(localStorage).length + Object.keys(sessionStorage).length + document.cookie.length"
        )
        == 0
    )
    assert not page.query_selector("#session")
    assert all("b" not in urlsplit(address).query for address in tool.addresses)


def test_links_move_focus_and_a_reload_and_back_work(page: Page, tool: Tool) -> None:
    page.get_by_role("link", name="Practise").click()
    expect(page.locator("h1")).to_have_text("Practise on a real case")
    assert focused(page) == "h1" and page.url == f"{ORIGIN}/practice" and page.title().startswith("Practise")
    page.reload()
    expect(page.locator("h1")).to_have_text("Practise on a real case")
    page.go_back()
    expect(page.locator("h1")).to_have_text("What are you trying to get done?")


def test_a_new_tab_without_a_visit_is_sent_back_to_the_course(page: Page) -> None:
    page.goto(f"{ORIGIN}/practice")
    expect(page.locator("h1")).to_have_text("Open Workside again from your course")
    assert not findings(page)


def test_a_question_by_keyboard_is_answered_below_and_announced_once(page: Page, tool: Tool) -> None:
    tool.on_post = answer_stream
    field = page.get_by_label("Ask in your own words")
    field.fill(QUESTION)
    above = page.locator("h1").bounding_box()
    field.press("Enter")
    expect(page.locator("#turn-t1")).to_be_visible()
    assert tool.posts == [("/ask/turns", {"question": QUESTION, "conversation_id": "", "replaces": ""})]
    assert page.locator(".turn").count() == 1 and focused(page) == "question" and field.input_value() == ""
    expect(page.locator("#announcer")).to_have_text("The answer.")
    assert page.input_value("#ask-form [name=conversation_id]") == "c9"
    page.evaluate("scrollTo(0, 0)")
    assert page.locator("h1").bounding_box() == above
    assert not findings(page)


@pytest.mark.parametrize("width", [400, 1280])
def test_a_source_opens_at_the_marked_words_and_gives_focus_back(page: Page, tool: Tool, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    tool.pages["/"] = STATES["ask-covered"]
    page.reload()
    chip = page.locator("a.cite").first
    chip.press("Enter")
    expect(page.locator(".turn .source")).to_be_visible()
    assert focused(page) == "source-name"
    mark, body = (
        page.locator(".source mark").bounding_box(),
        page.locator("[data-source-body]").bounding_box(),
    )
    assert body["y"] <= mark["y"] <= body["y"] + body["height"] - mark["height"]
    answer, source = page.locator(".answer").bounding_box(), page.locator(".source").bounding_box()
    is_beside = source["x"] >= answer["x"] + answer["width"]
    is_below = source["y"] >= answer["y"] + answer["height"]
    assert is_beside if width == 1280 else is_below
    assert not findings(page)
    page.keyboard.press("Escape")
    assert page.locator(".source").count() == 0
    assert page.evaluate("document.activeElement.matches('a.cite')")


def test_ticks_stay_while_the_frame_stays(page: Page, tool: Tool) -> None:
    tool.pages["/"] = STATES["ask-covered"]
    page.reload()
    page.get_by_label("Ask for a photo of the label.").check()
    page.get_by_role("link", name="Practise").click()
    expect(page.locator("h1")).to_have_text("Practise on a real case")
    page.get_by_role("link", name="Ask", exact=True).click()
    expect(page.get_by_label("Ask for a photo of the label.")).to_be_checked()


def test_an_answer_that_breaks_off_says_so_and_can_be_asked_again(page: Page, tool: Tool) -> None:
    tool.on_post = lambda route, _path: route.fulfill(
        body=event("progress", text="Looking"), content_type="text/event-stream"
    )
    page.get_by_role("button", name=QUESTION).click()
    expect(page.get_by_text("The answer did not arrive")).to_be_visible()
    assert not findings(page)
    tool.on_post = answer_stream
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#turn-t1")).to_be_visible()
    assert page.locator(".turn").count() == 1


def test_a_dropped_answer_goes_on_and_stops_on_request(page: Page, tool: Tool) -> None:
    """Words that nobody has checked are text; the sentence takes their place; what was stopped says so; focus stays."""
    taken_up: list[Route] = []
    done = event("done", html=render_state(State("ask/turn.html", {"turn": STOPPED})), announce="Stopped")
    first = event("opened", turn_id="t7", conversation_id="c1") + event("draft", text="<b>Walk</b> the")
    part = event("part", html=render_state(State("ask/part.html", {"sentence": STOPPED["sentences"][0]})))

    def begin(route: Route, path: str) -> None:
        if not path.endswith("/stop"):
            route.fulfill(body=f"id: a.2\r\n{first}", content_type="text/event-stream")
            return
        route.fulfill(status=204)
        if len(taken_up) > 1:
            taken_up[-1].fulfill(body=done, content_type="text/event-stream")

    def go_on(route: Route) -> None:
        taken_up.append(route)
        if len(taken_up) == 1:
            route.fulfill(body=part, content_type="text/event-stream")
        elif any(path.endswith("/stop") for path, _ in tool.posts):
            route.fulfill(body=done, content_type="text/event-stream")

    tool.on_post = begin
    page.route("**/ask/turns/t7/events", go_on)
    field = page.get_by_label("Ask in your own words")
    field.fill(QUESTION)
    field.press("Enter")
    expect(page.locator(".turn [data-draft]")).to_have_text("<b>Walk</b> the")
    expect(page.locator(".turn .answer [data-kind=sentence]")).to_be_visible()
    assert page.locator(".turn [data-draft]").count() == 0
    expect(page.get_by_text("The connection dropped")).to_be_visible()
    assert taken_up[0].request.headers["last-event-id"] == "a.2"
    field.press("Escape")
    expect(page.locator("#turn-t7")).to_contain_text("You stopped this answer")
    expect(page.locator("#announcer")).to_have_text("Stopped")
    assert focused(page) == "question" and page.locator(".turn").count() == 1
    assert not findings(page)


def test_a_question_is_asked_in_other_words_by_keyboard(page: Page, tool: Tool) -> None:
    tool.pages["/"] = STATES["ask-stopped"]
    page.reload()
    first = page.locator("#turn-t7")
    first.get_by_role("button", name="Edit").press("Enter")
    words = page.get_by_label("Your question, in other words")
    expect(words).to_be_focused()
    assert words.input_value() == STOPPED["question"] and not findings(page)
    words.press("Escape")
    assert page.locator("[data-edit-form]").count() == 0
    expect(first.get_by_role("button", name="Edit")).to_be_focused()
    first.get_by_role("button", name="Edit").press("Enter")
    tool.on_post = answer_stream
    words.fill("In other words?")
    words.press("Enter")
    expect(page.locator("#turn-t1")).to_be_visible()
    assert tool.posts[-1][1] == {"question": "In other words?", "conversation_id": "c1", "replaces": "t7"}
    assert page.locator(".turn").count() == 1, "what came after it is gone too"


def test_while_a_stopped_question_is_edited_one_button_asks_again(page: Page, tool: Tool) -> None:
    tool.pages["/"] = STATES["ask-stopped"]
    page.reload()
    turn, again = page.locator("#turn-t7"), page.locator("#turn-t7").get_by_role("button", name="Ask again")
    expect(again).to_have_count(1)
    turn.get_by_role("button", name="Edit").click()
    expect(again).to_have_count(1)
    expect(page.locator("[data-edit-form] button[type=submit]")).to_be_visible()
    turn.get_by_role("button", name="Cancel").click()
    expect(again).to_have_count(1)
    expect(page.locator("#turn-t7 [data-again]")).to_be_visible()


def test_an_answer_that_another_tab_asked_for_can_be_stopped_and_keeps_nobody_from_asking(
    page: Page, tool: Tool
) -> None:
    held: list[Route] = []
    page.route("**/ask/turns/t5/events", lambda route: held.append(route))
    tool.pages["/"] = State("ask/home.html", home(turns=[WAITING]))
    page.reload()
    expect(page.locator("#turn-t5")).to_be_visible()
    ask, stop = page.locator("[data-send]"), page.locator("[data-stop]")
    expect(ask).to_be_visible()
    expect(stop).to_be_visible()
    tool.on_post = answer_stream
    field = page.locator("#question")
    field.fill(QUESTION)
    field.press("Enter")
    expect(page.locator("#turn-t1")).to_be_visible()
    assert tool.posts[-1][1]["question"] == QUESTION and page.locator("#turn-t5[aria-busy]").count() == 1
    done = event(
        "done", html=render_state(State("ask/turn.html", {"turn": {**COVERED, "id": "t5"}})), announce="Here"
    )
    held[-1].fulfill(body=done, content_type="text/event-stream")
    expect(page.locator("#turn-t5[aria-busy]")).to_have_count(0)
    expect(stop).to_be_hidden()


def test_a_refused_question_goes_back_into_the_field(page: Page, tool: Tool) -> None:
    state = State(
        "error.html",
        {
            "title": "That was too quick",
            "advice": "Wait a minute.",
            "reference": "",
            "code": "TooManyRequests",
        },
    )
    tool.on_post = lambda route, _path: tool.html(route, state, 429)
    field = page.get_by_label("Ask in your own words")
    field.fill("my question")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That was too quick")
    assert field.input_value() == "my question" and page.locator(".turn").count() == 0


def test_a_change_that_came_too_late_keeps_its_words_also_over_a_reload(page: Page, tool: Tool) -> None:
    turns = [{**COVERED, "id": "t7"}, {**COVERED, "id": "t8"}]
    tool.pages["/"] = State("ask/home.html", home(turns=turns))
    page.reload()
    advice = "This question was changed in another tab. Reload to see what is there now."
    refusal = {"title": "Your change was not taken", "advice": advice, "reference": "", "code": "x"}
    tool.on_post = lambda route, _path: tool.html(route, State("error.html", refusal), 409)
    page.fill("#question", "half a question")
    page.locator("#turn-t7").get_by_role("button", name="Edit").click()
    words = page.locator("#turn-t7 textarea")
    words.fill("In other words?")
    words.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(advice)
    assert page.locator(".turn").count() == 2
    kept = "half a question\nIn other words?"
    expect(page.locator("#question")).to_have_value(kept)
    page.wait_for_function("() => JSON.stringify(history.state).includes('In other words?')")
    page.reload()
    expect(page.locator("#question")).to_have_value(kept)


def test_no_network_keeps_the_page_and_the_typed_text(page: Page, tool: Tool) -> None:
    page.fill("#question", "half a question")
    page.context.set_offline(True)
    page.route("**/practice", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("link", name="Practise").click()
    expect(page.get_by_role("alert")).to_contain_text("We can't reach Workside")
    assert page.input_value("#question") == "half a question"
    assert not findings(page)
    page.unroute("**/practice")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_have_text("Practise on a real case")
    page.go_back()
    expect(page.locator("#question")).to_have_value("half a question")


def test_an_answer_is_sent_once_and_lands_on_its_feedback(page: Page, tool: Tool) -> None:
    def check(route: Route, path: str) -> None:
        tool.pages["/practice/damaged-lamp"] = STATES["practice-feedback"]
        tool.html(route, STATES["practice-feedback"])

    tool.on_post = check
    page.get_by_role("link", name="Practise").click()
    page.get_by_role("link", name="The lamp that arrived broken").click()
    button = page.get_by_role("button", name="Check my answer")
    button.click()
    expect(page.get_by_text("Write your answer first.")).to_be_visible()
    assert focused(page) == "response" and not tool.posts and not findings(page)
    page.fill("#response", "My reply")
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('#response').form.requestSubmit()")
    expect(page.locator("#feedback")).to_be_focused()
    assert [fields["response"] for _, fields in tool.posts] == ["My reply"]
    assert page.locator("[data-changed]").is_hidden()
    page.locator("#response").press_sequentially("more")
    assert page.locator("[data-changed]").is_visible()


def test_what_is_sent_while_the_pages_script_is_on_its_way_is_answered_in_the_page(
    page: Page, tool: Tool
) -> None:
    tool.on_post = lambda route, _path: tool.html(route, STATES["practice-feedback"])
    held: list[Route] = []
    page.route("**/practice.js", lambda route: held.append(route))
    page.get_by_role("link", name="Practise").click()
    page.get_by_role("link", name="The lamp that arrived broken").click()
    page.fill("#response", "My reply")
    page.get_by_role("button", name="Check my answer").click()
    expect(page.locator("#feedback")).to_be_visible()
    assert len(held) == 1 and len(tool.posts) == 1
    held[0].fallback()
    expect(page.locator("#feedback")).to_be_focused()


def test_a_visit_that_has_ended_keeps_the_typed_text(page: Page, tool: Tool) -> None:
    page.get_by_role("link", name="Practise").click()
    page.get_by_role("link", name="The lamp that arrived broken").click()
    page.fill("#response", "An hour of work")
    tool.is_signed_out = True
    page.get_by_role("button", name="Check my answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Open Workside again from your course")
    assert page.input_value("#response") == "An hour of work"


def test_a_decision_needs_every_point_and_says_where_one_is_missing(page: Page, tool: Tool) -> None:
    tool.on_post = lambda route, _path: tool.html(route, STATES["review-decided-delivered"])
    page.evaluate("history.replaceState(history.state, '', '/review/e1')")
    page.reload()
    page.locator("[name=met_keeps-the-packing][value=no]").check()
    page.get_by_role("button", name="Confirm decision").click()
    assert page.get_by_text("Choose yes or no.").count() == 3 and not tool.posts
    assert not findings(page)
    for radio in page.locator("input[value=yes]").all():
        radio.check()
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", name="Decision", exact=True)).to_be_visible()
    assert {value for key, value in tool.posts[0][1].items() if key.startswith("met_")} == {"yes"}


def test_the_frame_asks_for_its_height(browser: Browser, tool: Tool) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 600})
    tool.frame_ancestors = ("http://lms.test",)
    tool.attach(page)
    outer = f"<iframe src='{ORIGIN}/start/code' width=400 height=200></iframe>"
    page.route("http://lms.test/", lambda route: route.fulfill(body=outer, content_type="text/html"))
    page.add_init_script("window.sizes = []; addEventListener('message', e => sizes.push(e.data))")
    page.goto("http://lms.test/")
    page.wait_for_function("sizes.some(s => s.height > 300)")
    assert page.evaluate("sizes.at(-1).subject") == "lti.frameResize"
    count = page.evaluate("sizes.length")
    page.wait_for_timeout(500)
    assert page.evaluate("sizes.length") == count, "the height settles"
    page.close()
