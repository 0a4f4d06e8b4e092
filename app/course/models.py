"""The nouns of a course, in LTI's own words and keys: who registered, who was launched where, and as what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id, new_opaque_id

ID = String(32)


def own_id() -> Mapped[str]:
    """A row's own id, which sorts by the time at which it was made."""
    return mapped_column(ID, primary_key=True, default=new_id)


class Organisation(Base):
    """The tenant: everything that someone may see lies inside one."""

    __tablename__ = "organisation"

    id: Mapped[str] = own_id()
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Registration(Base):
    """One platform as it knows us: key (issuer, client_id). Canvas's cloud is one issuer with many client ids.

    `scopes` are those that the platform named when it registered us by itself, [] where an administrator typed it in.
    """

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    issuer: Mapped[str] = mapped_column(String(500))
    client_id: Mapped[str] = mapped_column(String(255))
    auth_url: Mapped[str] = mapped_column(String(1000))
    token_url: Mapped[str] = mapped_column(String(1000))
    jwks_url: Mapped[str] = mapped_column(String(1000))
    audience: Mapped[str | None] = mapped_column(String(1000))
    allow_private: Mapped[bool] = mapped_column(Boolean, default=False)
    allow_anonymous: Mapped[bool] = mapped_column(Boolean, default=False)
    platform: Mapped[str] = mapped_column(String(40), default="generic")
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    status: Mapped[str] = mapped_column(String(20), default="active")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deployments: Mapped[list[Deployment]] = relationship(back_populates="registration")

    @property
    def is_active(self) -> bool:
        """Whether it may launch. One that an administrator switched off keeps its records."""
        return self.status == "active"


class Deployment(Base):
    """Key (registration, deployment_id). On Blackboard it, and not the client id, is the tenant; hence its own organisation.

    `status` is "active", "pending" (seen in a verified launch, let in by nobody yet) or "inactive" (switched off). A pending
    one has its registration's organisation until an administrator names the right one; nothing hangs on it before that.
    """

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("registration_id", "deployment_id"),)

    id: Mapped[str] = own_id()
    registration_id: Mapped[str] = mapped_column(ID, ForeignKey("registration.id"))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    deployment_id: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(20), default="active")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    registration: Mapped[Registration] = relationship(back_populates="deployments")

    @property
    def is_active(self) -> bool:
        """Whether its launches are let in, as far as the deployment itself goes."""
        return self.status == "active"


class RegistrationHealth(Base):
    """What a registration was last seen doing: times to the minute, and never a secret, a token or a person.

    `scopes` are those granted by its newest tokens, `kids` the ids of its keys as last read. `last_error_kind` is "launch" or
    "token"; `last_error` the refusal's reason (`lti.errors`) and `last_error_note` the technical detail for the operator.
    """

    __tablename__ = "registration_health"

    registration_id: Mapped[str] = mapped_column(ID, ForeignKey("registration.id"), primary_key=True)
    last_launch_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_token_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    keys_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kids: Mapped[list[str]] = mapped_column(JSON, default=list)
    last_error_kind: Mapped[str | None] = mapped_column(String(20))
    last_error: Mapped[str | None] = mapped_column(String(80))
    last_error_note: Mapped[str | None] = mapped_column(String(300))
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class User(Base):
    """Key (registration, organisation, sub). Never an e-mail address, and none is kept.

    The organisation is part of it because a registration may serve several (on Blackboard the deployment is the tenant):
    whoever comes to two of them is two people here, and neither organisation learns of the other.
    `is_anonymous`: made for one visit of somebody whom the platform does not name, never found again, and removed with the visit.
    """

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("registration_id", "organisation_id", "sub"),)

    id: Mapped[str] = own_id()
    registration_id: Mapped[str] = mapped_column(ID, ForeignKey("registration.id"))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    sub: Mapped[str] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(200))
    locale: Mapped[str | None] = mapped_column(String(35))
    is_anonymous: Mapped[bool] = mapped_column(Boolean, default=False, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def display_name(self) -> str:
        """The name that the platform sent, or a neutral one: no personal data is needed to use the tool."""
        return self.name or f"Learner {self.id[-4:]}"


class Context(Base):
    """A course in the platform: key (deployment, context id)."""

    __tablename__ = "context"
    __table_args__ = (UniqueConstraint("deployment_id", "lti_id"),)

    id: Mapped[str] = own_id()
    deployment_id: Mapped[str] = mapped_column(ID, ForeignKey("deployment.id"))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    lti_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ContextCopy(Base):
    """What a platform says of a course's past: it was copied from `origin_lti_id`, which is ours where `origin_context_id` is set.

    `number` counts back in time: 0 is the newest of the courses that were named together.
    """

    __tablename__ = "context_copy"
    __table_args__ = (UniqueConstraint("context_id", "origin_lti_id"),)

    id: Mapped[str] = own_id()
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    origin_lti_id: Mapped[str] = mapped_column(String(255))
    origin_context_id: Mapped[str | None] = mapped_column(ID, ForeignKey("context.id"))
    number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Placement(Base):
    """What an instructor put into a course: its id is opaque and travels with the link, so that a copy shows the same content.

    `kind` is one of the rooms' `PlacementKind.key`, `settings` what it is to show (`collections`: ids, `task`: a key, `points` of
    its gradebook column). A placement is never changed; choosing anew makes another. `created_by` is a person's id without a key:
    the activity outlives its author.
    """

    __tablename__ = "placement"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_opaque_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    context_id: Mapped[str | None] = mapped_column(ID, ForeignKey("context.id"))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(500))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_by: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ResourceLink(Base):
    """One activity in a course: key (context, resource link id). `custom` are the launch's custom parameters as last seen.

    `placement_id` is what it shows, where it was placed by deep linking or chosen anew.
    """

    __tablename__ = "resource_link"
    __table_args__ = (UniqueConstraint("context_id", "lti_id"),)

    id: Mapped[str] = own_id()
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    lti_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    custom: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    placement_id: Mapped[str | None] = mapped_column(ID, ForeignKey("placement.id"))
    has_gradebook: Mapped[bool | None] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Membership(Base):
    """A user's role in a context, as the last launch or roster said it.

    `status` is "active" or "inactive": who left the course has no visits there, keeps every record, and is active again with
    the next launch. `listed_at` is when a roster last named the person; one whom none ever named is nobody's to miss.
    """

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("context_id", "user_id"),)

    id: Mapped[str] = own_id()
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    role: Mapped[str] = mapped_column(String(30))
    status: Mapped[str] = mapped_column(String(20), default="active")
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Roster(Base):
    """A context's names and roles service, as its last launch named it, and when the list is to be read next.

    `state` is "due", "read" or "refused". `differences_url` lists only what changed since `read_at`; `whole_at` is when the
    list was last read from beginning to end. `launched_at`: a course where nobody launches any more is left alone.
    """

    __tablename__ = "roster"
    __table_args__ = (Index("ix_roster_due", "due_at"),)

    id: Mapped[str] = own_id()
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"), unique=True)
    url: Mapped[str] = mapped_column(String(4000))
    state: Mapped[str] = mapped_column(String(20), default="due")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    launched_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    whole_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    differences_url: Mapped[str | None] = mapped_column(String(4000))
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500), default="")
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LineItem(Base):
    """A gradebook column for one purpose (`tag`) of an activity: key (context, url), once the url is known.

    A platform that sends no `lineitem` claim leaves `url` empty; the worker then finds or makes the column in the container
    (`container_url`) before the first score. `is_ours` when we made it; another's is never changed or deleted. A launch doesn't
    say the column's maximum: `read_at` is when the platform was asked for it.
    """

    __tablename__ = "line_item"
    __table_args__ = (UniqueConstraint("context_id", "url"), UniqueConstraint("resource_link_id", "tag"))

    id: Mapped[str] = own_id()
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    tag: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(500))
    url: Mapped[str | None] = mapped_column(String(2000))
    container_url: Mapped[str | None] = mapped_column(String(2000))
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    score_maximum: Mapped[float] = mapped_column(Float, default=100.0)
    read_tries: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_ours: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LaunchState(Base):
    """One login under way. The row is made at login and taken by one DELETE at launch; only hashes of its secrets are kept."""

    __tablename__ = "launch_state"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LaunchTicket(Base):
    """Something that opens one door once, soon: a launch waiting for its browser, the way to the first page (60 seconds), an
    operator's sign-in (ten minutes).

    `data` holds a launch's claims, a name among them; rows are consumed or removed when they expire.
    """

    __tablename__ = "launch_ticket"

    ticket_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Visit(Base):
    """One launch's session: who, where, in which role. Found by its bearer's hash; two tabs are two visits and never mix.

    `message_type` is LTI's. Only an activity's visit has a resource link; a deep linking request has `deep_linking`: the
    platform's deployment id and what it asked for.
    """

    __tablename__ = "visit"

    id: Mapped[str] = own_id()
    bearer_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    registration_id: Mapped[str] = mapped_column(ID, ForeignKey("registration.id"))
    message_type: Mapped[str] = mapped_column(String(60), default="LtiResourceLinkRequest")
    context_id: Mapped[str | None] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str | None] = mapped_column(ID, ForeignKey("resource_link.id"))
    deployment_id: Mapped[str | None] = mapped_column(ID, ForeignKey("deployment.id"))
    deep_linking: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    role: Mapped[str] = mapped_column(String(30))
    is_gradable: Mapped[bool] = mapped_column(Boolean, default=False)
    locale: Mapped[str] = mapped_column(String(10))
    frame_origins: Mapped[list[str]] = mapped_column(JSON, default=list)
    return_url: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ToolKey(Base):
    """One of our RSA key pairs. The private half is encrypted with the settings' secret; a kid is never used twice.

    `serial` counts 1, 2, 3 ... and is unique, so that two replicas that make a key together end with one. The row stays when
    the key is retired or revoked, without its private half (`private_encrypted` is empty then).
    """

    __tablename__ = "tool_key"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    serial: Mapped[int] = mapped_column(unique=True)
    private_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    signs_from: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    public_pem: Mapped[str | None] = mapped_column(String(2000))
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TokenLease(Base):
    """Who asks a platform for an access token just now, so that the other replicas wait for it instead of asking too."""

    __tablename__ = "token_lease"

    cache_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class NoticeService(Base):
    """A deployment's notification service, and which handlers of ours it knows (`handlers`: notice type -> our address)."""

    __tablename__ = "notice_service"
    __table_args__ = (Index("ix_notice_service_due", "due_at"),)

    id: Mapped[str] = own_id()
    deployment_id: Mapped[str] = mapped_column(ID, ForeignKey("deployment.id"), unique=True)
    url: Mapped[str] = mapped_column(String(4000))
    types: Mapped[list[str]] = mapped_column(JSON, default=list)
    handlers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(500), default="")
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PlatformNotice(Base):
    """A verified notice: key (deployment, the notice's own id). Of its claims only what we work with is kept, nobody's data.

    `state` is "waiting", "done", "ignored" (a type that we do nothing with) or "failed".
    """

    __tablename__ = "platform_notice"
    __table_args__ = (
        UniqueConstraint("deployment_id", "notice_id"),
        Index("ix_platform_notice_due", "state", "due_at"),
    )

    id: Mapped[str] = own_id()
    deployment_id: Mapped[str] = mapped_column(ID, ForeignKey("deployment.id"))
    notice_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    reason: Mapped[str] = mapped_column(String(500), default="")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServiceToken(Base):
    """A platform's access token for its services, shared by replicas; key (registration, token URL, scopes), encrypted."""

    __tablename__ = "service_token"

    cache_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    registration_id: Mapped[str] = mapped_column(ID, ForeignKey("registration.id"), index=True)
    token_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
