"""Schoology. One issuer for all; aud is always a list; sub is like "7::hash". Registered by hand only."""

from lti.platforms.quirks import Quirks

SCHOOLOGY = Quirks(
    "schoology",
    product_codes=frozenset({"schoology"}),
    issuer_hosts=("schoology.schoology.com",),
    # Schools have hosts of their own.
    issuer_is_site=False,
)
