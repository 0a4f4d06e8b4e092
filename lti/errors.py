"""Refusals of the protocol edge: one class for each thing that can be wrong, named after it.

Each carries what a person reads (`title`, `advice`: English message keys, translated where they are shown), the HTTP
`status` and a `reason` for logs and JSON clients. Nothing of a token is ever part of one; `details` holds the few values
that an administrator has to copy.
"""

from __future__ import annotations

import re


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name for "translate later"
    """Marks a text for the catalogues where it is written; it is translated where it is shown."""
    return message


_START_AGAIN = N_("Go back to your course and open the activity again.")
_TELL_ADMIN = N_(
    "Tell your course's support: the learning platform and Workside do not agree. Give them the reference below."
)


class LtiError(Exception):
    """A login, launch or service call that is refused. `details` are (message key of the label, value) pairs to show."""

    status = 400
    title = N_("This could not be opened")
    advice = _START_AGAIN
    template = "launch/refused.html"

    def __init__(self, log_note: str = "", details: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(log_note or type(self).__name__)
        self.details = details

    @property
    def reason(self) -> str:
        """The class's name in snake case, as in `nonce_mismatch`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()


class Transient(LtiError):
    """It may work in a moment: the login's state is kept, so that reloading the page is enough."""

    status = 503


# --- login (OIDC third-party initiated login, Security Framework 1.0, 5.1.1) ---------------------------------------


class LoginParameterMissing(LtiError):
    """iss, login_hint or target_link_uri is not there."""

    advice = _TELL_ADMIN


class LoginMalformed(LtiError):
    """A parameter is doubled, the body is too large, or it is not a form."""

    advice = _TELL_ADMIN


class RegistrationUnknown(LtiError):
    """No registration has this issuer, or not with this client id."""

    title = N_("This learning platform is not connected")
    advice = N_("Ask the people who run Workside for you to register your learning platform first.")


class RegistrationAmbiguous(LtiError):
    """The issuer has several client ids and the login names none."""

    title = N_("This learning platform is connected more than once")
    advice = N_("The login must say which connection it means (client_id). Tell your course's support.")


class TargetForeign(LtiError):
    """target_link_uri does not lead to us: an open redirect if it were followed."""

    title = N_("The link leads somewhere else")
    advice = _TELL_ADMIN


class LoginsTooMany(LtiError):
    """One address starts more logins than people do, or the store of logins is full."""

    status = 429
    title = N_("Too many tries at once")
    advice = N_("Wait a minute, then open the activity again from your course.")


class MethodRefused(LtiError):
    """A launch came as GET: a token in an address would stay in histories and logs."""

    status = 405


# --- launch: the answer and its state --------------------------------------------------------------------------------


class StateMissing(LtiError):
    """The answer carries no state."""


class StateUnknown(LtiError):
    """The state was never ours, is over ten minutes old, or was used before (reload, second tab, replay)."""

    title = N_("This page was opened already")
    advice = N_("Each opening works once. Go back to your course and open the activity again.")


class BrowserNotBound(LtiError):
    """The browser that brings the launch is not the one that asked for it (login CSRF), or it kept nothing of ours."""

    title = N_("We can't tell that this is your browser")
    advice = N_(
        "Open the activity again from your course. If it happens again, allow cookies for this site or use a new window."
    )


class TicketUnknown(LtiError):
    """The launch ticket is wrong, used or over a minute old."""

    title = N_("That took too long")
    advice = _START_AGAIN


class PlatformRefused(LtiError):
    """The platform answered with an error instead of a token (`error=login_required` and the like)."""

    title = N_("Your learning platform did not sign you in")
    advice = N_("Sign in to your learning platform, then open the activity again from your course.")


# --- launch: the token -----------------------------------------------------------------------------------------------


class TokenMalformed(LtiError):
    """No id_token, not three segments, over 64 KiB, or not JSON inside."""


class AlgorithmRefused(LtiError):
    """The header names an algorithm that this platform may not use ("none", HMAC, or simply another one)."""

    advice = _TELL_ADMIN


class KeyIdMissing(LtiError):
    advice = _TELL_ADMIN


class KeyUnknown(LtiError):
    """The platform publishes no usable key of that id, also after asking again."""

    advice = _TELL_ADMIN


class PlatformUnreachable(Transient):
    """The platform's keys cannot be had now and none that fits is remembered. The state is kept: reloading is enough."""

    title = N_("Your learning platform does not answer")
    advice = N_("We need its answer to let you in. Wait a moment, then reload this page.")


class SignatureInvalid(LtiError):
    advice = _TELL_ADMIN


class IssuerMismatch(LtiError):
    advice = _TELL_ADMIN


class AudienceMismatch(LtiError):
    """aud is missing, is not us, or is a list of several without azp (OpenID Connect Core 3.1.3.7)."""

    advice = _TELL_ADMIN


class AuthorizedPartyMismatch(LtiError):
    advice = _TELL_ADMIN


class TokenExpired(LtiError):
    title = N_("That took too long")


class TokenTimeInvalid(LtiError):
    """exp, iat or nbf is missing, not a number, in the future, or out of order."""

    title = N_("The clocks do not agree")
    advice = _TELL_ADMIN


class TokenTooOld(LtiError):
    """iat is over ten minutes ago, whatever exp says."""

    title = N_("That took too long")


class NonceMissing(LtiError):
    advice = _TELL_ADMIN


class NonceMismatch(LtiError):
    """The nonce is not the one of this login: a token of another login, or the same token again."""

    title = N_("This page was opened already")
    advice = N_("Each opening works once. Go back to your course and open the activity again.")


# --- launch: the message ---------------------------------------------------------------------------------------------


class VersionUnsupported(LtiError):
    title = N_("This version of LTI is not supported")
    advice = _TELL_ADMIN


class MessageTypeMissing(LtiError):
    advice = _TELL_ADMIN


class MessageTypeUnsupported(LtiError):
    """The message is not one that Workside answers; the page names it."""

    title = N_("Workside does not offer this")
    advice = N_(
        "Your learning platform asked for something that Workside does not do. Tell your course's support."
    )


class DeploymentInvalid(LtiError):
    """deployment_id is missing, empty, not text, or over 255 characters."""

    advice = _TELL_ADMIN


class DeploymentUnknown(LtiError):
    """The deployment was never announced. The page shows the three values that an administrator copies."""

    status = 403
    title = N_("This installation is not switched on yet")
    advice = N_(
        "Send these three values to the people who run Workside for you. They switch it on once for everybody."
    )
    template = "launch/deployment_unknown.html"

    def __init__(self, issuer: str, client_id: str, deployment_id: str) -> None:
        super().__init__(
            "deployment unknown",
            ((N_("Issuer"), issuer), (N_("Client ID"), client_id), (N_("Deployment ID"), deployment_id)),
        )


class DeploymentInactive(DeploymentUnknown):
    """The deployment is known and waits for an administrator, or was switched off."""

    title = N_("This installation waits for approval")


class DeploymentWaiting(DeploymentInactive):
    """The deployment is known and nobody has let it in yet."""


class TargetMissing(LtiError):
    advice = _TELL_ADMIN


class ResourceLinkInvalid(LtiError):
    """resource_link.id is missing, empty, not text or over 255 characters (Blackboard has sent launches without one)."""

    title = N_("The link in your course is incomplete")
    advice = N_(
        "The learning platform did not say which activity this is. Ask your instructor to add the link again."
    )


class RolesInvalid(LtiError):
    """The roles claim is missing or is not a list of texts. An empty list is fine and means the least privilege."""

    advice = _TELL_ADMIN


class DeepLinkingInvalid(LtiError):
    """A deep linking request without a usable return URL, accept_types or accept_presentation_document_targets (case 70)."""

    title = N_("Your learning platform did not say what can be added")
    advice = _TELL_ADMIN


class RoleNotTeaching(LtiError):
    """Somebody who does not teach the course asks to put activities into it (case 77)."""

    status = 403
    title = N_("This page is for instructors")
    advice = N_("Open it as an instructor of this course, or ask one to do it for you.")


class ForUserInvalid(LtiError):
    """A message about a person (`for_user`) that does not say which."""

    title = N_("Your learning platform did not say whom this is about")
    advice = _TELL_ADMIN


class LineItemMissing(LtiError):
    """A submission review that names no gradebook column."""

    title = N_("Your learning platform did not say which grade this is about")
    advice = _TELL_ADMIN


class NoticeMalformed(LtiError):
    """A delivery of notices that is not JSON of the agreed shape, or one notice without an id or a type."""


class NoticesTooMany(LtiError):
    """One address sends more notices than platforms do."""

    status = 429


class SubjectMissing(LtiError):
    """The launch is anonymous and this platform may not launch anonymously."""

    title = N_("Your learning platform did not say who you are")
    advice = N_(
        "Workside keeps your work for you, so it needs to know you. Ask your course's support to share the user's id."
    )


class SubjectInvalid(LtiError):
    """sub is over 255 characters or not ASCII (OpenID Connect Core 2)."""

    advice = _TELL_ADMIN


class MessageRefusedByLibrary(LtiError):
    """pylti1p3's own check of the message found something that ours did not."""

    advice = _TELL_ADMIN


# --- services --------------------------------------------------------------------------------------------------------


class TokenDenied(LtiError):
    """The platform refuses us an access token for good: wrong key, unknown client, bad audience. An administrator must act."""

    status = 502
    title = N_("The learning platform does not trust Workside's key")
    advice = _TELL_ADMIN


class TokenUnavailable(Transient):
    """No access token just now; try again after `after_seconds` (None: the caller's own backoff)."""

    def __init__(self, log_note: str = "", after_seconds: float | None = None) -> None:
        super().__init__(log_note)
        self.after_seconds = after_seconds


class ScopeNotGranted(LtiError):
    """The platform granted fewer scopes than asked for; asking again would not help."""

    status = 502
    title = N_("The learning platform does not allow this")
    advice = N_("Ask its administrator to allow Workside to use the gradebook.")


class ServiceAddressRefused(LtiError):
    """A service address is not https, or its host never appeared in the platform's signed claims."""

    status = 502
    advice = _TELL_ADMIN


class ServiceUnavailable(Transient):
    """The service did not answer, answered 5xx or 429; try again after `after_seconds` (None: the caller's own backoff)."""

    def __init__(self, log_note: str = "", after_seconds: float | None = None) -> None:
        super().__init__(log_note)
        self.after_seconds = after_seconds


class ServiceRefused(LtiError):
    """The service answered, and the answer is no. `answer` is its status; `words` its text, shortened."""

    status = 502

    def __init__(self, answer: int, words: str) -> None:
        super().__init__(f"{answer} {words}".strip())
        self.answer = answer
        self.words = words


class GradingUnavailable(LtiError):
    """There is no gradebook column for this and none may be made."""

    status = 409
    title = N_("Grading is not available here")
    advice = N_(
        "The learning platform did not give Workside a gradebook column. Ask your instructor to allow grading for this activity."
    )


class ScoreInvalid(ValueError):
    """A score that no platform may take: negative, not finite, one half of the pair missing, times out of order."""
