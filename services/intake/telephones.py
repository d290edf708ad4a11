"""Telephone numbers as people say them, and whether two of them are one. Pure; owns no index."""

from __future__ import annotations

import hmac
import re

COUNTRY = re.compile(r"^(\+86|0086)(?=1\d{10}$|0\d{9,11}$|[2-9]\d)")


def normal(number: str) -> str:
    """Digits only, without the country code of the mainland: `+86 138-0000-0000` is `13800000000`."""
    return COUNTRY.sub("", re.sub(r"[^0-9+]", "", number))


def is_same(one: str | None, other: str) -> bool:
    """Whether two numbers ring the same telephone; compared in constant time."""
    return bool(one) and hmac.compare_digest(normal(one or ""), normal(other))
