"""Blackboard. One client id for all schools: the deployment is the tenant. Sees only its own columns."""

from lti.platforms.quirks import Quirks

BLACKBOARD = Quirks(
    "blackboard",
    product_codes=frozenset({"blackboardlearn", "blackboard"}),
    issuer_hosts=("blackboard.com",),
    issuer_is_site=False,
)
