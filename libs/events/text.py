"""What counts as something written: a text in which a reader would see something. Pure."""

from __future__ import annotations

import re
import unicodedata

BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that Unicode calls visible and every font leaves empty."""
SEEN = frozenset("LNPS")
"""First letters of the categories that have ink of their own; a mark needs something to sit on."""


def is_seen(sign: str) -> bool:
    """Whether a reader would see this sign."""
    kind = unicodedata.category(sign)
    # Half a sign is nothing to see and nothing to leave out: whoever checks the text must meet it.
    return kind == "Cs" or (kind[0] in SEEN and sign not in BLANK_LETTERS)


def trimmed(text: str) -> str:
    """Without what cannot be seen at its ends; empty where nothing can be seen at all."""
    if text.isascii():
        return text.strip() if text.isprintable() else _seen_part(text)
    return _seen_part(text)


def _seen_part(text: str) -> str:
    seen = [place for place, sign in enumerate(text) if is_seen(sign)]
    if not seen:
        return ""
    end = seen[-1] + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1  # An accent belongs to the letter that it stands on.
    return text[seen[0] : end]


DASHES = re.compile("[\u2010-\u2015\u2212\u30fc~]")
"""What stands between the groups of a number where people and their keyboards write no hyphen."""


def as_number(text: str) -> str:
    """A number as it was typed, with plain digits and hyphens."""
    return DASHES.sub("-", folded(text))


def folded(text: str) -> str:
    """Full-width letters and digits as the plain ones that they stand for."""
    return unicodedata.normalize("NFKC", text)
