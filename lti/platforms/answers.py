"""What a family's own answers to a score mean, where the status alone tells too little or something wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """One answer that a family is known for: a status, and words that the body has (lower case, "" for any body).

    `says` is the reason for people, in words that tell them what to do. `is_final`: it is about this learner or this score
    and will not pass, so no column is looked for and nothing is tried again; otherwise only the words are added.
    """

    status: int
    words: str
    says: str
    is_final: bool = False

    def fits(self, status: int, body: bytes) -> bool:
        """Whether an answer is this one."""
        return status == self.status and self.words.encode() in body[:4_000].lower()
