"""Questions to the directory: appointments in time, natural persons, grids and places, the tree of units."""

from copy import deepcopy

import pytest

from libs.directory.facts.places import e7
from libs.directory.facts.view import View
from libs.events.errors import NotFound
from libs.events.ids import PersonId, UnitId
from tests.unit.directory.town import RAW, VIEW, local, published

WANG = PersonId("wang-jianguo")
LI_FANG = PersonId("li-fang")
NOVEMBER = local("2026-11-04 09:00")


def test_an_appointment_begins_with_its_first_day_and_ends_with_its_last() -> None:
    assert not VIEW.is_grid_worker(WANG, local("2026-09-15 23:59:59"))
    assert VIEW.is_grid_worker(WANG, local("2026-09-16 00:00"))
    assert VIEW.is_grid_worker(WANG, local("2026-12-14 23:59:59"))
    assert not VIEW.is_grid_worker(WANG, local("2026-12-15 00:00"))


def test_a_dual_hatted_cadre_is_in_both_units() -> None:
    assert VIEW.units_of(WANG, NOVEMBER) == {"shiqiao-committee", "suishan-centre"}
    assert VIEW.grids_of(WANG, NOVEMBER) == {"G04"}


def test_grid_workers_of_a_grid_are_found_through_their_appointments() -> None:
    assert VIEW.grid_workers(VIEW.grids[0].code, NOVEMBER) == ("li-fang",)
    assert VIEW.grid_workers(VIEW.grids[1].code, NOVEMBER) == ("wang-jianguo", "zhao-qiang")


def test_holders_of_a_role_are_asked_per_unit_or_everywhere() -> None:
    assert VIEW.holders("DEPT_HANDLER", UnitId("county-housing"), NOVEMBER) == ("he-wei", "zheng-kai")
    assert VIEW.holders("DISPATCHER", None, NOVEMBER) == ("chen-li",)
    assert VIEW.holders("DISPATCHER", None, local("2025-12-31 23:59")) == ()


def test_a_second_account_is_the_same_natural_person() -> None:
    raw = deepcopy(RAW)
    raw["people"].append({"id": "lf-2", "name_zh": "李芳", "name_en": "Li Fang", "same_as": "li-fang"})
    view = published(raw).latest
    assert view.natural(PersonId("lf-2")) == "li-fang"
    assert view.is_grid_worker(PersonId("lf-2"), NOVEMBER)


@pytest.mark.parametrize(
    ("longitude", "latitude", "grid"),
    [
        ("119.3050", "32.1050", "G03"),
        ("119.3150", "32.1050", "G04"),
        ("119.3112", "32.1050", "G03"),  # on the border that both share
        ("119.3000", "32.1000", "G03"),  # a corner
        ("119.2999999", "32.1000", None),
        ("118.0", "32.0", None),
    ],
)
def test_a_place_lies_in_one_grid_or_in_none(longitude: str, latitude: str, grid: str | None) -> None:
    assert VIEW.grid_of(e7(longitude), e7(latitude), NOVEMBER) == grid


def test_degrees_become_integers_without_loss() -> None:
    assert e7(119.3112) == 1_193_112_000
    assert e7("-71.0771999") == -710_771_999


def test_superiors_are_named_nearest_first() -> None:
    assert VIEW.ancestors(UnitId("shiqiao-committee")) == ("suishan-government", "county-government")
    assert VIEW.ancestors(UnitId("county-government")) == ()


def test_what_is_not_known_is_none_and_a_missing_rulebook_is_not_found() -> None:
    assert VIEW.unit("no-such-unit") is None
    assert VIEW.calendar(1999) is None
    with pytest.raises(NotFound):
        _ = View(0, {}).rulebook
