"""The checker finds every way to tamper with a log, and names lane and sequence."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

from libs.audit.checks.chain import Checker
from libs.audit.checks.claims import Topics
from libs.audit.checks.findings import Fault
from libs.events.contracts.notify import MessageSent
from libs.events.ids import MessageId
from tests.unit.audit.logs import (
    ASSIGNED,
    CASE,
    DISPATCHED,
    MORNING,
    OTHER_CASE,
    SIGNED,
    Writer,
    WrittenRecord,
    sound_log,
    with_header,
)

ROUTING = "/xunban/routing"
SENT = MessageSent(message_id=MessageId("a" * 32), channel="file", receipt="1")


def checked(records: list[WrittenRecord]) -> Checker:
    checker = Checker()
    checker.check_all(records)
    return checker


def faults(records: list[WrittenRecord]) -> list[tuple[Fault, str | None, int | None, int | None]]:
    return [(found.fault, found.source, found.lane, found.seq) for found in checked(records).findings]


def test_a_sound_log_has_no_findings_and_is_counted() -> None:
    checker = checked(sound_log())

    assert checker.findings == []
    assert (checker.events, checker.duplicates, len(checker.heads)) == (6, 0, 2)
    assert checker.size > 3000


def test_what_notify_tells_of_a_draft_of_the_directory_is_sound_in_the_lane_of_its_id() -> None:
    writer = Writer()
    writer.append(SENT, kind="notice")
    assert faults(writer.records) == []
    writer.append(SENT, kind="draft")
    assert [fault for fault, *_ in faults(writer.records)] == [Fault.FOREIGN]


def test_a_missing_event_is_a_gap_and_nothing_after_it_is_blamed() -> None:
    log = sound_log()
    del log[3]

    assert faults(log) == [(Fault.GAP, ROUTING, 2, 4)]
    assert "3–3" in checked(log).findings[0].detail


def test_a_log_without_its_first_event_has_a_gap() -> None:
    assert faults(sound_log()[2:]) == [(Fault.GAP, ROUTING, 2, 2)]


def test_two_swapped_events_show_as_a_gap_and_a_late_one() -> None:
    log = sound_log()
    log[2], log[3] = log[3], log[2]

    assert faults(log) == [(Fault.GAP, ROUTING, 2, 3), (Fault.ORDER, ROUTING, 2, 2)]
    assert checked(log).events == 6


def test_one_flipped_bit_of_a_body_is_found() -> None:
    log = sound_log()
    body = log[2].value or b""
    log[2].value = bytes([body[0] ^ 1]) + body[1:]

    assert faults(log) == [(Fault.CONTENT, ROUTING, 2, 2)]


def test_a_changed_header_is_found() -> None:
    log = sound_log()
    log[2] = with_header(log[2], "ce_actor", b"somebody-else")

    assert faults(log) == [(Fault.CONTENT, ROUTING, 2, 2)]


def test_an_event_rewritten_with_a_hash_of_its_own_breaks_the_chain_after_it() -> None:
    writer = Writer()
    writer.append(DISPATCHED)
    forger = deepcopy(writer)
    genuine, after = writer.append(SIGNED), writer.append(ASSIGNED)
    forged = forger.append(ASSIGNED)

    assert faults([writer.records[0], genuine, after]) == []
    assert faults([writer.records[0], forged, after]) == [(Fault.CHAIN, ROUTING, 2, 3)]


def test_an_identical_duplicate_is_counted_and_is_no_fault() -> None:
    log = sound_log()
    log.insert(4, log[2])
    checker = checked(log)

    assert checker.findings == []
    assert (checker.events, checker.duplicates) == (6, 1)


def test_a_second_event_with_the_same_number_is_a_fork() -> None:
    forger = Writer()
    forger.append(DISPATCHED)
    other = forger.append(ASSIGNED)

    assert faults([*sound_log(), other]) == [(Fault.FORK, ROUTING, 2, 2)]


def test_a_duplicate_with_another_body_is_not_taken_for_one() -> None:
    log = sound_log()
    log.append(replace(log[2], value=b"{}"))

    assert faults(log) == [(Fault.CONTENT, ROUTING, 2, 2)]
    assert checked(log).duplicates == 0


def test_a_record_without_our_headers_is_foreign() -> None:
    stranger = WrittenRecord("case.events", 2, 6, b"x", b"{}", [("ce_id", b"1")])
    found = checked([*sound_log(), stranger]).findings

    assert [(one.fault, one.partition, one.offset) for one in found] == [(Fault.FOREIGN, 2, 6)]
    assert checked([*sound_log(), with_header(sound_log()[5], "ce_hash", b"xyz")]).findings[0].fault == Fault.FOREIGN


def test_a_record_of_an_unknown_source_is_foreign() -> None:
    log = sound_log()
    log.append(with_header(log[5], "ce_source", b"/elsewhere"))

    assert [found.fault for found in checked(log).findings] == [Fault.FOREIGN]


def test_an_event_that_its_source_does_not_own_is_foreign() -> None:
    log = sound_log()
    log[2] = with_header(log[2], "ce_type", b"supervision.case-closed.v1")

    assert (Fault.FOREIGN, ROUTING, 2, 2) in faults(log)


def test_a_record_in_another_partition_than_its_lane_is_foreign() -> None:
    log = sound_log()
    log.append(replace(log[5], partition=3))

    assert faults(log) == [(Fault.FOREIGN, ROUTING, 2, 5)]


def test_a_case_in_a_lane_that_is_not_its_own_is_foreign() -> None:
    log = sound_log()
    changed = with_header(log[2], "ce_subject", OTHER_CASE.encode())
    log[2] = replace(with_header(changed, "ce_stream", f"case-{OTHER_CASE}".encode()), key=OTHER_CASE.encode())

    assert faults(log) == [(Fault.FOREIGN, ROUTING, 2, 2), (Fault.CONTENT, ROUTING, 2, 2)]


def test_a_record_key_that_names_another_case_is_foreign_though_no_hash_covers_it() -> None:
    log = sound_log()
    log[2] = replace(log[2], key=OTHER_CASE.encode())

    assert faults(log) == [(Fault.FOREIGN, ROUTING, 2, 2)]


def test_a_stream_of_another_case_is_foreign() -> None:
    log = sound_log()
    log[2] = with_header(log[2], "ce_stream", f"case-{OTHER_CASE}".encode())

    assert faults(log) == [(Fault.FOREIGN, ROUTING, 2, 2), (Fault.CONTENT, ROUTING, 2, 2)]


def test_time_never_goes_back_in_a_lane() -> None:
    writer = Writer()
    writer.append(DISPATCHED, at=MORNING)
    writer.append(SIGNED, at=MORNING - timedelta(microseconds=1))

    assert faults(writer.records) == [(Fault.TIME, ROUTING, 2, 2)]


def test_a_number_far_ahead_is_reported_and_takes_no_place() -> None:
    log = sound_log()
    far = with_header(log[5], "ce_laneseq", b"9223372036854775807")

    assert [found.fault for found in checked([*log[:5], far, log[5]]).findings] == [Fault.CONTENT, Fault.GAP]


def test_the_lanes_of_two_cases_are_followed_side_by_side() -> None:
    writer = Writer()
    for event in (DISPATCHED, SIGNED):
        writer.append(event, CASE)
        writer.append(event, OTHER_CASE)

    assert checked(writer.records).findings == []
    assert len(checked(writer.records).heads) == 2


def test_a_copy_of_the_log_under_another_name_is_checked_alike() -> None:
    checker = Checker(Topics(cases="copy.cases", directory="copy.directory"))
    checker.check_all(replace(record, topic="copy.cases") for record in sound_log())

    assert (checker.findings, checker.events) == ([], 6)
