"""What the lists of routing say: lamps, numbers, candidates, cursors, and the keys of a bulk request."""

from datetime import datetime
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from libs.case.access import Sight
from libs.case.lamp import lamp_of
from libs.events.decider import Actor
from libs.events.ids import PersonId
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import IdempotencyKey, Outcome
from libs.service.http.cases import CursorMalformed, encode_cursor
from services.routing.api.bulk import BulkAssignBody, call_for, item_document
from services.routing.api.feed import bucket, decode_after
from services.routing.api.queue import queue_item
from services.routing.api.work_list import IN_LAMP, WorkFilter, conditions, total, whose
from tests.unit.directory.town import local
from tests.unit.routing.givens import HOUSING, NINE, NOON, TEN, URBAN

CASE = "0191f2a0-0000-7000-8000-000000000001"
ANOTHER = "0191f2a0-0000-7000-8000-000000000002"
SKIPPED = {"unit": URBAN, "rule": "POW-1", "zh": "县城管局没有此项职权", "en": "no power"}
WAITING: dict[str, Any] = {
    **dict.fromkeys(("kind", "class_code", "proposed", "dispatch_stopped_at", "dispatch_long_red_at")),
    "case_id": CASE,
    "state": "REGISTERED",
    "urgency": "U2",
    "grid": "G03",
    "dispatch": "confirm",
    "imported": False,
    "registered_at": NINE,
    "dispatch_due_at": NOON,
    "dispatch_yellow_at": TEN,
    "chain": b"[]",
    "candidates": orjson.dumps([URBAN]),
    "rejected": orjson.dumps([SKIPPED]),
}


def test_the_queue_shows_each_candidate_and_why_it_was_skipped() -> None:
    item = queue_item(WAITING, TEN)
    assert item["candidates"] == [{"unit": URBAN, "proposed": False, "rejected": SKIPPED}]
    assert (item["unrouted"], item["urgency"], item["dispatch_due_at"]) == (True, "U2", NOON.isoformat())


def test_the_queue_shows_the_lamp_of_the_dispatch_clock() -> None:
    assert queue_item(WAITING, NINE)["lamp"] == "GREEN"
    assert queue_item(WAITING, TEN)["lamp"] == "YELLOW"
    assert queue_item(WAITING, local("2026-11-03 12:01"))["lamp"] == "RED"
    assert queue_item({**WAITING, "dispatch_due_at": None}, TEN)["lamp"] is None


def test_a_case_whose_route_has_not_been_looked_for_yet_is_not_called_unrouted() -> None:
    assert not queue_item({**WAITING, "dispatch": None}, TEN)["unrouted"]


def test_the_queue_shows_until_when_the_arbiter_has_time_for_a_dispute_before_dispatch() -> None:
    disputed = {
        "state": "ARBITRATION",
        "parties": orjson.dumps([URBAN]),
        "because": "DISPUTED",
        "decision_due_at": NOON,
    }
    item = queue_item({**WAITING, **disputed}, TEN)
    assert item["arbitration"] == {"parties": [URBAN], "because": "DISPUTED", "due_at": NOON.isoformat()}
    assert (item["unrouted"], item["lamp"]) == (False, None)
    assert queue_item(WAITING, TEN)["arbitration"] is None


@pytest.mark.parametrize("at", [NINE, TEN, local("2026-11-03 11:00"), NOON, local("2026-11-03 13:00")])
def test_a_list_looks_for_the_lamp_that_its_rows_show(at: datetime) -> None:
    """黄 from ten on, due at eleven, 长红 after noon."""
    due, long_red = local("2026-11-03 11:00"), NOON
    held = {"yellow_from": TEN, "red_from": due, "long_red_from": long_red, "at": at}
    shown = lamp_of({"due_at": due, "yellow_at": TEN, "long_red_at": long_red, "stopped_at": None}, at)
    found = [name for name, text in IN_LAMP.items() if eval(text.format(at="at"), {}, held)]  # noqa: S307 - our own text
    assert found == [shown]


def test_open_orders_are_those_that_have_not_ended() -> None:
    lanes = [{"lead DISPATCHED": 2, "lead CLOSED": 7, "co DISPATCHED": 1, "queue routed": 5}, {"lead FEEDBACK": 1}]
    assert total(lanes, "lead", None) == 3
    assert total(lanes, None, None) == 4
    assert total(lanes, "lead", "CLOSED") == 7


def test_a_list_over_units_shows_each_order_once() -> None:
    everything, own = Sight(everything=True), Sight(units=frozenset({HOUSING}))
    assert whose(WorkFilter(), everything) == "lead"
    assert whose(WorkFilter(unit=HOUSING), everything) is None
    assert whose(WorkFilter(), own) is None
    assert whose(WorkFilter(role="co"), own) == "co"


def test_a_department_asks_within_what_it_may_see() -> None:
    where = conditions(WorkFilter(lamp="RED"), Sight(units=frozenset({HOUSING})), NOON)
    assert (str(where), where.values) == (
        "unit = $1 and open and red_from < $2 and long_red_from >= $2",
        [HOUSING, NOON],
    )


def test_who_may_see_nothing_finds_nothing() -> None:
    where = conditions(WorkFilter(), Sight(), NOON)
    assert (str(where), where.values) == ("grid = any($1) and role = 'lead' and open", [[]])


def test_a_cursor_of_another_units_feed_is_refused() -> None:
    cursor = encode_cursor(URBAN, [3] * 64)
    assert decode_after(cursor, URBAN)[17] == 3
    with pytest.raises(CursorMalformed):
        decode_after(cursor, HOUSING)
    with pytest.raises(CursorMalformed):
        decode_after(encode_cursor(HOUSING, [-1] * 64), HOUSING)
    with pytest.raises(CursorMalformed):
        decode_after(encode_cursor(HOUSING, [1]), HOUSING)


def test_a_feed_begins_before_the_first_entry_of_every_lane() -> None:
    assert decode_after(None, HOUSING) == dict.fromkeys(range(64), 0)


def test_a_bucket_of_an_hour_is_cut_to_what_was_asked_for_and_says_whether_it_is_complete() -> None:
    row = {"lane": 5, "hour": local("2026-11-03 09:00"), "count": 2, "digest": "ab"}
    one = bucket(row, local("2026-11-03 09:30"), NOON, TEN)
    assert (one["from"], one["to"]) == ("2026-11-03T01:30:00+00:00", "2026-11-03T02:00:00+00:00")
    assert one["bucket"] == "5.1793669400000000.1793671200000000"
    assert one["complete"]
    assert not bucket(row, NINE, NOON, local("2026-11-03 09:59"))["complete"]


def bulk_call(key: str) -> CommandContext:
    return CommandContext(
        Actor(PersonId("fang-yun"), "DEPT_CLERK"), IdempotencyKey("fang-yun", key, b"body"), if_match='"3.e-1"'
    )


def test_each_item_of_a_bulk_request_has_a_key_of_its_own_that_a_repetition_finds_again() -> None:
    first, again = call_for(bulk_call("k-1"), CASE), call_for(bulk_call("k-1"), CASE)
    assert (first, first.if_match) == (again, None)
    others = {call_for(bulk_call(key), case).key for key in ("k-1", "k-2") for case in (CASE, ANOTHER)}
    assert len(others) == 4


def test_an_item_that_was_refused_carries_its_problem_document() -> None:
    refused = item_document(CASE, Outcome(409, {"code": "E-SEP-01", "rule_id": "SEP-01"}))
    assert (refused["case_id"], refused["status"], refused["code"], refused["title"]) == (
        CASE,
        409,
        "E-SEP-01",
        "与规则或当前状态冲突",
    )
    done = item_document(CASE, Outcome(200, {"case_id": CASE, "position": "routing.1.2"}))
    assert done == {"case_id": CASE, "position": "routing.1.2", "status": 200}


def test_a_bulk_request_names_a_case_once() -> None:
    twice = [{"case_id": CASE, "handler": "zheng-kai"}, {"case_id": CASE, "handler": "fang-yun"}]
    with pytest.raises(ValidationError):
        BulkAssignBody.model_validate({"items": twice})
