"""A registration: one platform as it knows us, (issuer, client_id) in LTI's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from lti.platforms import Quirks, quirks_of

# Only asymmetric signatures: with HMAC anyone who reads a published key could sign.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})

_HOST = re.compile(r"[a-z0-9._:-]+")


@dataclass(frozen=True)
class Registration:
    """What we were told when a platform was registered. Frozen: a change is a new value from the `Registrations` port.

    `audience` overrides the token assertion's aud (Brightspace). `allow_private` lets plain http and private addresses be
    reached, for an LMS in the operator's own network. `platform` is a family key of `lti.platforms`. `service_origins` are
    origins that an administrator approved for service calls beside those that signed claims name.
    Raises ValueError for an algorithm that would let a platform be impersonated.
    """

    id: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str | None = None
    allow_private: bool = False
    allow_anonymous: bool = False
    algorithms: tuple[str, ...] = ("RS256",)
    platform: str = "generic"
    service_origins: tuple[str, ...] = ()
    extra_frame_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"algorithms must be some of {sorted(ALGORITHMS)}")

    @property
    def quirks(self) -> Quirks:
        """How this family of platforms behaves."""
        return quirks_of(self.platform)

    @property
    def frame_origins(self) -> frozenset[str]:
        """Origins that may frame us, for CSP frame-ancestors.

        Where the issuer is not the site that people see (Canvas's and Blackboard's clouds have one issuer for all), any
        https site may frame the launch's own pages; later pages know the true origins from the signed claims
        (`Launch.frame_origins`).
        """
        if not self.quirks.issuer_is_site:
            return frozenset({"https:", *self.extra_frame_origins})
        origins = {origin_of(self.issuer), origin_of(self.auth_url), *self.extra_frame_origins}
        return frozenset(origin for origin in origins if origin)

    @property
    def own_origins(self) -> frozenset[str]:
        """Origins that the registration itself names, and those an administrator approved."""
        named = (self.issuer, self.auth_url, self.token_url, self.jwks_url)
        return frozenset(origin for origin in (*map(origin_of, named), *self.service_origins) if origin)


@lru_cache(maxsize=4_096)
def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an absolute http(s) URL, lower case and without a default port; "" for anything else.

    Control characters, spaces, backslashes and credentials make it "": browsers and Python disagree about them, and a
    disagreement about the host is how a check is walked around.
    """
    if any(character <= " " or character in "\\\x7f" for character in url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    # What stands in no host name could end a directive of the policies that origins are written into.
    if not _HOST.fullmatch(parts.hostname):
        return ""
    default = 443 if parts.scheme == "https" else 80
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in {None, default} else f":{port}")
