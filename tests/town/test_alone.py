"""Nobody is left alone: every actor stops in the midst of a case, and three weeks later it stands on a list and
somebody was told, whatever its state (rulebook.md e.2, e.3). Real broker and server, manual clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from libs.case.state import OPEN
from services.supervision.api.alarms import FOUND, judged_by
from services.supervision.jobs.alarm_watch import SAY_EVERY_SECONDS
from tests.town.cases import SUPERVISOR
from tests.unit.directory.town import TOWN
from trials.town import Town, civil

MORNING = "2026-01-05 08:00"
THREE_WEEKS_LATER = "2026-01-27 08:00"
CLOSING = "CALLBACK, answered"
LEFT_ALONE = "supervision.case-left-alone.v1"
LISTED: dict[str, tuple[str, dict[str, str]]] = {
    "RECEIVED": ("/alarms", {"kind": "NOT_REGISTERED"}),
    "REGISTERED": ("/overdue", {"clock": "dispatch"}),
    "DISPATCHED": ("/overdue", {"clock": "handling"}),
    "RETURN_PENDING": ("/overdue", {"clock": "arbitration"}),
    "ARBITRATION": ("/overdue", {"clock": "arbitration"}),
    "IN_PROGRESS": ("/overdue", {"clock": "handling"}),
    "FEEDBACK": ("/overdue", {"clock": "review"}),
    "VERIFYING": ("/overdue", {"clock": "verification"}),
    "CALLBACK": ("/overdue", {"clock": "callback"}),
    CLOSING: ("/overdue", {"clock": "close"}),
}
"""Where everybody went → the list on which the case stands three weeks later."""
ROAD = list(LISTED)
NEVER_REACHED = {"SCREENING", "PRECHECK", "SUSPENDED"}
"""No command leads there yet; what stands there is looked at all the same."""
TOLD = {
    "RECEIVED": ("left_alone", "person:zhou-min"),
    "REGISTERED": ("breached", "person:chen-li"),
    "DISPATCHED": ("breached", "person:fang-yun"),
    "RETURN_PENDING": ("breached", "person:deng-hui"),
    "ARBITRATION": ("breached", "person:deng-hui"),
    "IN_PROGRESS": ("breached", "person:fang-yun"),
    "FEEDBACK": ("breached", "person:wu-qian"),
    "VERIFYING": ("breached", "person:li-fang"),
    "CALLBACK": ("breached", "person:xu-jing"),
    CLOSING: ("breached", "person:wu-qian"),
}
"""Where everybody went → what somebody who must act was told, and who."""


def phone(state: str) -> str:
    return f"1380000{ROAD.index(state):04d}"


async def brought_to(town: Town, state: str) -> str:
    """A complaint about a sewer that has come as far as this state, on a day of its own, and no further."""
    day = f"2026-01-05 {9 + ROAD.index(state) // 6:02d}:{ROAD.index(state) % 6}"
    who = {"reporter_name": "某女士", "reporter_phone": phone(state)}
    case = await town.appeal(f"{day}0", "zhou-min", "G03", "complaint", "小区门口下水道异味", **who)
    steps: list[Callable[[], Any]] = [
        lambda: town.register(f"{day}1", case, "sewer-odour", "U3"),
        lambda: town.dispatch(f"{day}2", case),
    ]
    if state in ("RETURN_PENDING", "ARBITRATION"):
        steps.append(lambda: town.ask_return(f"{day}3", case, "fang-yun", "county-water"))
        steps.append(lambda: town.act(f"{day}4", "routing", f"/cases/{case}/arbitration", "chen-li", {}))
        wanted = {"RETURN_PENDING": 3, "ARBITRATION": 4}[state]
    else:
        answers = {"reached": True, "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
        steps += [
            lambda: town.accept(f"{day}3", case, "fang-yun"),
            lambda: reported(town, day, case),
            lambda: town.review(f"{day}6", case),
            lambda: town.verify(f"{day}7", case, "li-fang", "G03"),
            lambda: town.act(f"{day}8", "supervision", f"/cases/{case}/callback", "xu-jing", answers),
        ]
        order = ["RECEIVED", "REGISTERED", "DISPATCHED", "IN_PROGRESS", "FEEDBACK", "VERIFYING", "CALLBACK", CLOSING]
        wanted = order.index(state)
    for step in steps[:wanted]:
        await step()
    return case


async def reported(town: Town, day: str, case: str) -> None:
    await town.contact(f"{day}4", case, "zheng-kai")
    await town.feedback(f"{day}5", case, "zheng-kai", "已疏通")


async def shown(town: Town, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await town.line.get("supervision", path, person=SUPERVISOR, limit=200, **query)
    items: list[dict[str, Any]] = answer["items"]
    return items


async def told(town: Town, case: str) -> set[tuple[str, str]]:
    """What was sent about a case, and to whom."""
    answer = await town.line.get("notify", "/messages", person=SUPERVISOR, case_id=case, state="SENT", limit=200)
    return {(one["template"], one["recipient"]) for one in answer["items"]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def left(town: Town) -> dict[str, str]:
    """Where everybody went → the case, three weeks later."""
    cases = {state: await brought_to(town, state) for state in ROAD}
    states = {state: await state_of(town, case) for state, case in cases.items()}
    assert states == {state: state for state in ROAD} | {CLOSING: "CALLBACK"}
    await town.line.run_to(civil(THREE_WEEKS_LATER))
    return cases


async def state_of(town: Town, case: str) -> str:
    return str((await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR))["state"])


def test_no_open_state_is_forgotten_here() -> None:
    assert {*LISTED} - {CLOSING} == OPEN - NEVER_REACHED
    assert LISTED.keys() == TOLD.keys()


@pytest.mark.parametrize("state", ROAD)
async def test_a_case_that_everybody_left_stands_on_a_list_and_somebody_was_told(
    town: Town, left: dict[str, str], state: str
) -> None:
    path, query = LISTED[state]
    assert left[state] in {row["case_id"] for row in await shown(town, path, **query)}

    # Of a case without a clock it is said within seconds of the worker's own time.
    async with asyncio.timeout(90):
        while TOLD[state] not in await told(town, left[state]):  # noqa: ASYNC110 - another process cannot set an event of ours
            await asyncio.sleep(0.2)


async def test_what_was_left_alone_longest_comes_first_and_is_paged(town: Town, left: dict[str, str]) -> None:
    listed = await shown(town, "/alarms")
    last_steps = [row["last_step"]["at"] for row in listed]
    assert last_steps == sorted(last_steps)

    first = await town.line.get("supervision", "/alarms", person=SUPERVISOR, limit=1)
    second = await town.line.get("supervision", "/alarms", person=SUPERVISOR, limit=1, cursor=first["next_cursor"])
    assert [first["items"][0], second["items"][0]] == listed[:2]


async def test_open_counts_every_open_case_whatever_its_state(town: Town, left: dict[str, str]) -> None:
    for by in ("unit", "grid", "class", "urgency", "level", "lamp"):
        for clock in ("handling", "review"):
            counts = await town.line.get("supervision", "/counts", person=SUPERVISOR, by=by, clock=clock)
            assert counts["total"]["open"] == len(left), (by, clock)
    by_unit = await town.line.get("supervision", "/counts", person=SUPERVISOR, by="unit")
    assert {one["key"]: one["open"] for one in by_unit["groups"]} == {"county-housing": 8, None: 2}
    assert by_unit["total"]["running"] == len(await shown(town, "/overdue"))

    then = await town.line.get(
        "supervision", "/counts", person=SUPERVISOR, by="class", as_of=civil("2026-01-05 09:05").isoformat()
    )
    assert {one["key"]: one["open"] for one in then["groups"]} == {None: 1}


async def test_it_is_said_once_of_each_last_step(left: dict[str, str], database: asyncpg.Connection) -> None:
    """Of what no clock of whoever must act watches; the late dispatch is an alarm as well."""
    once = {f"case-{left[state]}": 1 for state in ("RECEIVED", "REGISTERED")}
    said = "select stream, count(*) as times from log.event where type = $1 group by stream"

    async with asyncio.timeout(90):
        while len(await database.fetch(said, LEFT_ALONE)) < len(once):  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # another process cannot set an event of ours
    # Whoever polls again finds it told.
    await asyncio.sleep(2 * SAY_EVERY_SECONDS)
    rows = await database.fetch(said, LEFT_ALONE)
    assert {row["stream"]: row["times"] for row in rows} == once
    assert await database.fetchval("select bool_and(told) from read.unattended")


@pytest.mark.parametrize("state", sorted(OPEN))
async def test_what_no_clock_watches_is_an_alarm_after_a_week_in_whatever_state(
    town: Town, left: dict[str, str], database: asyncpg.Connection, state: str
) -> None:
    """As the projection would put it there; also in states that no command leads to yet."""
    row = "update unattended set state = $2, unit = 'county-housing', clockless = false where case_id = $1"
    async with undone(database):
        await database.execute(row, left["RECEIVED"], state)
        kinds = await alarms(database)

    assert kinds[left["RECEIVED"]] == ("NOT_REGISTERED" if state == "RECEIVED" else "NO_STEP")


async def test_at_an_upgrade_what_stands_after_its_feedback_is_an_alarm(
    left: dict[str, str], database: asyncpg.Connection
) -> None:
    """As if supervision had known of no such clock until now: each gets the clock of its next step."""
    upgrade = import_module("services.supervision.migrations.0009_left_alone")
    after_feedback = ("FEEDBACK", "VERIFYING", "CALLBACK", CLOSING)
    async with undone(database):
        await database.execute(
            "delete from clock where clock = any($1)", ["review", "verification", "callback", "close"]
        )
        await database.execute(upgrade.FILL)
        kinds = await alarms(database)

    assert {kinds.get(left[state]) for state in after_feedback} == {"NO_CLOCK"}


@asynccontextmanager
async def undone(database: asyncpg.Connection) -> AsyncIterator[None]:
    """What is done to the read model meanwhile was never so."""
    transaction = database.transaction()
    await transaction.start()
    try:
        await database.execute("set local search_path = read")
        yield
    finally:
        await transaction.rollback()


async def alarms(database: asyncpg.Connection) -> dict[str, str]:
    """Case → why it is an alarm."""
    found = await database.fetch(FOUND, *judged_by(civil(THREE_WEEKS_LATER), TOWN.latest))
    return {str(one["case_id"]): one["kind"] for one in found}


async def test_everybody_comes_back_and_no_case_is_left(town: Town, left: dict[str, str]) -> None:
    for number, (state, case) in enumerate(left.items()):
        await town.withdraw(f"2026-01-27 09:{number:02d}", case, phone(state))

    assert (await shown(town, "/alarms"), await shown(town, "/overdue")) == ([], [])
    counts = await town.line.get("supervision", "/counts", person=SUPERVISOR, by="unit")
    assert counts["total"]["open"] == 0
