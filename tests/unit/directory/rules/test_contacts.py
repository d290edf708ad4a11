"""Where messages reach somebody is shown to whom it concerns; of a webhook never what its receiver takes for a key."""

from typing import Any, get_args

import pytest

from libs.directory.facts.view import View
from libs.directory.rules.contacts import sees_contacts, shown
from libs.events.contracts.directory import ContactPoint, Role
from libs.events.decider import Actor
from libs.events.ids import PersonId, UnitId
from tests.unit.directory.town import VIEW, published, written

HOUSING = UnitId("county-housing")
ALL = {"ADMIN", "AUDITOR", "SUPERVISOR"}
OWN = {"DEPT_CLERK", "DEPT_HANDLER", "DEPT_LEADER", "MACHINE"}
ROLES = (*get_args(Role), "MACHINE", "CITIZEN", "SYSTEM")


def acting(role: str, unit: str, person: str = "fang-yun") -> Actor:
    return Actor(PersonId(person), role, unit=UnitId(unit))


@pytest.mark.parametrize("role", ROLES)
def test_a_unit_s_contact_points_are_for_its_own_people_and_for_who_keeps_the_directory(role: str) -> None:
    unit = VIEW.unit(HOUSING)
    assert unit is not None
    assert sees_contacts(acting(role, HOUSING), unit, VIEW) == (role in ALL | OWN)
    assert sees_contacts(acting(role, "county-urban"), unit, VIEW) == (role in ALL)


@pytest.mark.parametrize("role", ROLES)
def test_a_person_s_contact_points_are_for_himself_and_for_who_keeps_the_directory(role: str) -> None:
    person = VIEW.person(PersonId("ma-jun"))
    assert person is not None
    assert sees_contacts(acting(role, HOUSING), person, VIEW) == (role in ALL), "a colleague of his unit"
    assert sees_contacts(acting(role, HOUSING, "ma-jun"), person, VIEW) == (role in ALL or role != "MACHINE")


def test_through_another_account_he_is_himself() -> None:
    view: View = published(written("people", "id", "ma-jun-2", name_zh="马骏", same_as="ma-jun")).latest
    account = view.person(PersonId("ma-jun-2"))
    assert account is not None
    assert sees_contacts(acting("DEPT_LEADER", HOUSING, "ma-jun"), account, view)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://hooks.example.org/bot/9f8e7d6c?access_token=s3cret", "https://hooks.example.org/…"),
        ("https://he:pa55word@hooks.example.org:8443/x#s3cret", "https://hooks.example.org:8443/…"),
        ("http://[::1]:9/9f8e7d6c", "http://[::1]:9/…"),
        ("https://hooks.example.org:s3cret/x", "/…"),
        ("s3cret", "://"),
    ],
)
def test_of_a_webhook_only_its_host_is_shown(address: str, origin: str) -> None:
    """Also of one that today's checks would refuse and an older publication holds."""
    told = shown(ContactPoint(channel="webhook", address=address)).address
    assert told.startswith(origin)
    assert not any(secret in told for secret in ("s3cret", "9f8e7d6c", "pa55word", "he:"))
    assert told != shown(ContactPoint(channel="webhook", address=f"{address}0")).address, "another one looks other"


@pytest.mark.parametrize("point", [{"channel": "email", "address": "duty@housing.example.org"}, {"channel": "file"}])
def test_what_holds_no_key_is_shown_as_it_is(point: dict[str, Any]) -> None:
    assert shown(ContactPoint(**point)) == ContactPoint(**point)
