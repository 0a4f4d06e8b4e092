"""What lti tells an observer about a registration: enough for a page about its health, and nothing secret or personal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from lti import Launch, LtiError, PlatformKeys, Registration, ServiceTokens, TokenDenied, TokenUnavailable
from lti.claims import DEPLOYMENT_ID, SCORE_SCOPE
from lti.memory import MemoryTokenCache
from tests.conformance.tool import Tool, refused


class Notebook:
    """An observer that writes everything down."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def token_granted(
        self, registration: Registration, asked: Collection[str], granted: Collection[str]
    ) -> None:
        self.heard.append(("granted", registration.id, sorted(asked), sorted(granted)))

    def token_refused(self, registration: Registration, refusal: LtiError) -> None:
        self.heard.append(("token refused", registration.id, refusal.reason))

    def keys_read(self, registration: Registration, kids: Collection[str]) -> None:
        self.heard.append(("keys", registration.id, list(kids)))

    def launch_accepted(self, launch: Launch) -> None:
        self.heard.append(("launched", launch.registration_id))

    def launch_refused(self, registration: Registration, refusal: LtiError) -> None:
        self.heard.append(("launch refused", registration.id, refusal.reason))


@pytest.fixture
def notebook(tool: Tool) -> Notebook:
    made = Notebook()
    tool.platform_keys = PlatformKeys(tool.network, tool.clock, observer=made)
    tool.tokens = ServiceTokens(tool.network, tool.keys, MemoryTokenCache(), tool.clock, observer=made)
    tool.observer = made
    tool.rebuild()
    return made


def test_a_launch_and_the_keys_read_for_it(tool: Tool, notebook: Notebook) -> None:
    tool.accepted(tool.launch())
    tool.accepted(tool.launch())
    which = tool.registration.id
    assert notebook.heard == [("keys", which, ["key-1"]), ("launched", which), ("launched", which)]


def test_a_launch_refused_is_told_with_its_reason_and_without_its_words(
    tool: Tool, notebook: Notebook
) -> None:
    refused(tool.launch(**{DEPLOYMENT_ID: "elsewhere", "name": "Zebraname"}), "deployment_unknown", 403)
    assert notebook.heard[-1] == ("launch refused", tool.registration.id, "deployment_unknown")
    assert "Zebraname" not in str(notebook.heard)


def test_what_answers_no_login_is_nobodys(tool: Tool, notebook: Notebook) -> None:
    refused(tool.post({"id_token": "x.y.z", "state": "made up"}), "state_unknown")
    assert notebook.heard == []


def test_a_token_is_told_when_it_is_new_and_never_its_value(tool: Tool, notebook: Notebook) -> None:
    for _ in range(3):
        token = tool.tokens.token(tool.registration, [SCORE_SCOPE])
    assert notebook.heard == [("granted", tool.registration.id, [SCORE_SCOPE], [SCORE_SCOPE])]
    assert token.value not in str(notebook.heard)


def test_a_token_refused_is_told_with_its_reason(tool: Tool, notebook: Notebook) -> None:
    tool.platform.fail("token", status=400, body=b'{"error": "invalid_client"}')
    with pytest.raises(TokenDenied):
        tool.tokens.token(tool.registration, [SCORE_SCOPE])
    tool.platform.fail("token", status=503)
    with pytest.raises(TokenUnavailable):
        tool.tokens.token(tool.registration, [SCORE_SCOPE])
    which = tool.registration.id
    assert notebook.heard == [
        ("token refused", which, "token_denied"),
        ("token refused", which, "token_unavailable"),
    ]
