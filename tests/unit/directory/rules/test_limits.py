"""Which limit holds for a case of the demo town (rulebook.md e.2), and which units may lead it (POW-1, R5–R7)."""

import pytest

from libs.directory.rules.leads import holds_power, lead_candidates
from libs.directory.rules.limits import UnknownClass, Urgency, handling_limit, stage_limit
from libs.events.contracts.parts.rulebook import Kind, Stage
from libs.events.ids import ClassCode, UnitId
from tests.unit.directory.town import VIEW, local, published, written


@pytest.mark.parametrize(
    ("stage", "urgency", "limit"),
    [
        ("intake_phone", "U1", "5min"),
        ("dispatch", "U1", "10min"),
        ("dispatch", "U3", "4wh"),
        ("sign", "U3", "1wd"),
        ("return_request", "U1", "refused"),
        ("review", "U2", "2h"),
        ("verification", "U4", "2wd"),
        ("rework", "U3", "3wd"),
        ("close", "U2", "4wh"),
        ("archive", "U4", "5wd"),
        ("supervision_response", "U3", "2wd"),
    ],
)
def test_a_stage_has_the_limit_of_the_table(stage: Stage, urgency: Urgency, limit: str) -> None:
    assert stage_limit(VIEW, stage, urgency) == limit


@pytest.mark.parametrize(
    ("class_code", "kind", "urgency", "condition", "limit"),
    [
        ("sewer-odour", "complaint", "U3", None, "5wd"),
        ("wage-arrears", "complaint", "U4", None, "15wd"),
        ("gas-leak", "help", "U1", None, "2h"),
        ("village-litter", "grid_livelihood", "U3", None, "3wd"),
        ("neighbour-dispute", "grid_dispute", "U4", None, "20wd"),
        ("manhole", "city_management", "U3", "manhole-surround", "5wd"),
        ("manhole", "city_management", "U1", "manhole-missing", "2h"),
        ("manhole", "city_management", "U3", None, "4wh"),
        ("illegal-building", "city_management", "U3", None, "15wd"),
        ("suggestion", "praise", "U3", None, "none"),
    ],
)
def test_handling_takes_the_filing_condition_then_the_class_then_the_table(
    class_code: str, kind: Kind, urgency: Urgency, condition: str | None, limit: str
) -> None:
    assert handling_limit(VIEW, ClassCode(class_code), kind, urgency, condition) == limit


@pytest.mark.parametrize(
    ("class_code", "kind", "urgency", "condition"),
    [
        ("consultation", "consult", "U1", None),
        ("suggestion", "suggestion", "U2", None),
        ("no-such-class", "help", "U3", None),
        ("manhole", "praise", "U3", None),
        ("manhole", "city_management", "U3", "no-such-condition"),
    ],
)
def test_a_combination_that_does_not_exist_is_refused(
    class_code: str, kind: Kind, urgency: Urgency, condition: str | None
) -> None:
    with pytest.raises(UnknownClass) as refused:
        handling_limit(VIEW, ClassCode(class_code), kind, urgency, condition)
    assert refused.value.code == "E-CLASS"


def leads(class_code: str, at: str, grid: str = "G03") -> list[tuple[str, bool]]:
    item, place = VIEW.catalogue(class_code), VIEW.grid(grid)
    assert item is not None
    assert place is not None
    return [(one.unit, one.holds_power) for one in lead_candidates(VIEW, item, place, local(at))]


def test_candidates_come_lower_level_first_then_by_unit_code() -> None:
    assert leads("village-litter", "2026-11-03 09:00") == [("shiqiao-committee", True), ("suishan-sanitation", True)]
    assert [unit for unit, _ in leads("sewer-odour", "2026-11-03 09:00")] == [
        "county-housing",
        "county-urban",
        "county-water",
    ]


def test_a_delegated_power_ends_with_its_last_day() -> None:
    assert leads("street-stall", "2026-11-29 10:00")[0] == ("suishan-enforcement", True)
    assert leads("street-stall", "2026-12-01 00:00") == [("suishan-enforcement", False), ("county-urban", True)]
    item = VIEW.catalogue("street-stall")
    assert item is not None
    assert not holds_power(item, UnitId("suishan-enforcement"), local("2026-12-01 00:00"), VIEW)
    assert holds_power(item, UnitId("county-urban"), local("2026-12-01 00:00"), VIEW)


def test_the_more_specific_area_goes_first() -> None:
    raw = written(
        "catalogue",
        "code",
        "street-light",
        leads=[
            {"unit": "county-urban"},
            {"unit": "county-water", "area": "320999101"},
            {"unit": "county-gas", "area": "99"},
        ],
    )
    view = published(raw).latest
    item, grid = view.catalogue("street-light"), view.grid("G03")
    assert item is not None
    assert grid is not None
    found = lead_candidates(view, item, grid, local("2026-11-03 09:00"))
    assert [one.unit for one in found] == ["county-water", "county-urban"]
