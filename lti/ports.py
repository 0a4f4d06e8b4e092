"""What the protocol edge needs from the application: small doors, each with one job.

`lti.memory` ships implementations that keep everything in the process; tests use them, and so may a demo.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from lti.errors import LtiError
from lti.message import Launch, Notice
from lti.registration import Registration

Clock = Callable[[], datetime]
DeploymentStatus = Literal["active", "pending", "inactive", "unknown"]


class EgressRefused(Exception):
    """The address may not be reached (private, not https, no address). Nothing was sent, and trying again won't help."""


class EgressFailed(Exception):
    """No whole answer in time: refused connection, timeout, cut, too large, not HTTP. The other side may have acted on it."""


@dataclass(frozen=True)
class EgressResponse:
    """A whole answer: status, headers with lower-case names, at most `max_bytes` of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Egress(Protocol):
    """The one way out. Resolves, judges every address, connects to the judged one; a redirect is an answer, not followed."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 30,
        max_bytes: int = 1 << 20,
        allow_private: bool = False,
    ) -> EgressResponse:
        """Sends one request. Raises EgressRefused or EgressFailed (those of this module)."""
        ...


class Registrations(Protocol):
    """Who is registered, and which deployments of theirs are switched on."""

    def find(
        self, issuer: str, client_id: str | None = None, deployment_id: str | None = None
    ) -> Sequence[Registration]:
        """Every registration with exactly this issuer, and client id and announced deployment where given. [] for none."""
        ...

    def get(self, registration_id: str) -> Registration | None:
        """The registration of that id, if it still is one."""
        ...

    def deployment_status(self, registration: Registration, deployment_id: str) -> DeploymentStatus:
        """What a *verified* launch's deployment is to us.

        Called after the signature and every claim before it held, so an implementation whose policy is to record unknown
        deployments as pending does it here and answers "pending". Only "active" lets the launch in.
        """
        ...


@dataclass(frozen=True)
class LaunchState:
    """One login under way. Of its secrets only SHA-256 hashes are kept (hex).

    `id` is public: it names the cookie and the storage keys. `restart` is the login's own query string, for starting it
    again in a new window. The three binding secrets are independent and any one of them binds the browser.
    """

    id: str
    registration_id: str
    nonce_hash: str
    target_link_uri: str
    storage_target: str | None
    restart: str
    cookie_hash: str
    storage_hash: str
    session_hash: str
    expires_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; `from_dict` reads it back."""
        return {**asdict(self), "expires_at": self.expires_at.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LaunchState:
        return cls(**{**data, "expires_at": datetime.fromisoformat(data["expires_at"])})


class LaunchStates(Protocol):
    """The logins under way, found by the hash of their state. Shared by all processes."""

    def put(self, state_hash: str, state: LaunchState) -> None:
        """Keeps it until `state.expires_at`. Raises LoginsTooMany instead of growing without end."""
        ...

    def peek(self, state_hash: str) -> LaunchState | None:
        """The login, if it is neither expired nor consumed. Changes nothing."""
        ...

    def consume(self, state_hash: str) -> LaunchState | None:
        """Takes the login, in ONE atomic statement: of many callers exactly one gets it, all others None."""
        ...


@dataclass(frozen=True)
class LaunchTicket:
    """A verified launch whose browser is not bound yet: useless without one of the state's secrets."""

    launch: Launch
    state: LaunchState
    expires_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; `from_dict` reads it back."""
        return {
            "launch": self.launch.to_dict(),
            "state": self.state.to_dict(),
            "expires_at": self.expires_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LaunchTicket:
        return cls(
            Launch.from_dict(data["launch"]),
            LaunchState.from_dict(data["state"]),
            datetime.fromisoformat(data["expires_at"]),
        )


class LaunchTickets(Protocol):
    """The launches that wait for their browser, found by the hash of their ticket; the same rules as for states."""

    def put(self, ticket_hash: str, ticket: LaunchTicket) -> None: ...

    def peek(self, ticket_hash: str) -> LaunchTicket | None: ...

    def consume(self, ticket_hash: str) -> LaunchTicket | None: ...


@dataclass(frozen=True)
class PublicKey:
    """A key of ours that platforms may see."""

    kid: str
    pem: str


@dataclass(frozen=True)
class SigningKey:
    """The key of ours that signs now. The private half never appears in a repr."""

    kid: str
    private_pem: str

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"


class Keys(Protocol):
    """Our own keys: several are published, one signs (rotation: published a day before it signs, kept 14 days after)."""

    def signing(self) -> SigningKey: ...

    def published(self) -> Sequence[PublicKey]: ...


@dataclass(frozen=True)
class AccessToken:
    """A platform's token for its services, and the scopes that it was granted. The value never appears in a repr."""

    value: str
    scopes: frozenset[str]
    expires_at: datetime

    def __repr__(self) -> str:
        return f"AccessToken(scopes={sorted(self.scopes)}, expires_at={self.expires_at})"


@dataclass(frozen=True)
class TokenKey:
    """What an access token belongs to. client_id is part of it: Canvas's schools share one issuer and never a token."""

    registration_id: str
    client_id: str
    token_url: str
    scopes: tuple[str, ...]


class TokenCache(Protocol):
    """Remembers access tokens; losing them is harmless."""

    def get(self, key: TokenKey) -> AccessToken | None: ...

    def put(self, key: TokenKey, token: AccessToken) -> None: ...

    def drop(self, key: TokenKey) -> None: ...

    def lease(self, key: TokenKey, seconds: float) -> str | None:
        """The right to ask for this token, for that long, to one caller of all processes; None while another has it.

        Losing it, to time or to a crash, is harmless: then two ask.
        """
        ...

    def release(self, key: TokenKey, lease: str) -> None:
        """Gives a lease back, if it is still that caller's."""
        ...


class Observer(Protocol):
    """Is told what a registration does, for a page about its health. Told in passing: it must return at once and never raise.

    What it hears holds no secret, no token and nothing of a person.
    """

    def token_granted(
        self, registration: Registration, asked: Collection[str], granted: Collection[str]
    ) -> None:
        """The platform gave a new access token, with all or some of the scopes asked for."""
        ...

    def token_refused(self, registration: Registration, refusal: LtiError) -> None:
        """The platform gave none: `refusal` is a TokenDenied or TokenUnavailable."""
        ...

    def keys_read(self, registration: Registration, kids: Collection[str]) -> None:
        """The platform's JWKS was read; `kids` are the ids of the keys in it, as the platform wrote them."""
        ...

    def launch_accepted(self, launch: Launch) -> None:
        """A verified launch of a bound browser was handed to the application."""
        ...

    def launch_refused(self, registration: Registration, refusal: LtiError) -> None:
        """A launch that answers a login of this registration was refused. Whoever sent it need not be the platform."""
        ...


class Unobserved:
    """An `Observer` that keeps nothing."""

    def token_granted(
        self, registration: Registration, asked: Collection[str], granted: Collection[str]
    ) -> None:
        return

    def token_refused(self, registration: Registration, refusal: LtiError) -> None:
        return

    def keys_read(self, registration: Registration, kids: Collection[str]) -> None:
        return

    def launch_accepted(self, launch: Launch) -> None:
        return

    def launch_refused(self, registration: Registration, refusal: LtiError) -> None:
        return


Launched = Callable[[Launch], str]
"""What the application does with a verified launch of a bound browser; returns where to go ("/start/{code}")."""

Noticed = Callable[[Sequence[Notice]], None]
"""What the application does with verified notices: it writes them down, each once, and returns; the work comes later."""

LegacySecret = Callable[[Registration, str], str | None]
"""The LTI 1.1 shared secret for (registration, oauth_consumer_key), or None: only for linking old accounts."""
