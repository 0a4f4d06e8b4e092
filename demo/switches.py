"""The demo LMS's switches: bad days that one can turn on by hand, and that tests turn on over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """All switches. They live in memory: a restart brings back a good day."""

    model_config = ConfigDict(extra="forbid")

    # A page can weaken its frame, but only the browser's settings block every cookie (docs/demo-lms.md says how).
    # allowed: an ordinary frame. third-party-blocked: the frame gets a cookie jar of its own that ends with the page
    # (the iframe attribute "credentialless"). blocked: a sandboxed frame without an origin, whose scripts have neither
    # cookies nor storage nor a request to their own server; a cookie that the server sets still comes back to it.
    cookies: Literal["allowed", "third-party-blocked", "blocked"] = "allowed"
    # down: grade services answer 503. reply-lost: a score is recorded, then the answer is 504.
    gradebook: Literal["up", "down", "reply-lost"] = "up"
    # Added to each authentication and grade service request.
    slow_seconds: float = Field(default=0, ge=0, le=60)
    frame_width: Literal["400", "768", "full"] = "full"
    # As in Moodle and Canvas: the same lti_message_hint cannot open the activity twice.
    one_time_launches: bool = False
    # Announces lti_storage_target=_parent and answers lti.put_data and lti.get_data.
    platform_storage: bool = False


class SwitchChange(BaseModel):
    """Some switches to set; those left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    cookies: Literal["allowed", "third-party-blocked", "blocked"] | None = None
    gradebook: Literal["up", "down", "reply-lost"] | None = None
    slow_seconds: float | None = Field(default=None, ge=0, le=60)
    frame_width: Literal["400", "768", "full"] | None = None
    one_time_launches: bool | None = None
    platform_storage: bool | None = None

    def applied_to(self, switches: Switches) -> Switches:
        return switches.model_copy(update=self.model_dump(exclude_none=True))
