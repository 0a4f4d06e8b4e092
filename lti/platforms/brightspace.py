"""Brightspace (D2L). The assertion's audience is neither the token URL nor the issuer; grades only for gradable roles."""

from lti.platforms.quirks import Quirks

BRIGHTSPACE = Quirks(
    "brightspace",
    product_codes=frozenset({"desire2learn", "brightspace", "d2l"}),
    issuer_hosts=("brightspace.com", "desire2learn.com"),
    assertion_audience="https://api.brightspace.com/auth/token",
)
