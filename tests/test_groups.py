"""Tests of one group run in one worker: those that share a demo, a database server or a model in memory count on it."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("groups")
def test_groups_are_kept(request: pytest.FixtureRequest) -> None:
    """pytest-xdist writes the group behind a test's id, which pytest 9.2 ignores: the tests ran all the same, now and then into one
    another."""
    is_shared_out = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@groups") or not is_shared_out, (
        f"pytest {pytest.__version__} and this pytest-xdist keep no groups: install what requirements.lock says"
    )
