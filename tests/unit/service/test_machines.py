"""A department's own system calls as a machine that is bound to one unit: it sees what the unit sees, no more."""

from libs.case.access import Sight, sight
from libs.case.testing import case_of
from libs.service.callers import Caller, actor
from tests.unit.directory.town import VIEW
from tests.unit.routing.givens import HOUSING, NINE, ODOUR, TEN, URBAN, dispatched

AT_HOUSING = case_of(*ODOUR, (TEN, dispatched(HOUSING, "sewer-odour")))


def seen(*scopes: str) -> Sight:
    """What a machine with these scopes sees."""
    return sight(
        actor(VIEW, Caller("department-system", machine=True, scopes=frozenset(scopes)), None, NINE), VIEW, NINE
    )


def test_a_machine_of_a_unit_sees_the_cases_of_the_unit() -> None:
    assert seen(f"unit:{HOUSING}").sees(AT_HOUSING)


def test_a_machine_of_another_unit_sees_nothing_of_it() -> None:
    assert not seen(f"unit:{URBAN}").sees(AT_HOUSING)


def test_a_machine_that_names_two_units_belongs_to_none() -> None:
    assert seen(f"unit:{HOUSING}", f"unit:{URBAN}") == Sight()


def test_a_machine_without_a_scope_of_a_unit_sees_nothing() -> None:
    assert seen("directory", "clock") == Sight()
