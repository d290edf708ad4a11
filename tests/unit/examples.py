"""How many cases a property is tried on."""

from hypothesis import settings

WHOLE = 100
"""What Hypothesis draws where nothing else is said; the profile `quick` draws fewer (tests/conftest.py)."""


def examples(count: int) -> settings:
    """So many; fewer in the same proportion where the profile draws fewer."""
    return settings(max_examples=max(1, count * settings().max_examples // WHOLE))
