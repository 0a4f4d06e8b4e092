"""The few numbers and names of the protocol edge that an installation may change."""

from __future__ import annotations

from dataclasses import dataclass

from lti.claims import MESSAGE_TYPES
from lti.registration import origin_of

# Canvas refuses requests without one since January 2026; some Moodles always did.
USER_AGENT = "Workside/0.1 (LTI tool)"


@dataclass(frozen=True)
class LtiSettings:
    """`base_url` is where browsers reach us, without a trailing slash. Times are seconds, sizes bytes.

    `message_types` are the LTI messages that are answered; a known one that is not among them is refused by name.
    """

    base_url: str
    message_types: tuple[str, ...] = MESSAGE_TYPES
    leeway_seconds: int = 30
    token_age_seconds: int = 600
    state_seconds: int = 600
    ticket_seconds: int = 60
    logins_per_minute: int = 300
    notices_per_minute: int = 120
    notice_bytes: int = 512 * 1024
    form_bytes: int = 64 * 1024
    token_bytes: int = 64 * 1024

    @property
    def origin(self) -> str:
        """Our own origin, in the form that `origin_of` gives."""
        return origin_of(self.base_url)

    @property
    def launch_url(self) -> str:
        """The one redirect_uri that platforms register."""
        return self.base_url.rstrip("/") + "/lti/launch"

    @property
    def notices_url(self) -> str:
        """The handler that platforms send notices to."""
        return self.base_url.rstrip("/") + "/lti/notices"

    @property
    def is_plain_http(self) -> bool:
        """Whether we run without TLS (the demo on one's own machine)."""
        return self.base_url.startswith("http://")
