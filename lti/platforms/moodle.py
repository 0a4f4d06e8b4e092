"""Moodle 5.1, as run. It compares stamps in whole seconds (equal is 409), and a locked grade answers 500 for ever."""

from lti.platforms.answers import Meaning
from lti.platforms.quirks import Quirks

MOODLE = Quirks(
    "moodle",
    product_codes=frozenset({"moodle"}),
    # A score that is not FullyGraded erases the grade, even with points.
    takes_pending=False,
    answers=(
        # It may also be a fault that passes, so the tries go on until they are used up.
        Meaning(500, "", "Moodle failed. Where the grade is locked, unlock it in the gradebook."),
        Meaning(
            401, "", "Moodle does not let Workside send grades: allow it in the tool's settings (Services)."
        ),
    ),
)
