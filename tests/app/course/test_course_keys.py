"""Our keys and the platforms' tokens in the database: rotation, revocation, secrets, and replicas that act at once."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

import lti
from app.course.keys import DatabaseKeys, DatabaseTokenCache, KeyLocked, KeyUnknown, tend_keys
from app.course.models import ServiceToken, TokenLease, ToolKey
from app.course.services import Services
from app.kit.clock import now
from app.kit.db import Database
from app.kit.vault import Vault
from app.main import create_app
from tests.app.evidence.course import MovingClock, make_course
from tests.fakes.platform import ALL_SCOPES, FakeNetwork, FakePlatform

DAY = 24 * 3600


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def keys(services: Services) -> DatabaseKeys:
    return DatabaseKeys(services.database, services.vault)


def states(keys: DatabaseKeys) -> list[str]:
    return [record.state for record in keys.records()]


def published(keys: DatabaseKeys) -> list[str]:
    return [key.kid for key in keys.published()]


def test_case_122_a_new_key_is_published_a_day_before_it_signs(
    clock: MovingClock, keys: DatabaseKeys
) -> None:
    old = keys.signing().kid
    new = keys.rotate()
    assert (new.state, new.signs_from - clock()) == ("pending", timedelta(days=1))
    assert published(keys) == [old, new.kid] and keys.signing().kid == old
    clock.forward(DAY - 1)
    assert keys.signing().kid == old
    clock.forward(1)
    assert keys.signing().kid == new.kid and published(keys) == [old, new.kid]


def test_case_122_an_old_key_stays_published_for_two_weeks_after_its_last_use(
    clock: MovingClock, keys: DatabaseKeys
) -> None:
    old = keys.signing().kid
    new = keys.rotate().kid
    clock.forward(15 * DAY - 1)
    assert keys.retire() == 0 and published(keys) == [old, new]
    clock.forward(1)
    assert keys.retire() == 1 and published(keys) == [new]
    assert states(keys) == ["retired", "signing"]
    with keys.database.read() as session:
        assert session.get_one(ToolKey, old).private_encrypted == b"", "its private half is destroyed"


def test_case_122_rotating_again_within_the_day_makes_no_further_key(
    clock: MovingClock, keys: DatabaseKeys
) -> None:
    keys.signing()
    assert keys.rotate().kid == keys.rotate().kid
    brought = keys.rotate(at_once=True)
    assert brought.state == "signing" and keys.signing().kid == brought.kid
    assert len(keys.records()) == 2
    clock.forward(1)
    assert keys.rotate(at_once=True).kid != brought.kid


def test_case_122_replicas_that_rotate_together_make_one_key(
    clock: MovingClock, services: Services, keys: DatabaseKeys
) -> None:
    keys.signing()
    gate = threading.Barrier(4)
    made: set[str] = set()

    def rotate() -> None:
        replica = DatabaseKeys(Database(services.database.url), services.vault)
        gate.wait()
        made.add(replica.rotate().kid)
        replica.database.dispose()

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(keys.records()) == 2


def test_case_122_a_kid_is_never_used_again(clock: MovingClock, keys: DatabaseKeys) -> None:
    seen = {keys.signing().kid}
    for _ in range(3):
        seen.add(keys.rotate().kid)
        clock.forward(20 * DAY)
        keys.retire()
        seen.add(keys.revoke(keys.signing().kid).kid)
    with keys.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ToolKey)) == len(seen)


def test_case_122_the_job_rotates_by_the_setting(clock: MovingClock, services: Services) -> None:
    keys = DatabaseKeys(services.database, services.vault)
    tend_keys(services)
    assert keys.records() == [], "nothing signs yet, so nothing is made"
    first = keys.signing().kid
    clock.forward(179 * DAY)
    tend_keys(services)
    assert len(keys.records()) == 1
    clock.forward(1 * DAY)
    tend_keys(services)
    tend_keys(services)
    assert states(keys) == ["signing", "pending"]
    clock.forward(16 * DAY)
    tend_keys(services)
    assert states(keys) == ["retired", "signing"] and keys.signing().kid != first
    services.settings = services.settings.model_copy(update={"key_rotation_days": 0})
    clock.forward(5000 * DAY)
    tend_keys(services)
    assert len(keys.records()) == 2


def test_case_123_a_revoked_key_is_gone_at_once_and_a_new_one_signs(
    clock: MovingClock, services: Services, keys: DatabaseKeys
) -> None:
    course = make_course(services.database)
    old = keys.signing().kid
    with services.database.write() as session:
        session.add(
            ServiceToken(
                cache_key="x", registration_id=course.registration_id, token_encrypted=b"x",
                expires_at=now() + timedelta(hours=1),
            )
        )  # fmt: skip
        session.add(TokenLease(cache_key="x", owner="somebody", until=now() + timedelta(hours=1)))
    signing = keys.revoke(old)
    assert signing.state == "signing" and keys.signing().kid == signing.kid != old
    assert published(keys) == [signing.kid]
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ServiceToken)) == 0
        assert session.scalar(select(func.count()).select_from(TokenLease)) == 0
        assert session.get_one(ToolKey, old).private_encrypted == b""
    for unknown in (old, "never"):
        with pytest.raises(KeyUnknown, match="keys list"):
            keys.revoke(unknown)


def test_case_123_revoking_a_key_that_does_not_sign_leaves_the_one_that_does(
    clock: MovingClock, keys: DatabaseKeys
) -> None:
    old = keys.signing().kid
    pending = keys.rotate().kid
    assert keys.revoke(pending).kid == old
    clock.forward(2 * DAY)
    assert keys.signing().kid == old and published(keys) == [old]


def test_case_123_private_keys_are_sealed_by_a_secret_of_their_own(
    services: Services, keys: DatabaseKeys, tmp_path: Path
) -> None:
    signing = keys.signing()
    with services.database.read() as session:
        row = session.get_one(ToolKey, signing.kid)
    assert b"PRIVATE" not in row.private_encrypted and "PUBLIC" in (row.public_pem or "")
    services.database.dispose()
    assert b"PRIVATE KEY" not in (tmp_path / "workside.db").read_bytes()


def test_case_123_another_secret_is_said_with_what_to_do(
    clock: MovingClock, services: Services, keys: DatabaseKeys
) -> None:
    kid = keys.signing().kid
    stranger = DatabaseKeys(services.database, Vault("x" * 40))
    assert [key.kid for key in stranger.published()] == [kid], "what was published still verifies"
    for act in (stranger.signing, stranger.rotate, stranger.check):
        with pytest.raises(KeyLocked, match=r"WORKSIDE_SECRET.*keys revoke"):
            act()
    assert len(keys.records()) == 1
    stranger.revoke(kid)
    assert stranger.signing().kid != kid, "the way out where the secret is lost for good"


def test_case_121_122_the_jwks_shows_every_key_and_no_private_member(
    clock: MovingClock, services: Services, keys: DatabaseKeys
) -> None:
    with services.database.write() as session:
        session.execute(update(ToolKey).values(public_pem=None))  # rows of an older release
    keys.signing()
    keys.rotate()
    client = TestClient(create_app(services.settings, services))
    shown = client.get("/lti/jwks.json").json()["keys"]
    assert [key["kid"] for key in shown] == published(keys)
    assert all(set(key) == {"kty", "n", "e", "kid", "alg", "use"} for key in shown)


# --- tokens ------------------------------------------------------------------------------------------------------------


class Replica:
    """One process's tokens, on the database that all share."""

    def __init__(self, services: Services, network: lti.Egress) -> None:
        self.database = Database(services.database.url)
        self.cache = DatabaseTokenCache(self.database, services.vault)
        keys = DatabaseKeys(self.database, services.vault)
        self.tokens = lti.ServiceTokens(network, keys, self.cache, now)


@pytest.fixture
def platform(clock: MovingClock, services: Services) -> FakePlatform:
    course = make_course(services.database)
    made = FakePlatform(clock)
    made.registration_id = course.registration_id  # type: ignore[attr-defined]
    return made


def registration_of(platform: FakePlatform) -> lti.Registration:
    return platform.registration(id=platform.registration_id)  # type: ignore[attr-defined]


def together(*acts: Callable[[], None]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_case_82_replicas_ask_the_platform_once(services: Services, platform: FakePlatform) -> None:
    replicas = [Replica(services, FakeNetwork(platform)) for _ in range(4)]
    gate = threading.Barrier(4)
    values: set[str] = set()

    def ask(replica: Replica) -> Callable[[], None]:
        def run() -> None:
            gate.wait()
            values.add(replica.tokens.token(registration_of(platform), ALL_SCOPES).value)

        return run

    together(*(ask(replica) for replica in replicas))
    assert len(values) == 1 and len(platform.asked("token")) == 1
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(TokenLease)) == 0


def _ask_in_a_process(url: str, secret: str, base: str, registration: dict[str, Any], out: Any) -> None:
    database = Database(url)
    vault = Vault(secret)

    class Counting:
        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            import time

            out.put("asked")
            time.sleep(0.5)
            return lti.EgressResponse(200, {}, b'{"access_token": "abc", "expires_in": 3600}')

    tokens = lti.ServiceTokens(
        Counting(), DatabaseKeys(database, vault), DatabaseTokenCache(database, vault), now
    )
    out.put(tokens.token(lti.Registration(**registration), ALL_SCOPES).value)


def test_case_82_two_processes_ask_once(services: Services) -> None:
    course = make_course(services.database)
    secret = "a secret of forty characters, for a test"
    DatabaseKeys(services.database, Vault(secret)).signing()
    base = "https://lms.example"
    registration = {
        "id": course.registration_id, "issuer": base, "client_id": "client-1", "auth_url": f"{base}/auth",
        "token_url": f"{base}/token", "jwks_url": f"{base}/jwks",
    }  # fmt: skip
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    processes = [
        context.Process(
            target=_ask_in_a_process, args=(services.database.url, secret, base, registration, out)
        )
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    heard = [out.get(timeout=90) for _ in range(3)]
    for process in processes:
        process.join(30)
    assert sorted(heard) == ["abc", "abc", "asked"]
    assert out.empty()


def test_case_82_a_dead_holders_lease_ends_in_seconds(
    services: Services, platform: FakePlatform, clock: MovingClock
) -> None:
    alive, dead = (Replica(services, FakeNetwork(platform)) for _ in range(2))
    key = lti.TokenKey(
        registration_of(platform).id, "client-1", platform.token_url, tuple(sorted(ALL_SCOPES))
    )
    assert dead.cache.lease(key, 10) is not None
    assert alive.cache.lease(key, 10) is None
    clock.forward(11)
    lease = alive.cache.lease(key, 10)
    assert lease is not None
    dead.cache.release(key, "another's")
    assert dead.cache.lease(key, 10) is None, "a lease that is lost is given back by nobody else"
    alive.cache.release(key, lease)
    assert alive.tokens.token(registration_of(platform), ALL_SCOPES).value


def test_case_82_a_failure_gives_the_lease_back(services: Services, platform: FakePlatform) -> None:
    replica = Replica(services, FakeNetwork(platform))
    platform.fail("token", 500)
    with pytest.raises(lti.TokenUnavailable):
        replica.tokens.token(registration_of(platform), ALL_SCOPES)
    assert replica.tokens.token(registration_of(platform), ALL_SCOPES).value


def test_case_81_the_audience_may_be_overridden_for_a_registration(
    services: Services, platform: FakePlatform
) -> None:
    replica = Replica(services, FakeNetwork(platform))
    platform.audience = "https://audience.example"
    replica.tokens.token(replace(registration_of(platform), audience=platform.audience), ALL_SCOPES)
    proof = platform.asked("token")[0].form["client_assertion"]
    assert jwt.decode(proof, options={"verify_signature": False})["aud"] == platform.audience


def test_case_82_what_is_remembered_of_tokens_is_bounded(services: Services, platform: FakePlatform) -> None:
    network = FakeNetwork(platform)
    tokens = lti.ServiceTokens(network, DatabaseKeys(services.database, services.vault), _Nothing(), now)
    platform.fail("token", 200, b"<html>", times=1_100)
    for number in range(1_100):
        with pytest.raises((lti.TokenUnavailable, lti.TokenDenied)):
            tokens.token(registration_of(platform), [f"scope-{number}"])
    assert len(tokens._locks) <= 1_000 and len(tokens._unreadable) <= 1_000


class _Nothing:
    """A cache that keeps nothing."""

    def get(self, key: lti.TokenKey) -> None:
        return None

    def put(self, key: lti.TokenKey, token: lti.AccessToken) -> None:
        return

    def drop(self, key: lti.TokenKey) -> None:
        return

    def lease(self, key: lti.TokenKey, seconds: float) -> str | None:
        return "mine"

    def release(self, key: lti.TokenKey, lease: str) -> None:
        return


def test_a_token_under_another_secret_is_asked_for_anew(services: Services, platform: FakePlatform) -> None:
    Replica(services, FakeNetwork(platform)).tokens.token(registration_of(platform), ALL_SCOPES)
    key = lti.TokenKey(
        registration_of(platform).id, "client-1", platform.token_url, tuple(sorted(ALL_SCOPES))
    )
    assert DatabaseTokenCache(services.database, services.vault).get(key) is not None
    assert DatabaseTokenCache(services.database, Vault("y" * 40)).get(key) is None
