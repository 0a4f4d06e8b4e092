"""Moodle 5.1, as run. It compares stamps in whole seconds (equal is 409), and a locked grade answers 500 for ever."""

from lti.platforms.quirks import Quirks

MOODLE = Quirks(
    "moodle",
    product_codes=frozenset({"moodle"}),
    takes_pending=False,
)
