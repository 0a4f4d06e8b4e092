"""Limits, the vault and probes."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import TooManyRequests
from app.kit.headers import content_security_policy
from app.kit.health import Probe, probe_all
from app.kit.limits import RateLimit
from app.kit.vault import Vault, VaultLocked


def test_a_limit_counts_each_key_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    limit = RateLimit(per_minute=3)
    for _ in range(3):
        limit.hit("ana")
    with pytest.raises(TooManyRequests):
        limit.hit("ana")
    limit.hit("ben")
    moment[0] += 59.9
    with pytest.raises(TooManyRequests):
        limit.hit("ana")
    moment[0] += 0.1
    limit.hit("ana")


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_minute_ever_holds_more_than_the_limit(steps: list[float]) -> None:
    moment, allowed = 0.0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: moment)
        limit = RateLimit(per_minute=5)
        for step in steps:
            moment += step
            try:
                limit.hit("ana")
                allowed.append(moment)
            except TooManyRequests:
                pass
    for first in allowed:
        assert sum(first <= at < first + 60 for at in allowed) <= 5


def test_many_threads_together_get_no_more_than_the_limit() -> None:
    limit = RateLimit(per_minute=10)
    allowed: list[int] = []

    def hit() -> None:
        for _ in range(20):
            try:
                limit.hit("ana")
                allowed.append(1)
            except TooManyRequests:
                pass

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 10


def test_a_flood_of_keys_costs_bounded_memory() -> None:
    limit = RateLimit(per_minute=1, keys=100)
    for number in range(1000):
        limit.hit(str(number))
    assert len(limit._hits) == 100
    with pytest.raises(TooManyRequests):
        limit.hit("999")


def test_what_is_sealed_is_read_with_the_same_secret_only(tmp_path: Path) -> None:
    vault = Vault("a passphrase that is long enough to be one")
    sealed = vault.seal(b"private key")
    assert b"private" not in sealed
    assert vault.unseal(sealed) == b"private key"
    with pytest.raises(VaultLocked, match="WORKSIDE_SECRET"):
        Vault("another passphrase that is long enough").unseal(sealed)
    with pytest.raises(VaultLocked):
        vault.unseal(sealed[:-4] + b"AAAA")


def test_many_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    vaults: list[Vault] = []
    barrier = threading.Barrier(8)

    def open_vault() -> None:
        barrier.wait()
        vaults.append(Vault.open("", tmp_path))

    threads = [threading.Thread(target=open_vault) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed = vaults[0].seal(b"x")
    assert {vault.unseal(sealed) for vault in vaults} == {b"x"}
    assert [path.name for path in tmp_path.iterdir()] == ["secret"], "no draft stays behind"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_readiness_names_what_is_not_well_and_repeats_no_error_text() -> None:
    def broken() -> str | None:
        raise ConnectionError("postgresql://workside:password@database")

    ready, report = probe_all(
        [Probe("a", lambda: None), Probe("b", broken), Probe("c", lambda: "is out", needed=False)]
    )
    assert not ready
    assert report == {"a": "ok", "b": "ConnectionError", "c": "is out"}
    assert probe_all([Probe("c", lambda: "is out", needed=False)])[0], "what is not needed only degrades"


def test_a_page_that_names_nobody_is_framed_by_nobody() -> None:
    assert content_security_policy(()).endswith("frame-ancestors 'none'")
    policy = content_security_policy(["https://b.example", "https://a.example"])
    assert policy.endswith("frame-ancestors https://a.example https://b.example")
    assert "unsafe" not in policy and "*" not in policy
