"""An event table that somebody changed behind the service's back: named with lane and sequence until it is mended."""

from __future__ import annotations

import asyncpg
import pytest

from libs.log.store.reconciler import ROWS, Difference, Reconciler
from tests.integration.logs import NOTED, SOURCE, Log, case_in
from tests.integration.relays import as_superuser

LANE = 21


async def looked_at(log: Log, reconciler: Reconciler | None = None) -> list[Difference]:
    async with log.pool.acquire() as conn:
        return await (reconciler or Reconciler(SOURCE)).whole(conn, range(64))


async def test_a_table_that_is_what_was_appended_differs_nowhere(log: Log) -> None:
    await log.append(case_in(LANE), NOTED, NOTED)
    await log.append(case_in(LANE))
    assert await looked_at(log) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("update log.event set body = '{}' where seq = 2", Difference(LANE, 2, "CONTENT")),
        (
            "update log.event set recorded_at = now() where seq = 2",
            Difference(LANE, 2, "CONTENT"),
        ),
        ("update log.event set hash = sha256('x') where seq = 2", Difference(LANE, 2, "CONTENT")),
        ("update log.event set stream = 'case-' || gen_random_uuid() where seq = 2", Difference(LANE, 2, "COLUMN")),
        ("update log.event set type = 'intake.case-voided.v1' where seq = 2", Difference(LANE, 2, "COLUMN")),
        ("update log.event set occurred_at = now() where seq = 2", Difference(LANE, 2, "COLUMN")),
        ("update log.event set case_id = gen_random_uuid() where seq = 2", Difference(LANE, 2, "COLUMN")),
        ("delete from log.event where seq = 2", Difference(LANE, 2, "GAP")),
        ("delete from log.event where seq = 3", Difference(LANE, 3, "HEAD")),
        ("update log.lane_head set hash = sha256('x') where lane = 21", Difference(LANE, 3, "HEAD")),
    ],
)
async def test_what_somebody_changed_is_named(log: Log, change: str, found: Difference) -> None:
    await log.append(case_in(LANE), NOTED, NOTED, NOTED)
    await as_superuser(log, change)
    assert await looked_at(log) == [found]


async def test_a_table_that_was_forged_with_a_sound_chain_is_not_what_the_log_says(log: Log) -> None:
    await log.append(case_in(LANE), NOTED)
    await log.pool.execute(
        "update source_progress set seq = 1, hash = sha256('x') where lane = $1 and source = $2", LANE, SOURCE
    )
    assert await looked_at(log) == [Difference(LANE, 1, "LOG")]


async def test_what_is_mended_is_forgotten_with_the_next_round(log: Log) -> None:
    await log.append(case_in(LANE), NOTED)
    reconciler = Reconciler(SOURCE)
    await as_superuser(log, "update log.event set type = 'other'")
    assert await looked_at(log, reconciler) != []
    await as_superuser(log, "update log.event set type = 'intake.case-not-accepted.v1'")
    assert await looked_at(log, reconciler) == []


async def test_a_long_lane_is_gone_through_in_parts_and_then_the_next(log: Log) -> None:
    await log.append(case_in(LANE), *[NOTED] * (ROWS + 3))
    await log.append(case_in(LANE + 1))
    await as_superuser(log, "update log.event set type = 'other' where lane = 22")
    reconciler = Reconciler(SOURCE)
    async with log.pool.acquire() as conn:
        for found in (0, 0, 1):
            await reconciler.step(conn, [LANE, LANE + 1])
            assert len(reconciler.found) == found


async def test_nobody_but_a_superuser_can_do_that(log: Log) -> None:
    await log.append(case_in(LANE))
    with pytest.raises(asyncpg.PostgresError):
        await log.pool.execute("update log.event set body = '{}'")
