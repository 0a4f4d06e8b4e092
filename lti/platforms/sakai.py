"""Sakai. Sends no lti_message_hint; a bad token is 403; a line item with a known label takes over that column."""

from lti.platforms.quirks import Quirks

SAKAI = Quirks(
    "sakai",
    product_codes=frozenset({"sakai"}),
    # A token that it does not know (any more) is 403.
    renews_token_on_403=True,
    # Otherwise a new column of ours would become the teacher's of that name.
    label_takes_over=True,
    # What is sent as "a|b" is found as "ab".
    strips_from_ids="|",
)
