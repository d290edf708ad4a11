"""Every scope that a token may carry: one list for who signs and who believes. No token is read here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from libs.events.contracts.directory import Slug

SCOPES = ("intake", "import", "directory", "read", "clock")
OF_UNIT = "unit:"
"""`unit:<id>`: the scope of a department's own system, which sees what the unit sees and decides nothing."""


def unknown(scopes: Iterable[str]) -> list[str]:
    """Those that nothing asks for: mistyped, or of another application."""
    return sorted(one for one in scopes if one not in SCOPES and not _is_of_unit(one))


def _is_of_unit(scope: str) -> bool:
    return scope.startswith(OF_UNIT) and re.match(Slug, scope.removeprefix(OF_UNIT)) is not None
