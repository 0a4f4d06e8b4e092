"""Reading what a platform's services answer: retry hints, throttling, words to show, links to the next page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from lti.ports import EgressResponse

_LONGEST_WAIT = 24 * 3600.0
# <url>; rel=next in any case and order; Moodle 5.1 writes curly quotes and &amp; (case 95).
_LINK = re.compile(r"<([^>]*)>([^,<]*)")
_REL = re.compile(r"""rel\s*=\s*["'“”]?\s*([^"'“”;]*)""", re.IGNORECASE)


def retry_after(answer: EgressResponse, now: datetime) -> float | None:
    """Seconds to wait by the Retry-After header, as seconds or as a date; at most a day; None where it says nothing."""
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdecimal() and value.isascii():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_WAIT)


def is_throttled(answer: EgressResponse) -> bool:
    """Whether a 403 means "slower": Canvas says it in words or by its quota header."""
    if b"rate limit exceeded" in answer.body[:2_000].lower():
        return True
    try:
        return float(answer.headers.get("x-rate-limit-remaining", "1")) <= 0
    except ValueError:
        return False


def words_of(answer: EgressResponse) -> str:
    """The answer's text for a person who looks into a refusal: one line, no markup, at most 300 characters."""
    return shortened(answer.body[:4_000].decode("utf-8", "replace"))


def shortened(text: str) -> str:
    """One line without tags, control characters or what looks like a token, at most 300 characters."""
    text = re.sub(r"<[^>]{0,1000}>", " ", text)
    text = re.sub(r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]+", "(token)", text)
    text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())[:300]


def next_link(answer: EgressResponse, url: str) -> str | None:
    """The URL of the next page by the Link header (RFC 8288), resolved against `url`; None at the end."""
    return link_to(answer, url, "next")


def link_to(answer: EgressResponse, url: str, relation: str) -> str | None:
    """The first link of that relation in the Link header, resolved against `url` and otherwise left as it came."""
    for target, parameters in _LINK.findall(answer.headers.get("link", "").replace("\n", " ")):
        found = _REL.search(parameters)
        if found and relation in found.group(1).lower().split():
            # Moodle's own mistake and no other entity: "&lti_link=" is a parameter, and HTML would read a "<" in it.
            address = target.strip().replace("&amp;", "&")
            return address if "://" in address else str(urljoin(url, address))
    return None
