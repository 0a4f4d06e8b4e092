"""What a human reader cannot see is no content: the rules that all readers share, and the tally of what they left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from retrieval.parsing.document import ParseReport, Skipped

Colour = tuple[float, float, float]  # red, green, blue from 0 to 1

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
SMALLEST_SIZE = 2.0  # points; the smallest print on medicine leaflets has six
# WCAG contrast. Light grey on white (#ccc) has 1.6 and is read; below 1.2 nobody sees letters.
_LEAST_CONTRAST = 1.2
_MOST_SKIPPED = 200


def luminance(colour: Colour) -> float:
    """Relative luminance by WCAG 2, from 0 to 1."""

    def linear(part: float) -> float:
        part = min(1.0, max(0.0, part))
        return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = colour
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def looks_alike(text: Colour, ground: Colour) -> bool:
    """Whether letters of one colour drown in a ground of the other.

    Two hues of one brightness (red on green) have no contrast by WCAG but are told apart, so hue counts too.
    """
    one, other = sorted((luminance(text), luminance(ground)))
    if (other + 0.05) / (one + 0.05) >= _LEAST_CONTRAST:
        return False
    return max(abs(mine - theirs) for mine, theirs in zip(text, ground, strict=True)) < 0.2


def hex_colour(value: str) -> Colour | None:
    """ "FFEE00" or "#fe0" to a colour; None for anything else."""
    value = value.lstrip("#")
    if len(value) in (3, 4):
        value = "".join(digit * 2 for digit in value)
    if len(value) not in (6, 8):
        return None
    try:
        return (int(value[:2], 16) / 255, int(value[2:4], 16) / 255, int(value[4:6], 16) / 255)
    except ValueError:
        return None


class LeftOut:
    """Collects what a reader left out because people do not see it, or because it is no content."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str]] = Counter()
        self._hidden: Counter[str] = Counter()

    def hidden(self, where: str, what: str, times: int = 1) -> None:
        """Text that nobody sees. ``where``: "page 3", "slide 2", "" for the whole file; ``what``: a plain plural."""
        self._times[where, what] += times
        self._hidden[what] += times

    def skipped(self, where: str, why: str) -> None:
        """A part that people do see, or know of, but that is no content."""
        self._times[where, why] += 0

    @property
    def hidden_count(self) -> int:
        return sum(self._hidden.values())

    def report(self, counts: dict[str, int], remarks: Iterable[str] = ()) -> ParseReport:
        """The reader's counts with "hidden" added, its remarks, one remark on hidden text, and the places."""
        said = list(remarks)
        if self._hidden:
            kinds = ", ".join(f"{what} ({times})" for what, times in self._hidden.most_common())
            said.append(f"Hidden text was left out: {kinds}. Check where the file comes from.")
        skipped = [
            Skipped(where, f"{what} ({times})" if times > 1 else what)
            for (where, what), times in self._times.items()
            if where
        ]
        return ParseReport({**counts, "hidden": self.hidden_count}, said, skipped[:_MOST_SKIPPED])
