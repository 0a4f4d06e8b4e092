"""Canvas. One issuer for the whole cloud; schools differ by client_id and deployment. Throttles with 403 or 429."""

from lti.platforms.answers import Meaning
from lti.platforms.quirks import Quirks
from lti.platforms.registering import RegistrationFacts

SUBMISSION = "https://canvas.instructure.com/lti/submission"

CANVAS = Quirks(
    "canvas",
    product_codes=frozenset({"canvas"}),
    issuer_hosts=("canvas.instructure.com", "canvas.beta.instructure.com", "canvas.test.instructure.com"),
    # Without preserve_score a pending score clears the grade.
    takes_pending=False,
    # Every POST adds the comment once more.
    appends_comments=True,
    # "Rate Limit Exceeded" is for later, and not for never.
    throttles_with_403=True,
    # canvas.instructure.com issues for every school, each on a host of its own.
    issuer_is_site=False,
    submission_extension=SUBMISSION,
    # Without it every score is a new submission and uses up an attempt.
    score_extension=((SUBMISSION, (("new_submission", False),)),),
    answers=(
        Meaning(404, "", "The column is gone, or the course has ended: Canvas takes no grades after that."),
        Meaning(
            422,
            "not a student",
            "Canvas keeps grades of students only, and this person is none.",
            is_final=True,
        ),
        Meaning(
            422,
            "attempts",
            "No attempt is left. Allow this person another attempt in Canvas, then send again.",
            is_final=True,
        ),
    ),
    # The issuer is one for the cloud; the configuration comes from the sign-on host and the school's own host registers.
    registering=RegistrationFacts(
        hosts=("instructure.com", "canvaslms.com"),
        domain_member="https://canvas.instructure.com/lti/account_domain",
        placements={
            "LtiDeepLinkingRequest": ("assignment_selection", "link_selection"),
            "LtiResourceLinkRequest": ("course_navigation",),
        },
        # Names for those who review; no address is ever kept.
        tool_members={
            "https://canvas.instructure.com/lti/privacy_level": "name_only",
            "https://canvas.instructure.com/lti/tool_id": "workside",
        },
        # In the menu of a course only where its teacher switches it on.
        message_members={
            "LtiResourceLinkRequest": {
                "https://canvas.instructure.com/lti/course_navigation/default_enabled": False,
                "https://canvas.instructure.com/lti/visibility": "members",
            }
        },
    ),
)
