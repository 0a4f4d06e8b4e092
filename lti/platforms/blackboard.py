"""Blackboard. One client id for all schools: the deployment is the tenant. Sees only its own columns."""

from lti.platforms.answers import Meaning
from lti.platforms.quirks import Quirks
from lti.platforms.registering import RegistrationFacts

BLACKBOARD = Quirks(
    "blackboard",
    product_codes=frozenset({"blackboardlearn", "blackboard"}),
    issuer_hosts=("blackboard.com",),
    # Every school has a host of its own under one issuer.
    issuer_is_site=False,
    deployment_is_tenant=True,
    # The gradebook shows comments as HTML, where a line break is one space.
    newline="<br/>",
    # With a user_id filter the comment is missing; without, a page is short unless one asks for more.
    reads_results_whole=True,
    results_limit=1000,
    answers=(
        Meaning(
            400,
            "user could not be found",
            "Blackboard does not know this person in the course any more. Enrol them again, then send again.",
            is_final=True,
        ),
    ),
    # The issuer is the bare domain; the endpoints lie on developer.blackboard.com.
    registering=RegistrationFacts(hosts=("blackboard.com",)),
)
