"""Open edX (its consumer 11.4.4, as run). Keys without alg and use; an equal stamp is 400; an expired token is 403.

It joins login addresses to their parameters with "?" whatever they hold, so the login address that we give out has no query.
"""

from lti.platforms.quirks import Quirks

OPENEDX = Quirks(
    "openedx",
    product_codes=frozenset({"openedx", "open-edx", "open edx", "edx"}),
    issuer_hosts=("edx.org",),
    # A score without points is published as 0, and a 0 cannot be told from it.
    stores_zero=False,
    # Only final scores are published; others do nothing.
    takes_pending=False,
    # An expired token is "forbidden".
    renews_token_on_403=True,
    # `results?user_id=` answers with everybody's.
    results_by_path=True,
    # DELETE of a line item is 403 for ever: the consumer's rule has the wrong name for it.
    can_delete_line_items=False,
)
