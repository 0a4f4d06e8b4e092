"""Schoology. One issuer for all; aud is always a list."""

from lti.platforms.quirks import Quirks

SCHOOLOGY = Quirks(
    "schoology",
    product_codes=frozenset({"schoology"}),
    issuer_hosts=("schoology.schoology.com",),
    issuer_is_site=False,
)
