"""Fixtures of the operator's tests: the seeded campus and a signed-in operator."""

from __future__ import annotations

import pytest

from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import Campus


@pytest.fixture
def operator(campus: Campus) -> Operator:
    made = Operator(campus)
    assert made.sign_in().status_code == 303
    return made
