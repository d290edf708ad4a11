"""Each owner has one list of its events; each event says what it is in a word or two, once, at its class."""

import inspect
import re
from types import ModuleType

import pytest

from libs.events.contracts import registry
from libs.events.event import Event


def written_in(owner: ModuleType) -> set[type[Event]]:
    """Event classes of the module that nothing derives from."""
    kinds = [one for _, one in inspect.getmembers(owner, inspect.isclass) if issubclass(one, Event)]
    return {one for one in kinds if one.__module__ == owner.__name__ and not one.__subclasses__()}


@pytest.mark.parametrize("owner", registry.OWNERS, ids=lambda owner: owner.__name__)
def test_every_event_class_of_a_contract_stands_in_the_union_of_its_owner(owner: ModuleType) -> None:
    assert written_in(owner) == {*owner.EVENTS, *(one for one in registry.OLDER if one.__module__ == owner.__name__)}


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_every_event_has_a_title_in_both_languages(ce_type: str) -> None:
    zh, en = registry.TYPES[ce_type].title

    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert re.fullmatch(r"[a-z][a-z' -]{2,30}", en)


@pytest.mark.parametrize("kind", registry.OLDER)
def test_an_older_version_has_the_title_of_the_newest(kind: type[Event]) -> None:
    name = kind.ce_type.rpartition(".")[0]

    assert {one.title for one in registry.TYPES.values() if one.ce_type.rpartition(".")[0] == name} == {kind.title}


def test_no_two_events_of_an_owner_have_the_same_title() -> None:
    for owner in registry.OWNERS:
        titles = [kind.title for kind in owner.EVENTS]
        assert len(titles) == len(set(titles)), owner.__name__
