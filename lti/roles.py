"""Roles: what a person may do here, read from the roles claim with the least privilege.

Only *context* roles give rights (LTI 1.3 core 5.3.7 and appendix A.2): Canvas sends institution-wide Instructor and
Administrator for people who are learners in the course at hand. pylti1p3's own parser is not used: it takes the part
after "#" as the role, so the sub-role `membership/Learner#Instructor` counts as a teacher, and it matches the vocabulary's
prefix without its slash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal["administrator", "instructor", "content_developer", "teaching_assistant", "learner", "mentor"]
ROLES: tuple[Role, ...] = get_args(Role)
# Who makes and runs a course, and so may put activities into it.
TEACHING: frozenset[Role] = frozenset(
    {"administrator", "instructor", "content_developer", "teaching_assistant"}
)

_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_LEAST: Role = "learner"
_PRINCIPALS: dict[str, Role] = {
    "Administrator": "administrator",
    "Instructor": "instructor",
    "ContentDeveloper": "content_developer",
    "Learner": "learner",
    "Mentor": "mentor",
}
# Sub-roles of Instructor that help to teach; everything else below Instructor (Lecturer, PrimaryInstructor...) teaches.
_ASSISTING = frozenset(
    {
        "TeachingAssistant",
        "TeachingAssistantGroup",
        "TeachingAssistantOffering",
        "TeachingAssistantSection",
        "TeachingAssistantSectionAssociation",
        "TeachingAssistantTemplate",
        "Grader",
    }
)


def context_roles(roles: Iterable[str]) -> list[tuple[str, str | None]]:
    """The (principal, sub-role or None) pairs of the context roles among `roles`.

    Recognised: the short names of the core vocabulary ("Learner"), `...membership#Learner` and
    `...membership/Instructor#TeachingAssistant`. System, institution and unknown roles are left out.
    """
    found: list[tuple[str, str | None]] = []
    for role in roles:
        if role in _PRINCIPALS or role == "Member":
            found.append((role, None))
        elif role == "TeachingAssistant":
            found.append(("Instructor", role))
        elif role.startswith(_CONTEXT + "#"):
            name = role.removeprefix(_CONTEXT + "#")
            # Some platforms put the sub-role directly after the "#".
            found.append(("Instructor", name) if name in _ASSISTING else (name, None))
        elif role.startswith(_CONTEXT + "/"):
            principal, _, name = role.removeprefix(_CONTEXT + "/").partition("#")
            found.append((principal, name or None))
    return found


def role_of(roles: Iterable[str]) -> Role:
    """The highest context role; "learner", the least privilege, where there is none or none that we know.

    A platform that sends a sub-role sends its principal role too (core A.2.3.1), so a TeachingAssistant who also comes as
    Instructor is an assistant, unless another sub-role of Instructor says more.
    """
    found: set[Role] = set()
    bare_instructor = False
    for principal, name in context_roles(roles):
        if principal == "Instructor" and name is None:
            bare_instructor = True
        elif principal == "Instructor" and name in _ASSISTING:
            found.add("teaching_assistant")
        elif principal in _PRINCIPALS:
            found.add(_PRINCIPALS[principal])
    if bare_instructor and "teaching_assistant" not in found:
        found.add("instructor")
    return min(found, key=ROLES.index) if found else _LEAST


def is_learner(roles: Iterable[str]) -> bool:
    """Whether the platform says outright that this is a learner of the course: only then may a score be sent (case 92)."""
    roles = list(roles)
    stated = any(principal in {"Learner", "Member"} for principal, _ in context_roles(roles))
    return stated and role_of(roles) == "learner"
