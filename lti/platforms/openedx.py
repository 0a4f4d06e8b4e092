"""Open edX (its consumer 11.4.4, as run). Keys without alg and use; an equal stamp is 400; an expired token is 403."""

from lti.platforms.quirks import Quirks

OPENEDX = Quirks(
    "openedx",
    product_codes=frozenset({"openedx", "open-edx", "open edx", "edx"}),
    issuer_hosts=("edx.org",),
    stores_zero=False,
    takes_pending=False,
    renews_token_on_403=True,
    results_by_path=True,
    can_delete_line_items=False,
)
