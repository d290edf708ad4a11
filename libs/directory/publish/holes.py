"""Posts that nobody holds: what would strand a case is refused, any other hole is remarked. Pure: no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from libs.directory.facts.view import View
from libs.directory.findings import Finding, notice, refused
from libs.events.contracts.directory import CatalogueItemPublished, Lead, Role
from libs.events.ids import UnitId

NEEDED: tuple[tuple[Role, str, str], ...] = (
    ("DISPATCHER", "没有分办员, 须人工派遣的案件将无人派遣", "nobody dispatches what is dispatched by hand"),
    (
        "REVIEWER",
        "没有审核员, 反馈将无人审核, 案件无法结案",
        "nobody reviews, so nothing is ever closed",
    ),
    ("CALLBACK_AGENT", "没有回访员, 须回访的案件无法结案", "nobody calls back, though classes ask for it"),
    ("GRID_WORKER", "没有网格员, 须现场核实的案件无法结案", "nobody verifies on site, though classes ask for it"),
)
"""Through whose hands every case of some class passes."""
OF_THE_GRID = ("grid_livelihood", "grid_safety", "grid_dispute", "city_management")
WISHED: tuple[tuple[Role, str, str], ...] = (
    ("OPERATOR", "没有受理员, 诉求无人立案", "nobody registers what is reported"),
    ("SUPERVISOR", "没有督办员, 超期和告警无人查看", "nobody watches over what is overdue"),
    ("ARBITER", "没有裁定人, 争议无人裁定", "nobody rules a dispute"),
)


def hole_findings(view: View) -> Iterator[Finding]:
    """Holes of the whole directory. In a town in which no case can be registered yet none of them strands any.

    A post counts whatever its term: what ends on a date is a matter of that date.
    """
    if not view.calendars:
        zh, en = "没有任何年份的日历, 时限一律为暂定", "no calendar of any year: every limit is provisional"
        yield notice("CLK-15", "years", zh, en)
    held = {one.role for one in view.appointments}
    find = refused if "OPERATOR" in held and view.classes and view.grids else notice
    for role, zh, en in NEEDED:
        if role not in held and any(_passes(role, item) for item in view.classes):
            yield find("E-POSTS", f"appointments.{role}", zh, en)
    for role, zh, en in WISHED:
        if role not in held:
            yield notice("E-POSTS", f"appointments.{role}", zh, en)
    posts: dict[UnitId, set[Role]] = defaultdict(set)
    for one in view.appointments:
        posts[one.unit].add(one.role)
    for item in view.classes:
        for unit in sorted({unit for lead in item.leads for unit in _led(view, lead)}):
            yield from _unit(item, unit, posts[unit])


def _passes(role: Role, item: CatalogueItemPublished) -> bool:
    match role:
        case "DISPATCHER":
            return item.dispatch == "confirm"
        case "CALLBACK_AGENT":
            # What the grid found is called back by nobody (rulebook.md j.3).
            return item.callback and any(kind not in OF_THE_GRID for kind in item.kinds)
        case "GRID_WORKER":
            return item.verification
        case _:
            return True


def _led(view: View, lead: Lead) -> set[UnitId]:
    """The units that a line of the catalogue names, by itself or as the village or town of a grid."""
    if lead.unit:
        return {lead.unit}
    here = [grid for grid in view.grids if grid.area.startswith(lead.area)]
    named = [grid.village if lead.of_grid == "village" else grid.town for grid in here]
    return {unit for unit in named if unit}


def _unit(item: CatalogueItemPublished, unit: UnitId, roles: set[Role]) -> Iterator[Finding]:
    """SEP-07: a unit gets a case only if somebody is free to sign and somebody to handle."""
    path = f"catalogue.{item.code}.leads"
    if "DEPT_CLERK" not in roles:
        yield notice("SEP-07", path, f"{unit} 没有联络员", f"{unit} has no clerk")
    if "DEPT_HANDLER" not in roles:
        yield notice("SEP-07", path, f"{unit} 没有经办人", f"{unit} has no handler")
    if item.endorsement and "DEPT_LEADER" not in roles:
        yield notice("SEP-15", path, f"{unit} 没有负责人, 审签无人办理", f"{unit} has no leader to endorse")
