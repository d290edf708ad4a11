"""Cases as the lifecycle fold knows them, shortened for the separation rules."""

from typing import Any

from libs.case.state import Case

CASE = "0190a1b2-0000-7000-8000-000000000001"


def case(**parties: Any) -> Case:
    """A street-dust case in grid G03 unless said otherwise; people given as name → event ids."""
    return Case(**{"case_id": CASE, "lane": 0, "grid": "G03", "class_code": "construction-dust"} | parties)


def litter(**parties: Any) -> Case:
    """Scenario 2: litter at the village entrance of Shiqiao, grid G04, a self-governance matter."""
    return case(**{"grid": "G04", "class_code": "village-litter", "units": ("shiqiao-committee",)} | parties)
