"""What a family of platforms wants in a registration, and where it may keep its addresses: the shape of that data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RegistrationFacts:
    """How one family departs from Dynamic Registration 1.0, as data. The defaults are the specification.

    `hosts`: names (with all below them) that may serve the configuration or an endpoint beside the issuer's own host.
    `domain_member`: the member of the platform configuration that names the school's own host, where the registration
    endpoint lies; believed only in a configuration that one of `hosts` served.
    `placements`: for a message type the placements that we ask for, kept where the platform offers them.
    `tool_members`, `message_members`: further members of the tool configuration and of a message of that type.
    """

    hosts: tuple[str, ...] = ()
    domain_member: str | None = None
    placements: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"LtiDeepLinkingRequest": ("ContentArea",)}
    )
    tool_members: Mapping[str, Any] = field(default_factory=dict)
    message_members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def owns(self, host: str) -> bool:
        """Whether a host name is one of the family's own."""
        host = host.lower().rstrip(".")
        return any(host == name or host.endswith("." + name) for name in self.hosts)
