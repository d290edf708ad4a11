"""The route of a case: catalogue, area, power, level and separation, with every reason in words."""

from libs.case.facts import Facts
from libs.case.testing import case_of, given
from libs.events.contracts.routing import RouteProposed, RouteRejected
from libs.events.decider import SYSTEM
from libs.events.event import Event
from services.routing.domain import route as rules
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import ProposeRoute
from tests.unit.directory.town import VIEW, local, published, written
from tests.unit.routing.givens import (
    ENFORCEMENT,
    HOUSING,
    LITTER,
    NINE,
    SANITATION,
    TEN,
    URBAN,
    VILLAGE,
    facts,
    registered,
)


def proposal(events: tuple[Event, ...]) -> RouteProposed:
    [proposed] = [event for event in events if isinstance(event, RouteProposed)]
    return proposed


def test_a_self_governance_matter_goes_to_the_village_committee() -> None:
    proposed = proposal(given(DECIDER).when(ProposeRoute(TEN, SYSTEM), facts(*LITTER)).events)
    assert (proposed.unit, proposed.candidates) == (VILLAGE, (VILLAGE, SANITATION))
    assert [step.rule for step in proposed.chain] == ["R5", "R6", "R7", "R8", "SEP-06", "R12"]
    assert all(step.zh and step.en for step in proposed.chain)


def test_the_town_station_takes_over_when_everybody_of_the_village_is_a_finder_or_barred() -> None:
    """刘桂兰 found it, and 王建国 patrols the grid: nobody of the committee is left (SEP-07)."""
    case = case_of(*LITTER).model_copy(update={"discoverers": {"liu-guilan": ("e-1",)}})
    events = given(DECIDER).when(ProposeRoute(TEN, SYSTEM), Facts(case, VIEW)).events
    assert proposal(events).unit == SANITATION
    [skipped] = [event for event in events if isinstance(event, RouteRejected)]
    assert (skipped.unit, skipped.rule) == (VILLAGE, "SEP-07")
    assert "石桥村委会" in skipped.zh
    assert [step.rule for step in proposal(events).chain][:2] == ["R5", "SEP-07"]


def test_a_delegated_power_leads_until_its_last_day() -> None:
    case = case_of(*registered("street-stall"))
    route = rules.propose(case, VIEW, local("2026-11-29 10:00"))
    assert (route.unit, route.rejected) == (ENFORCEMENT, ())
    assert "县政府放权决定 / delegation by the county (2026-11-30 止)" in route.chain[1].zh


def test_an_expired_delegation_sends_the_case_to_the_county_and_says_so() -> None:
    route = rules.propose(case_of(*registered("street-stall")), VIEW, local("2026-12-01 00:00"))
    assert route.unit == URBAN
    [skipped] = route.rejected
    assert (skipped.unit, skipped.rule) == (ENFORCEMENT, "POW-1")
    assert "已于 2026-11-30 到期" in skipped.zh
    assert "expired on 2026-11-30" in skipped.en


def test_a_unit_named_for_the_village_s_own_area_is_preferred_to_one_named_for_everywhere() -> None:
    leads = [{"unit": "county-urban"}, {"unit": "county-housing", "area": "320999101"}]
    view = published(written("catalogue", "code", "sewer-odour", leads=leads)).latest
    route = rules.propose(case_of(*registered("sewer-odour")), view, TEN)
    assert (route.unit, route.candidates) == (HOUSING, (HOUSING, URBAN))


def test_among_equals_the_smaller_unit_code_is_chosen() -> None:
    route = rules.propose(case_of(*registered("sewer-odour")), VIEW, TEN)
    assert route.candidates == ("county-housing", "county-urban", "county-water")
    assert route.unit == HOUSING


def test_no_unit_is_proposed_where_nobody_could_take_it() -> None:
    everywhere = published(written("catalogue", "code", "sewer-odour", leads=[{"unit": "county-government"}])).latest
    route = rules.propose(case_of(*registered("sewer-odour")), everywhere, TEN)
    assert route.unit is None
    assert [one.rule for one in route.rejected] == ["SEP-07"]
    assert route.chain[-2].rule == "R11"


def test_the_same_case_and_directory_always_give_the_same_route() -> None:
    case = case_of(*registered("sewer-odour"))
    assert rules.propose(case, VIEW, TEN) == rules.propose(case, VIEW, TEN)


def test_a_route_is_proposed_once() -> None:
    [proposed] = given(DECIDER).when(ProposeRoute(NINE, SYSTEM), facts(*LITTER)).events
    given(DECIDER, proposed).when(ProposeRoute(NINE, SYSTEM), facts(*LITTER)).then()
