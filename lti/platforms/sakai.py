"""Sakai. Sends no lti_message_hint; a bad token is 403; a line item with a known label takes over that column."""

from lti.platforms.quirks import Quirks

SAKAI = Quirks(
    "sakai",
    product_codes=frozenset({"sakai"}),
    renews_token_on_403=True,
    label_takes_over=True,
    strips_from_ids="|",
)
