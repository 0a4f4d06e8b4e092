"""Canvas. One issuer for the whole cloud; schools differ by client_id and deployment. Throttles with 403 or 429."""

from lti.platforms.quirks import Quirks

SUBMISSION = "https://canvas.instructure.com/lti/submission"

CANVAS = Quirks(
    "canvas",
    product_codes=frozenset({"canvas"}),
    issuer_hosts=("canvas.instructure.com", "canvas.beta.instructure.com", "canvas.test.instructure.com"),
    takes_pending=False,
    appends_comments=True,
    throttles_with_403=True,
    issuer_is_site=False,
    # Without it every score is a new submission and uses up an attempt.
    score_extension=((SUBMISSION, (("new_submission", False),)),),
)
