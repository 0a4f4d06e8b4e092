"""The platforms as they really behave: one file a family, quirks as data, and how to tell which family a platform is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from lti.platforms.blackboard import BLACKBOARD
from lti.platforms.brightspace import BRIGHTSPACE
from lti.platforms.canvas import CANVAS
from lti.platforms.moodle import MOODLE
from lti.platforms.openedx import OPENEDX
from lti.platforms.quirks import GENERIC, Quirks
from lti.platforms.sakai import SAKAI
from lti.platforms.schoology import SCHOOLOGY

FAMILIES: Mapping[str, Quirks] = {
    quirks.family: quirks
    for quirks in (GENERIC, MOODLE, CANVAS, OPENEDX, BLACKBOARD, BRIGHTSPACE, SAKAI, SCHOOLOGY)
}


def quirks_of(family: str) -> Quirks:
    """The quirks of a family; an unknown name behaves as the specification says."""
    return FAMILIES.get(family, GENERIC)


def family_of(issuer: str, product_family_code: str | None = None) -> str:
    """The family key for a platform: by the tool_platform claim's `product_family_code` (LTI 1.3 core 5.4.5), else by issuer.

    "generic" where neither tells.
    """
    code = (product_family_code or "").strip().lower()
    host = (urlsplit(issuer).hostname or "").lower() if "://" in issuer else ""
    for quirks in FAMILIES.values():
        if code and code in quirks.product_codes:
            return quirks.family
    for quirks in FAMILIES.values():
        if any(host == name or host.endswith("." + name) for name in quirks.issuer_hosts):
            return quirks.family
    return GENERIC.family


__all__ = ["FAMILIES", "Quirks", "family_of", "quirks_of"]
