"""Working hours that nobody can work, or that are said twice, are refused with their line; gaps are remarked."""

from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.directory.publish.apply import decide_apply
from libs.directory.publish.documents import read_documents
from tests.unit.directory.town import RAW, refusals

DAY = ["08:00-12:00", "14:00-18:00"]
HOUSING = {"unit": "county-housing"}


def with_hours(*hours: dict[str, Any]) -> dict[str, Any]:
    return RAW | {"years": RAW["years"] | {2026: RAW["years"][2026] | {"hours": [*hours]}}}


def days(first: str, last: str, **more: Any) -> dict[str, Any]:
    return {"windows": DAY, "first_day": first, "last_day": last, **more}


@pytest.mark.parametrize(
    ("hours", "places"),
    [
        ([{"windows": ["22:00-02:00"]}], {"0.windows.0"}),
        ([{"windows": ["08:00-08:00"]}], {"0.windows.0"}),
        ([{"windows": ["08:00-12:00", "11:00-18:00"]}], {"0.windows.1"}),
        ([{"windows": ["08:00-12:00", "12:00-18:00"]}], {"0.windows.1"}),
        ([{"windows": ["14:00-18:00", "08:00-12:00"]}], {"0.windows.1"}),
        ([days("11-01", "02-28")], {"0.first_day"}),
        ([{"windows": DAY, "first_day": "06-01"}], {"0.first_day"}),
        ([days("06-01", "09-30"), days("09-30", "12-31")], {"1"}),
        ([days("06-01", "09-30", **HOUSING), days("07-01", "07-01", **HOUSING)], {"1"}),
        ([{"windows": DAY}, {"windows": ["09:00-17:00"]}], {"1"}),
    ],
    ids=str,
)
def test_what_cannot_be_worked_is_refused_where_it_stands(hours: list[dict[str, Any]], places: set[str]) -> None:
    assert refusals(with_hours(*hours)) == {f"E-CALENDAR years.2026.hours.{place}" for place in places}


def test_a_unit_that_is_not_there_and_a_day_that_is_none_are_refused() -> None:
    assert refusals(with_hours({"windows": DAY, "unit": "nobody"})) == {"E-REF years.2026.hours.0.unit"}
    assert refusals(with_hours(days("02-30", "03-01")))
    assert refusals(with_hours({"windows": DAY, "from": "06-01"}))


@pytest.mark.parametrize(
    "hours",
    [
        [days("06-01", "09-30"), {"windows": ["09:00-17:00"]}],
        [days("06-01", "09-30"), days("06-01", "09-30", **HOUSING)],
        [days("01-01", "05-31"), days("06-01", "12-31")],
        [{"windows": ["00:00-24:00"]}],
    ],
    ids=str,
)
def test_what_real_towns_have_is_published(hours: list[dict[str, Any]]) -> None:
    assert refusals(with_hours(*hours)) == set()


def test_days_between_two_seasons_are_remarked() -> None:
    plan = decide_apply(Directory().latest, read_documents(with_hours(days("10-02", "12-31"), days("06-01", "09-30"))))
    (gap,) = [one for one in plan.findings if one.code == "CLK-06"]
    assert (gap.severity, gap.path) == ("notice", "years.2026.hours.0")
    assert "10-01 before it" in gap.en
