"""What the store adds, and the event on the wire."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest

from libs.events.contracts.intake import CaseVoided
from libs.events.decider import Actor
from libs.events.envelope import Provenance, draft, from_kafka, microseconds, recorded, wire_instant
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.ids import AppointmentId, PersonId
from libs.events.lanes import CHAIN_HEADERS, Headers, decode_meta, encode_meta
from tests.unit.log.chains import CASE, LANE, MORNING, VOIDED, Chain

OPERATOR = Actor(PersonId("zhou-min"), "OPERATOR", AppointmentId("zhou-min-hotline"))


@dataclass
class KafkaRecord:
    """As aiokafka hands it over."""

    headers: Headers
    value: bytes | None
    topic: str = "case.events"
    partition: int = LANE
    offset: int = 7
    extra: dict[str, str] = field(default_factory=dict)


def on_the_wire(**changed: bytes | None) -> KafkaRecord:
    record = Chain().add()
    headers = [*record.headers, *record.position.headers()]
    names = {f"ce_{name}": value for name, value in changed.items()}
    kept = [(name, names.get(name, value)) for name, value in headers]
    return KafkaRecord([(name, value) for name, value in kept if value is not None], record.body)


def test_an_event_read_from_the_log_is_the_one_that_was_written() -> None:
    written = Chain().add()
    read = from_kafka(KafkaRecord([*written.headers, *written.position.headers()], written.body))
    assert (read.position, read.source, read.body) == (written.position, "/xunban/intake", written.body)
    assert read.headers == written.headers
    assert read.decode().data == VOIDED


def test_the_bytes_that_were_read_give_the_hash_that_was_written() -> None:
    read = from_kafka(on_the_wire())
    assert read.position.expected_hash(encode_meta(read.headers), read.body) == read.position.hash


def test_the_six_chain_headers_follow_all_others_and_are_not_hashed_as_such() -> None:
    record = Chain().add()
    assert tuple(name for name, _ in record.position.headers()) == CHAIN_HEADERS
    assert not set(CHAIN_HEADERS) & {name for name, _ in record.headers}


def test_a_draft_says_who_acted_in_which_appointment_on_which_directory() -> None:
    by = Provenance(OPERATOR, 41, "e-1", MORNING, "00-trace-01")
    made = draft(VOIDED, b"{}", source="/xunban/intake", subject=CASE, stream=f"case-{CASE}", at=MORNING, by=by)
    said = dict(decode_meta(made.meta))
    assert (said["ce_actor"], said["ce_appointment"]) == (b"zhou-min", b"zhou-min-hotline")
    assert (said["ce_directoryversion"], said["ce_causationid"]) == (b"41", b"e-1")
    assert (said["ce_type"], said["ce_specversion"]) == (b"intake.case-voided.v1", b"1.0")
    assert said["ce_time"] == b"2026-11-02T01:00:00.000000Z"


def test_what_is_not_known_is_absent_from_the_wire() -> None:
    made = draft(
        VOIDED, b"{}", source="/s", subject=CASE, stream="s", at=MORNING, by=Provenance(Actor(PersonId("x"), "R"), 0)
    )
    assert not {"ce_appointment", "ce_causationid", "ce_traceparent"} & dict(decode_meta(made.meta)).keys()


def test_instants_stand_in_utc_with_six_digits() -> None:
    in_china = datetime(2026, 11, 2, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    assert wire_instant(in_china) == "2026-11-02T01:00:00.000001Z"
    assert microseconds(in_china) == 1_793_581_200_000_001


def test_microseconds_of_the_far_past_and_future_are_exact() -> None:
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert microseconds(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == 253_402_300_799_999_999


@pytest.mark.parametrize(
    "changed",
    [
        {"laneseq": None},
        {"source": None},
        {"laneseq": b"one"},
        {"laneseq": b"-1"},
        {"laneseq": b"18446744073709551616"},
        {"streamversion": b"4294967296"},
        {"lane": b"70000"},
        {"recordedat": b"yesterday"},
        {"recordedat": b"2026-11-02T01:00:00"},
        {"hash": b"not hexadecimal"},
        {"prevhash": b"00"},
        {"hash": b"\xff\xfe"},
        {"source": b"\xff"},
    ],
    ids=str,
)
def test_a_record_that_is_not_one_of_ours_breaks_the_chain(changed: dict[str, bytes | None]) -> None:
    with pytest.raises(ChainBroken, match="offset 7"):
        from_kafka(on_the_wire(**changed))


def test_a_type_newer_than_this_code_is_unknown() -> None:
    with pytest.raises(UnknownEvent, match=r"intake\.case-voided\.v2"):
        Chain().add(ce_type="intake.case-voided.v2").decode()


def test_a_field_that_this_code_does_not_know_yet_is_no_obstacle() -> None:
    read = Chain().add(body=b'{"voided_by":"zhou-min","reason":"x","since_then":1}').decode()
    assert read.data == CaseVoided(voided_by=PersonId("zhou-min"), reason="x")


@pytest.mark.parametrize("body", [b"", b"null", b"{", b'{"voided_by":"zhou-min"}', b"\xff"])
def test_a_body_that_its_type_does_not_allow_is_unknown_and_not_repeated(body: bytes) -> None:
    with pytest.raises(UnknownEvent) as unknown:
        Chain().add(body=body).decode()
    assert "zhou-min" not in str(unknown.value)


def test_an_event_answers_for_its_headers() -> None:
    event = Chain().add().decode()
    assert (event.source, event.type, event.subject) == ("/xunban/intake", "intake.case-voided.v1", CASE)
    assert (event.stream, event.actor, event.directory_version) == (f"case-{CASE}", "system", 0)
    assert (event.time, event.recorded_at) == (MORNING, MORNING + timedelta(seconds=1))


def test_a_record_without_the_headers_of_an_event_is_unknown() -> None:
    record = Chain().add()
    with pytest.raises(UnknownEvent):
        recorded(record.position, [header for header in record.headers if header[0] != "ce_type"], record.body)
