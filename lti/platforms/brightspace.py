"""Brightspace (D2L). The assertion's audience is neither the token URL nor the issuer; grades only for gradable roles."""

from lti.platforms.answers import Meaning
from lti.platforms.quirks import Quirks
from lti.platforms.registering import RegistrationFacts

BRIGHTSPACE = Quirks(
    "brightspace",
    product_codes=frozenset({"desire2learn", "brightspace", "d2l"}),
    issuer_hosts=("brightspace.com", "desire2learn.com"),
    # Otherwise the token request ends in 400 invalid_grant.
    assertion_audience="https://api.brightspace.com/auth/token",
    answers=(
        Meaning(
            403,
            "not enrolled in the org unit",
            "This person is not enrolled in the course any more. Enrol them again, then send again.",
            is_final=True,
        ),
        # A 404 about the person, and not about the column.
        Meaning(404, "does not exist", "Brightspace does not know this person.", is_final=True),
    ),
    # A school may have a host of its own; tokens come from auth.brightspace.com.
    registering=RegistrationFacts(hosts=("brightspace.com",)),
)
