"""By which channels people, units and reporters are told, and what the directory refuses as an address."""

from typing import Any

import pytest

from libs.case.testing import log_of
from libs.directory.facts.view import View
from libs.directory.rules.contacts import mobile_of
from libs.events.contracts import intake, routing
from libs.events.event import Event, Sealed
from libs.events.ids import PersonId, UnitId
from services.notify.channels.channel import FileChannel
from services.notify.channels.configured import lines_of
from services.notify.channels.posting import SmsChannel
from services.notify.domain.telling import Message
from services.notify.reactions import react
from tests.unit.directory.town import VIEW, local, published, refusals, ruled, written
from tests.unit.notify.cases import CLOSED, DISPATCHED, appeal

SEALED = Sealed(sealed="k/case", type="t", field="report", nonce="", data="")
HOOK = {"channel": "webhook", "address": "https://housing.example.org/hook"}
MAIL = {"channel": "email", "address": "fang.yun@housing.example.org"}
PHONE = {"channel": "sms", "address": "+8613800000001"}
FANG_YUN_TWICE = published(written("people", "id", "fang-yun", contacts=[MAIL, PHONE])).latest


def messages(view: View, event: Event = DISPATCHED, at: str = "2026-11-02 09:00", **case: Any) -> list[Message]:
    (recorded,) = log_of((local(at), event))
    return [one for command in react(recorded, appeal(**case), view) for one in command.messages]


def told(view: View, event: Event = DISPATCHED) -> list[tuple[str, str]]:
    return [(one.recipient, one.channel) for one in messages(view, event)]


def test_who_has_two_contact_points_gets_one_message_by_each() -> None:
    assert told(FANG_YUN_TWICE) == [("person:fang-yun", "email"), ("person:fang-yun", "sms")]


def test_a_unit_with_a_system_of_its_own_is_told_whatever_its_clerks_are_told() -> None:
    view = published(written("units", "id", "county-housing", contacts=[HOOK])).latest

    assert told(view) == [("person:fang-yun", "file"), ("unit:county-housing", "webhook")]


def test_the_rulebook_says_how_a_reporter_is_told_and_whoever_has_no_contact_point() -> None:
    view = published(ruled(messages={"reporter": ["sms", "email"], "without_contact": "email"})).latest

    assert told(view, CLOSED) == [("reporter", "sms"), ("reporter", "email")]
    assert told(view) == [("person:fang-yun", "email")]


def test_a_message_at_night_waits_for_the_morning_unless_it_is_urgent() -> None:
    raw = written("people", "id", "fang-yun", contacts=[PHONE])
    raw["rulebook"]["messages"] = {"quiet": {"begins": "21:30", "ends": "07:30"}}
    view = published(raw).latest

    (waits,) = messages(view, at="2026-11-02 23:00")
    (at_once,) = messages(view, at="2026-11-02 23:00", urgency="U2")
    assert (waits.send_at, waits.digest) == (local("2026-11-03 07:30"), False)
    assert at_once.send_at is None


def test_a_digest_is_asked_for_at_the_contact_point() -> None:
    view = published(written("people", "id", "fang-yun", contacts=[MAIL | {"digest": True}])).latest

    (gathered,) = messages(view)
    (urgent,) = messages(view, urgency="U1")
    assert (gathered.send_at, gathered.digest) == (local("2026-11-03 08:30"), True)
    assert (urgent.send_at, urgent.digest) == (None, False)


def test_a_notice_that_finds_no_post_at_all_is_reported_and_not_forgotten() -> None:
    # A co-unit reports while nobody leads the case: its return was approved in between.
    reported = routing.CoUnitReported(unit=UnitId("county-water"), reported_by=PersonId("cao-ying"), report=SEALED)

    (nobody,) = messages(VIEW, reported, unit=None)

    assert (nobody.recipient, nobody.dropped) == ("nobody", "NO_RECIPIENT")


def test_what_only_a_reporter_would_be_told_needs_nobody_where_there_is_none() -> None:
    assert (
        messages(VIEW, intake.AppealWithdrawn(proof="SECRET", continues=False), found="GRID_REPORT", reporter_kind=None)
        == []
    )


@pytest.mark.parametrize(
    "point",
    [
        HOOK | {"address": "http://housing.example.org/hook"},
        HOOK | {"address": "nowhere"},
        MAIL | {"address": "fang.yun"},
        HOOK | {"address": "https://"},
        HOOK | {"address": "https://[::1/hook"},
        HOOK | {"address": "https://housing..example.org/hook"},
        HOOK | {"address": "https://clerk:word@housing.example.org/hook"},
        HOOK | {"address": "https://169.254.169.254/"},
        HOOK | {"address": "https://[ff02::1]/"},
        MAIL | {"address": "a@b.org, c@d.org"},
        MAIL | {"address": "a@b.org;c"},
        MAIL | {"address": "fang.yun@housing..example.org"},
        MAIL | {"address": "fang.yun@["},
    ],
)
def test_an_address_that_cannot_work_is_refused_before_it_is_published(point: dict[str, str]) -> None:
    assert refusals(written("people", "id", "fang-yun", contacts=[point])) == {"E-CONTACT people.fang-yun.contacts"}


@pytest.mark.parametrize(
    ("written_", "code"),
    [
        ("office", "E-TELEPHONE"),
        ("", "E-TELEPHONE"),
        ("1380000000", "E-TELEPHONE"),
        ("13800000001/61", "E-TELEPHONE"),
        ("99999999999", "E-TELEPHONE"),
        ("0512-66660000转801", "E-CONTACT"),
        ("12345", "E-CONTACT"),
    ],
)
def test_a_telephone_is_read_as_everywhere_and_refused_with_its_place(written_: str, code: str) -> None:
    raw = written("people", "id", "fang-yun", contacts=[PHONE | {"address": written_}])
    assert refusals(raw) == {f"{code} people.fang-yun.contacts.0.address"}


@pytest.mark.parametrize("written_", ["+86 138-0000-0001", "１３８ 0000 0001", "0512-66660000/13800000001（值班）"])
def test_a_telephone_may_be_written_as_people_write_it(written_: str) -> None:
    raw = written("people", "id", "fang-yun", contacts=[PHONE | {"address": written_}])
    assert (refusals(raw), mobile_of(written_)) == (set(), "13800000001")


def test_two_points_on_one_channel_are_refused() -> None:
    raw = written("units", "id", "county-housing", contacts=[HOOK, HOOK])

    assert refusals(raw) == {"E-CONTACT units.county-housing.contacts"}


def test_a_receiver_on_this_machine_may_do_without_tls() -> None:
    local_one = HOOK | {"address": "http://127.0.0.1:9000/hook"}

    assert refusals(written("units", "id", "county-housing", contacts=[local_one])) == set()


def test_without_another_channel_the_file_channel_takes_every_message(tmp_path: Any) -> None:
    (line,) = lines_of({"file": FileChannel(tmp_path)})

    assert set(line.names) == {"file", "webhook", "email", "sms"}


def test_each_channel_has_a_line_of_its_own_and_what_is_not_configured_fails_visibly(tmp_path: Any) -> None:
    lines = lines_of({"file": FileChannel(tmp_path), "sms": SmsChannel("http://127.0.0.1:1/")})

    assert [(line.names, line.carrier is not None) for line in lines] == [
        (("file",), True),
        (("sms",), True),
        (("webhook", "email"), False),
    ]
