"""What publication refuses: conflicts of appointments, broken grids, missing powers, unsound rulebooks."""

import re
from copy import deepcopy
from typing import Any

import pytest

from libs.directory.findings import DocumentsRefused
from libs.directory.publish.conflicts import in_conflict
from libs.directory.publish.files import read_files
from libs.directory.rules.naming import Naming
from libs.events.contracts.directory import Role
from libs.events.contracts.parts.rulebook import Strength
from tests.unit.directory.town import EXAMPLES, RAW, notices, published, refusals, ruled, written

ASSIGNED = {"unit": "suishan-centre", "since": "2026-03-01", "basis": "assigned"}
RECRUITED = {
    "unit": "suishan-centre",
    "role": "GRID_WORKER",
    "since": "2026-03-01",
    "basis": "recruited",
    "appointed_by": "county-government",
}


@pytest.mark.parametrize(
    ("one", "other", "strength", "conflict"),
    [
        ("GRID_WORKER", "DEPT_HANDLER", "standard", True),
        ("GRID_WORKER", "DISPATCHER", "compatible", True),
        ("GRID_WORKER", "REVIEWER", "standard", True),
        ("GRID_WORKER", "ADMIN", "standard", True),
        ("DISPATCHER", "DEPT_LEADER", "standard", True),
        ("DISPATCHER", "REVIEWER", "standard", False),
        ("DISPATCHER", "CALLBACK_AGENT", "compatible", False),
        ("DISPATCHER", "REVIEWER", "strict", True),
        ("DISPATCHER", "OPERATOR", "standard", False),
        ("DISPATCHER", "OPERATOR", "strict", True),
        ("DEPT_CLERK", "DEPT_HANDLER", "strict", False),
        ("DEPT_CLERK", "REVIEWER", "standard", True),
        ("REVIEWER", "CALLBACK_AGENT", "strict", False),
        ("SUPERVISOR", "REVIEWER", "standard", True),
        ("AUDITOR", "SUPERVISOR", "compatible", True),
        ("ADMIN", "AUDITOR", "standard", True),
        ("GRID_LEADER", "DEPT_LEADER", "strict", True),
    ],
)
def test_the_conflict_matrix_names_which_roles_exclude_each_other(
    one: Role, other: Role, strength: Strength, conflict: bool
) -> None:
    assert in_conflict(one, other, strength) is conflict
    assert in_conflict(other, one, strength) is conflict


def test_a_supervisor_cannot_be_made_reviewer() -> None:
    raw = written("appointments", "id", "han-feng-2", person="han-feng", role="REVIEWER", **ASSIGNED)
    assert refusals(raw) == {"E-APPT-CONFLICT appointments.han-feng-supervisor"}


def test_one_post_after_the_other_is_no_conflict() -> None:
    raw = written("appointments", "id", "han-feng-supervisor", until="2026-02-28")
    raw["appointments"].append({"id": "han-feng-2", "person": "han-feng", "role": "REVIEWER", **ASSIGNED})
    assert refusals(raw) == set()


def test_two_accounts_of_one_person_cannot_share_conflicting_posts() -> None:
    raw = written("people", "id", "hf-2", name_zh="韩峰", name_en="Han Feng", same_as="han-feng")
    raw["appointments"].append({"id": "hf-2-reviewer", "person": "hf-2", "role": "REVIEWER", **ASSIGNED})
    assert {code.split()[0] for code in refusals(raw)} == {"E-APPT-CONFLICT"}


def test_a_village_cadre_without_the_dual_hat_flag_cannot_be_grid_worker() -> None:
    raw = written("appointments", "id", "liu-guilan-grid", person="liu-guilan", grids=["G03"], **RECRUITED)
    assert refusals(raw) == {"E-APPT-CONFLICT appointments.liu-guilan-grid"}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"until": "2026-12-15"}, {"E-APPT-TERM appointments.wang-jianguo-grid"}),
        ({"until": None}, {"E-APPT-TERM appointments.wang-jianguo-grid"}),
        ({"basis": "elected"}, {"E-APPT-CONFLICT appointments.wang-jianguo-grid"}),
        ({"grids": []}, {"E-APPT-GRIDS appointments.wang-jianguo-grid"}),
        ({"until": "2026-12-13"}, set()),
    ],
)
def test_a_dual_hat_is_an_imported_grid_post_of_at_most_ninety_days(changes: Any, refusal: set[str]) -> None:
    assert refusals(written("appointments", "id", "wang-jianguo-grid", **changes)) == refusal


@pytest.mark.parametrize("issuer", ["shiqiao-committee", "suishan-government", None])
def test_only_the_county_appoints_grid_workers(issuer: str | None) -> None:
    raw = written("appointments", "id", "li-fang-grid", appointed_by=issuer)
    assert refusals(raw) == {"E-APPT-ISSUER appointments.li-fang-grid.appointed_by"}


def test_a_term_cannot_end_before_it_begins() -> None:
    raw = written("appointments", "id", "chen-li-dispatcher", until="2025-12-30")
    assert refusals(raw) == {"E-APPT-TERM appointments.chen-li-dispatcher"}


@pytest.mark.parametrize(
    ("section", "key", "entry", "changes", "refusal"),
    [
        ("units", "id", "shiqiao-committee", {"parent": "nowhere"}, "E-REF units.shiqiao-committee.parent"),
        ("units", "id", "county-government", {"parent": "suishan-government"}, "E-REF units.county-government.parent"),
        ("units", "id", "shiqiao-committee", {"level": "HAMLET"}, "E-REF units.shiqiao-committee.level"),
        ("grids", "code", "G03", {"village": "nowhere"}, "E-REF grids.G03"),
        ("appointments", "id", "li-fang-grid", {"grids": ["G99"]}, "E-REF appointments.li-fang-grid"),
        ("appointments", "id", "li-fang-grid", {"person": "nobody"}, "E-REF appointments.li-fang-grid"),
        ("catalogue", "code", "manhole", {"leads": [{"unit": "nowhere"}]}, "E-REF catalogue.manhole"),
        ("people", "id", "li-fang", {"same_as": "nobody"}, "E-REF people.li-fang.same_as"),
    ],
)
def test_everything_that_is_named_must_exist(section: str, key: str, entry: str, changes: Any, refusal: str) -> None:
    assert refusal in refusals(written(section, key, entry, **changes))


def test_grids_may_share_a_border_but_no_ground() -> None:
    shifted = [[119.3050, 32.1000], [119.3150, 32.1000], [119.3150, 32.1100], [119.3050, 32.1100]]
    raw = written("grids", "code", "G04", polygon=shifted)
    assert refusals(raw) == {"E-GRID-OVERLAP grids.G03.polygon"}


def drawn(**polygons: list[list[float]]) -> dict[str, Any]:
    raw = written("grids", "code", "G04")
    for code, polygon in polygons.items():
        (grid,) = [one for one in raw["grids"] if one["code"] == code]
        grid["polygon"] = polygon
    return raw


def box(west: float, east: float) -> list[list[float]]:
    return [[west, 32.1], [east, 32.1], [east, 32.11], [west, 32.11]]


def test_grids_that_overlap_by_thirty_metres_are_published_and_it_is_said_whose_the_ground_is() -> None:
    raw = drawn(G03=box(119.3, 119.3112), G04=box(119.31088, 119.32))
    (found,) = [one for one in notices(raw) if "重叠" in one.zh]
    assert (found.code, found.path) == ("GRD-1", "grids.G03.polygon")
    assert re.fullmatch(r"overlaps grid G04 by about 3[0-9]{4} m²; what lies there is in G03", found.en)


def test_a_grid_that_is_drawn_twice_is_refused() -> None:
    raw = drawn(G03=box(119.3, 119.31), G04=box(119.3, 119.31))
    assert refusals(raw) == {"E-GRID-OVERLAP grids.G03.polygon"}


@pytest.mark.parametrize("east", [119.3112, 119.3111999])
def test_grids_that_touch_or_nearly_do_are_no_finding(east: float) -> None:
    raw = drawn(G03=box(119.3, east), G04=box(119.3112, 119.32))
    assert [one for one in notices(raw) if one.code == "GRD-1"] == []


def test_a_gap_between_grids_is_said_with_who_is_beside_it() -> None:
    raw = drawn(G03=box(119.3, 119.3110), G04=box(119.3112, 119.32))
    (found,) = [one for one in notices(raw) if one.code == "GRD-1"]
    assert found.path == "grids.G03.polygon"
    assert re.fullmatch(r"about 2[01][0-9]{3} m² between G03, G04 are in no grid: .*", found.en)


def test_a_grid_with_its_latitude_first_is_refused_and_the_finding_says_so() -> None:
    raw = drawn(G04=[[north, east] for east, north in box(119.3112, 119.32)])
    with pytest.raises(DocumentsRefused) as refused:
        notices(raw)
    assert [(one.code, one.path) for one in refused.value.findings] == [("E-GRID-SHAPE", "grids.G04.polygon")]
    assert "写反" in refused.value.findings[0].zh


def test_a_stray_grid_of_another_country_is_told_by_its_neighbours() -> None:
    raw = read_files(EXAMPLES / "boston").raw
    first = raw["grids"][0]
    raw["grids"] = [first]
    for number, west in enumerate((-70.7, -70.6, -70.5)):
        corners = [[west, 42.2], [west + 0.05, 42.2], [west + 0.05, 42.3], [west, 42.3]]
        turned = [[north, east] for east, north in corners] if number == 2 else corners
        raw["grids"].append(first | {"code": f"B{number}", "polygon": turned})
    assert refusals(raw) == {"E-GRID-SHAPE grids.B2.polygon"}


def test_a_day_of_seven_and_a_half_hours_can_be_said() -> None:
    windows = ["08:30-12:00", "14:00-18:00"]
    clock = RAW["rulebook"]["clock"] | {"windows": windows, "hours_per_workday": 7}
    assert refusals(ruled(clock=clock)) == {"E-RULEBOOK rulebook.clock"}
    assert refusals(ruled(clock=clock | {"minutes_per_workday": 30})) == set()


def test_who_has_no_english_name_is_called_by_his_own() -> None:
    raw = deepcopy(RAW)
    for section in ("people", "units", "grids", "catalogue"):
        for entry in raw[section]:
            del entry["name_en"]
    assert refusals(raw) == set()
    assert Naming(published(raw).latest).unit("county-housing").en == "县住建局"


def test_a_grid_boundary_may_not_cross_itself() -> None:
    bow_tie = [[119.32, 32.10], [119.33, 32.11], [119.33, 32.10], [119.32, 32.11]]
    assert refusals(written("grids", "code", "G04", polygon=bow_tie)) == {"E-GRID-SHAPE grids.G04.polygon"}


def test_a_grid_boundary_may_not_leave_the_earth() -> None:
    beyond = [[119.32, 32.10], [1e308, 32.10], [119.33, 32.11]]
    assert refusals(written("grids", "code", "G04", polygon=beyond)) == {"E-GRID-SHAPE grids.G04.polygon"}


def test_a_grid_of_the_wrong_size_or_without_worker_is_remarked_not_refused() -> None:
    raw = written("grids", "code", "G03", people=2400, households=700)
    raw["appointments"] = [one for one in raw["appointments"] if one["id"] != "li-fang-grid"]
    remarks = [one.zh for one in notices(raw) if one.path == "grids.G03"]
    assert remarks == ["网格没有网格员", "网格超过 2000 人", "户数不在 200–300 户之内"]


def test_a_unit_without_the_power_cannot_be_named_to_lead() -> None:
    raw = written("catalogue", "code", "fire-lane", leads=[{"unit": "suishan-sanitation"}])
    assert refusals(raw) == {"E-POWER catalogue.fire-lane.leads"}


@pytest.mark.parametrize("lead", [{"of_grid": "village"}, {"unit": "shiqiao-committee"}])
def test_a_village_committee_leads_only_self_governance_matters(lead: dict[str, str]) -> None:
    raw = written("catalogue", "code", "sewer-odour", leads=[lead])
    assert refusals(raw) == {"E-SEP-07 catalogue.sewer-odour.leads"}
    raw["rulebook"] = RAW["rulebook"] | {"separation": {"strength": "compatible"}}
    assert refusals(raw) == set()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"three_rates": RAW["rulebook"]["three_rates"] | {"solved": "0.51"}}, "E-RULEBOOK rulebook.three_rates"),
        ({"clock": RAW["rulebook"]["clock"] | {"hours_per_workday": 7}}, "E-RULEBOOK rulebook.clock"),
        (
            {"clock": RAW["rulebook"]["clock"] | {"windows": ["10:00-14:00", "08:00-12:00"]}},
            "E-RULEBOOK rulebook.clock",
        ),
        ({"limits": {"dispatch": "1wd"}}, "E-RULEBOOK rulebook.limits.sign"),
        ({"handling": {"help": "1wd"}}, "E-RULEBOOK rulebook.handling.consult"),
    ],
)
def test_an_unsound_rulebook_is_refused(changes: dict[str, Any], refusal: str) -> None:
    assert refusal in refusals(ruled(**changes))


def test_the_same_id_twice_is_refused() -> None:
    raw = written("people", "id", "li-fang")
    raw["people"].append({"id": "li-fang", "name_zh": "李芳", "name_en": "Li Fang"})
    assert refusals(raw) == {"E-DUPLICATE PersonPublished li-fang"}
