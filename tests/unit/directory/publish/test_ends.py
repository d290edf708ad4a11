"""Units, grids and classes end on a date: what a publication may say of it (rulebook.md d.8)."""

from copy import deepcopy
from typing import Any

from libs.directory.facts.places import e7
from libs.directory.rules.naming import Naming
from libs.events.ids import AppointmentId, GridCode, PersonId, UnitId
from tests.unit.directory.town import RAW, local, notices, published, refusals, written

MIDNIGHT = local("2026-12-01 00:00")
EVE = local("2026-11-30 23:59")
ENDS = {"until": "2026-11-30"}


def ended(section: str, key: str, entry: str, **more: Any) -> dict[str, Any]:
    return written(section, key, entry, **ENDS, **more)


def test_a_unit_ends_at_the_end_of_its_last_day_and_is_then_its_successor() -> None:
    view = published(ended("units", "id", "county-housing", succeeded_by="county-urban")).latest
    assert view.living_unit("county-housing", EVE) == "county-housing"
    assert view.living_unit("county-housing", MIDNIGHT) == "county-urban"
    assert view.ends == (MIDNIGHT,)


def test_successors_that_end_are_followed_to_the_last_one() -> None:
    raw = ended("units", "id", "county-housing", succeeded_by="county-urban")
    for unit in raw["units"]:
        if unit["id"] == "county-urban":
            unit |= {"until": "2026-12-31", "succeeded_by": "county-water"}
    view = published(raw).latest
    assert view.living_unit("county-housing", MIDNIGHT) == "county-urban"
    assert view.living_unit("county-housing", local("2027-01-01 00:00")) == "county-water"


def test_a_successor_exists_outlasts_it_and_is_not_itself() -> None:
    unknown = ended("units", "id", "county-housing", succeeded_by="county-roads")
    itself = ended("units", "id", "county-housing", succeeded_by="county-housing")
    endless = written("units", "id", "county-housing", succeeded_by="county-urban")
    assert refusals(unknown) == {"E-REF units.county-housing.succeeded_by"}
    assert refusals(itself) == {"E-REF units.county-housing.succeeded_by"}
    assert refusals(endless) == {"E-END units.county-housing.until"}


def test_a_successor_that_ends_before_is_refused() -> None:
    raw = ended("units", "id", "county-housing", succeeded_by="county-urban")
    for unit in raw["units"]:
        if unit["id"] == "county-urban":
            unit["until"] = "2026-11-29"
    assert refusals(raw) == {"E-END units.county-housing.succeeded_by"}


def test_successors_in_a_circle_are_refused() -> None:
    raw = ended("units", "id", "county-housing", succeeded_by="county-urban")
    for unit in raw["units"]:
        if unit["id"] == "county-urban":
            unit |= {"until": "2026-12-31", "succeeded_by": "county-housing"}
    assert "E-REF units.county-urban.succeeded_by" in refusals(raw)


def test_a_superior_of_living_units_and_grids_names_who_stands_above_them_then() -> None:
    assert refusals(ended("units", "id", "suishan-government")) == {"E-END units.suishan-government.succeeded_by"}
    view = published(ended("units", "id", "suishan-government", succeeded_by="county-centre")).latest
    assert view.ancestors(UnitId("suishan-centre"), EVE)[0] == "suishan-government"
    assert view.ancestors(UnitId("suishan-centre"), MIDNIGHT)[0] == "county-centre"
    assert view.bodies_of("G03", MIDNIGHT)[0] == "county-centre"


def test_posts_that_outlast_their_unit_are_remarked() -> None:
    said = [one.zh for one in notices(ended("units", "id", "county-housing")) if one.path == "units.county-housing"]
    assert said[0].startswith("其任职随之止于 2026-11-30: fang-yun-clerk")
    assert said[1].startswith("此后无单位可主办: ")
    assert "construction-dust" in said[1]


def test_who_moves_when_his_unit_ends_may_hold_there_what_would_exclude_his_old_post() -> None:
    raw = ended("units", "id", "county-housing", succeeded_by="county-urban")
    post = {
        "id": "ma-jun-after",
        "person": "ma-jun",
        "unit": "suishan-centre",
        "role": "SUPERVISOR",
        "basis": "assigned",
    }
    early = {**raw, "appointments": [*raw["appointments"], {**post, "since": "2026-11-30"}]}
    after = {**raw, "appointments": [*raw["appointments"], {**post, "since": "2026-12-01"}]}
    assert refusals(early) != set()
    assert refusals(after) == set()


def test_the_ground_of_a_grid_that_has_ended_is_its_successors() -> None:
    view = published(ended("grids", "code", "G03", succeeded_by="G04")).latest
    place = e7("119.305"), e7("32.105")
    assert view.grid_of(*place, EVE) == "G03"
    assert view.grid_of(*place, MIDNIGHT) == "G04"


def test_a_new_grid_is_drawn_over_one_that_ends_and_waits_for_it() -> None:
    raw = ended("grids", "code", "G03", succeeded_by="G05")
    [old] = [one for one in raw["grids"] if one["code"] == "G03"]
    raw["grids"].append({**{key: old[key] for key in old if key not in ("until", "succeeded_by")}, "code": "G05"})
    assert refusals(raw) == set()
    view = published(raw).latest
    place = e7("119.305"), e7("32.105")
    assert view.grid_of(*place, EVE) == "G03"
    assert view.grid_of(*place, MIDNIGHT) == "G05"


def test_a_post_goes_on_in_the_grid_that_its_own_one_became() -> None:
    view = published(ended("grids", "code", "G03", succeeded_by="G04")).latest
    li_fang = PersonId("li-fang")
    assert view.grids_of(li_fang, EVE) == {"G03"}
    assert view.grids_of(li_fang, MIDNIGHT) == {"G03", "G04"}
    assert li_fang in view.grid_workers(GridCode("G04"), MIDNIGHT)
    assert li_fang not in view.grid_workers(GridCode("G04"), EVE)
    assert view.appointment(AppointmentId("li-fang-grid"))


def test_a_class_is_succeeded_by_one_that_takes_all_its_cases() -> None:
    narrow = ended("catalogue", "code", "street-light", succeeded_by="consultation")
    assert refusals(narrow) == {"E-END catalogue.street-light.succeeded_by"}
    raw = ended("catalogue", "code", "street-light", succeeded_by="lighting")
    [old] = [one for one in raw["catalogue"] if one["code"] == "street-light"]
    raw["catalogue"].append(
        {**{key: old[key] for key in old if key not in ("until", "succeeded_by")}, "code": "lighting"}
    )
    assert published(raw).latest.living_class("street-light", MIDNIGHT) == "lighting"


def test_a_name_says_for_ever_until_when_it_was_so_and_what_it_became() -> None:
    view = published(ended("units", "id", "county-housing", succeeded_by="county-urban")).latest
    said = Naming(view).unit("county-housing")
    assert said.zh == "县住建局(至 2026-11-30, 后为县城管局)"
    assert said.en.endswith("(until 2026-11-30, then County Urban Management Bureau)")
    assert Naming(view).unit("county-urban").zh == "县城管局"


def test_documents_that_say_nothing_of_an_end_are_as_before() -> None:
    assert published(deepcopy(RAW)).latest.ends == ()
