"""Versions of the directory: what was true at which version, and what is not there yet."""

import pytest

from libs.directory.facts.directory import Directory, NotThereYet, stream_of
from libs.events.contracts.directory import LogOpened, PersonPublished
from libs.events.contracts.routing import RouteProposed
from libs.events.ids import EventId, PersonId
from tests.unit.directory.town import TOWN, VIEW

LI_FANG = PersonId("li-fang")
AS_LI_FANG = PersonPublished(id=LI_FANG, name_zh="李芳", name_en="Li Fang")
AS_LEE = PersonPublished(id=LI_FANG, name_zh="李芳", name_en="Lee Fang")


def test_the_last_fact_about_a_key_holds_and_earlier_versions_stay_readable() -> None:
    directory = Directory().with_event(4, AS_LI_FANG).with_event(9, AS_LEE)
    assert directory.at(3).person("li-fang") is None
    assert directory.at(4).person("li-fang") == AS_LI_FANG
    assert directory.at(8).person("li-fang") == AS_LI_FANG
    assert directory.at(9).person("li-fang") == AS_LEE
    assert directory.latest.version == 9


def test_a_version_of_the_future_is_not_there_yet() -> None:
    directory = Directory().with_event(4, AS_LI_FANG)
    with pytest.raises(NotThereYet) as refused:
        directory.at(5)
    assert (refused.value.asked, refused.value.applied) == (5, 4)


def test_an_event_already_applied_changes_nothing() -> None:
    directory = Directory().with_event(4, AS_LI_FANG)
    assert directory.with_event(4, AS_LEE) is directory


def test_an_older_directory_is_not_touched_by_a_newer_one() -> None:
    before = Directory().with_event(4, AS_LI_FANG)
    before.with_event(9, AS_LEE)
    assert before.latest.person("li-fang") == AS_LI_FANG


def test_an_event_of_the_lane_that_states_no_fact_still_moves_the_version() -> None:
    directory = (
        Directory()
        .with_event(4, AS_LI_FANG)
        .with_event(5, RouteProposed(unit=None, candidates=(), chain=(), dispatch="confirm"))
    )
    assert directory.version == 5
    assert directory.latest.person("li-fang") == AS_LI_FANG


def test_a_fact_names_the_event_that_published_it() -> None:
    directory = Directory().with_event(4, AS_LI_FANG, EventId("e-4")).with_event(9, AS_LEE, EventId("e-9"))
    assert directory.at(4).published_by(PersonPublished, "li-fang") == "e-4"
    assert directory.latest.published_by(PersonPublished, "li-fang") == "e-9"


def test_facts_go_to_the_streams_of_the_rulebook() -> None:
    streams = {stream_of(fact.event) for fact in VIEW.facts.values()}
    assert {"person-li-fang", "unit-shiqiao-committee", "grid-G03", "catalogue", "rulebook", "calendar-2026"} <= streams
    assert stream_of(LogOpened(mode="manual")) == "log"
    appointment = VIEW.appointment("wang-jianguo-grid")
    assert appointment is not None
    assert stream_of(appointment) == "person-wang-jianguo"


def test_no_floating_point_number_is_published() -> None:
    assert not [fact for fact in TOWN.latest.facts.values() if _floats(fact.event.model_dump(mode="json"))]


def _floats(value: object) -> bool:
    match value:
        case dict():
            return any(_floats(part) for part in value.values())
        case list():
            return any(_floats(part) for part in value)
        case _:
            return isinstance(value, float)
