"""The worker process: its loops, its health and its clock. A dead loop ends the process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated, Any

import structlog
import uvloop
from aiokafka.errors import KafkaError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from libs.events.lanes import DIRECTORY_LANE, DIRECTORY_SOURCE, source_of
from libs.log.checkpoint import SECONDS as CHECKPOINT_SECONDS
from libs.log.checkpoint import Signer
from libs.log.kafka.topics import check_topics
from libs.log.keys import Keys, KeysInFile, read_key
from libs.log.process.intervals import BRISK, TOWN
from libs.log.store.event_store import business_now
from libs.log.store.reconciler import Reconciler
from libs.log.transient import AWAY, TRANSIENT
from libs.log.worker import Worker
from libs.log.write.idempotency import forget_answers
from libs.service.callers import TokenInvalid
from libs.service.clock import real_now
from libs.service.http import problems
from libs.service.http.dependencies import ClockNotSettable, ClockNotYours
from libs.service.http.headers import Instant
from libs.service.observe import measuring
from libs.service.observe.log import log_crash, set_up
from libs.service.observe.metrics import ANSWERS_FORGOTTEN, CHECKPOINT, TABLE_DIFFERS
from libs.service.observe.tracing import traced
from libs.service.runtime import Parts, Runtime, runtime
from libs.service.settings import Settings
from libs.service.worker.projecting import Projecting
from libs.service.worker.waiting import Retrying
from libs.tuned.gc_threshold import raise_gc_threshold
from libs.tuned.uvicorn_server import Server

log = structlog.get_logger()

SILENT_SECONDS = 12.0
"""Without any heartbeat, of anybody, after which the log is as good as away: a town at rest beats every five."""
PATIENCE_SECONDS = 2.0
RECONCILE_SECONDS = 20.0
"""Between two looks at some rows of the own event table."""
FORGET_SECONDS = 300.0
FORGOTTEN_AT_ONCE = 1000
"""Stored answers that one transaction drops."""


class Advance(BaseModel):
    """The instant to which the manual clock is set."""

    to: Instant


def run_worker(parts: Parts) -> None:
    """Run the worker until a signal comes or a loop dies; exit code 1 for the latter."""
    settings = parts.settings()
    set_up(settings.service, "worker")
    raise_gc_threshold()
    try:
        with log_crash("worker_died"), traced(settings, "worker"):
            uvloop.run(_work(settings, parts))
    except Exception:
        # Told above; the interpreter would print the words of whatever ended it.
        raise SystemExit(1) from None


async def _work(settings: Settings, parts: Parts) -> None:
    await check_topics(settings.broker)
    async with runtime(settings, parts, lock_ms=5000, statement_ms=30_000, plans="force_generic_plan") as running:
        worker = Worker(
            settings.source,
            running.pool,
            settings.broker,
            keys_of(settings),
            Projecting(running),
            real_now,
            manual=running.manual,
            hosts_directory=parts.hosts_directory,
            idle_seconds=settings.relay_idle_ms / 1000,
            intervals=BRISK if running.manual else TOWN,
            name=settings.worker_name,
            session_seconds=settings.worker_session_seconds,
        )
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        reconciler = Reconciler(settings.source)
        loops = worker.loops()
        loops |= {"checkpoints": _checkpoints(running, worker), "reconciler": _reconcile(running, worker, reconciler)}
        loops |= {"answers": _forget(running, worker)}
        loops |= {"waiting": Retrying(running, worker).run()} if parts.react else {}
        loops |= {name: job(running, worker) for name, job in parts.jobs.items()}
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_named(name, loop)) for name, loop in loops.items()]
                tasks.append(group.create_task(_serve(running, worker, reconciler, stop)))
                await stop.wait()
                await wind_up(tasks)
        except* asyncio.CancelledError:
            log.info("worker_stopped")


async def wind_up(tasks: Sequence[asyncio.Task[None]], seconds: float = 5.0) -> None:
    """Cancel all, and again whoever is still there: the process would else go on until somebody kills it.

    A client library may lose a cancellation that meets what it waits for (`asyncio.wait_for` of Python 3.11 does).
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=seconds)


def keys_of(settings: Settings) -> Keys:
    """What this process signs and proves with.

    Where its own key cannot be read it has one that nobody knows: it reads and reacts, and its relay says so.
    """
    try:
        signing = read_key(settings.checkpoint_key_file)
    except (OSError, ValueError) as why:
        log.error("signing_key_unreadable", reason=type(why).__name__)
        signing = Ed25519PrivateKey.generate()
    return Keys(signing, KeysInFile(settings.public_keys_file).proves)


async def _checkpoints(running: Runtime, worker: Worker) -> None:
    """Each minute the holder of the single jobs signs this service's heads, and the directory's where it is hosted."""
    settings = running.settings
    sources = [settings.source, *([DIRECTORY_SOURCE] if worker.hosts_directory else [])]
    signers = [Signer(source, running.pool, settings.broker, worker.keys) for source in sources]
    await worker.joined.wait()
    while True:
        for signer in signers if worker.does_single_jobs and not worker.relay.speechless else []:
            try:
                await signer.publish(real_now())
                CHECKPOINT.set_to_current_time()
            except (KafkaError, *TRANSIENT) as why:
                log.warning("checkpoint_missed", source=signer.source, reason=type(why).__name__)
        await asyncio.sleep(CHECKPOINT_SECONDS)


async def _reconcile(running: Runtime, worker: Worker, reconciler: Reconciler) -> None:
    """All the time: whether the own event table still is what the log says, a few rows after another."""
    while True:
        await asyncio.sleep(RECONCILE_SECONDS)
        directory = [DIRECTORY_LANE] if worker.hosts_directory and worker.does_single_jobs else []
        try:
            async with running.pool.acquire() as conn:
                await reconciler.step(conn, [*worker.lanes, *directory])
        except TRANSIENT as why:
            log.warning("reconciling_waits", reason=type(why).__name__)
        TABLE_DIFFERS.set(len(reconciler.found))


async def _forget(running: Runtime, worker: Worker) -> None:
    """The holder of the single jobs drops stored answers that nobody asks for any more, some after others."""
    await worker.joined.wait()
    while True:
        gone = 0
        try:
            if worker.does_single_jobs:
                async with running.pool.acquire() as conn:
                    kept = timedelta(hours=running.settings.answer_hours)
                    gone = await forget_answers(conn, kept, FORGOTTEN_AT_ONCE)
                ANSWERS_FORGOTTEN.inc(gone)
        except TRANSIENT as why:
            log.warning("forgetting_waits", reason=type(why).__name__)
        await asyncio.sleep(1.0 if gone == FORGOTTEN_AT_ONCE else FORGET_SECONDS)


async def _serve(running: Runtime, worker: Worker, reconciler: Reconciler, stop: asyncio.Event) -> None:
    settings, app = running.settings, worker_app(running, worker, reconciler)
    # On a signal uvicorn winds up, then hands the signal on to the handler above.
    await Server(app, settings.host, settings.worker_port, lifespan="off").serve()
    async with asyncio.timeout(5):
        await stop.wait()


async def _named(name: str, loop: Coroutine[Any, Any, None]) -> None:
    try:
        await loop
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        log.error("loop_died", loop=name, exc_info=error)
        raise
    raise RuntimeError(f"the loop {name} ended")


def worker_app(running: Runtime, worker: Worker, reconciler: Reconciler) -> FastAPI:
    """Health for the operator, and the clock for whoever drives a manual log."""
    title = f"Xunban 巡办 · {running.parts.service} worker"
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    problems.install(app)

    @app.exception_handler(TokenInvalid)
    async def no_token(_: Request, __: TokenInvalid) -> JSONResponse:
        return problems.problem(401, {"code": "E-TOKEN"}, {"WWW-Authenticate": "Bearer"})

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        halted = {f"{tp.topic}-{tp.partition}": why for tp, why in worker.halted.items()}
        relays = {str(lane): why for lane, why in worker.relay.halted.items()}
        if worker.relay.speechless:
            relays["*"] = "signing_key_unknown"
        differs = {str(one.lane): f"{one.what} {one.seq}" for one in reconciler.found.values()}
        away = [] if monotonic() - worker.heard_at < SILENT_SECONDS else ["Kafka"]
        away += [] if await _answers(running) else ["PostgreSQL"]
        joined = worker.joined.is_set()
        ready = joined and not halted and not relays and not away
        document = {"ready": ready, "joined": joined, "lanes": len(worker.lanes), "away": away}
        document |= {"halted": halted, "relay_halted": relays, "table_differs": differs}
        return JSONResponse(document, status_code=200 if ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return await measuring.of_worker(running, worker)

    @app.get("/clock")
    async def clock() -> dict[str, Any]:
        return await clock_state(running)

    @app.post("/clock/advance")
    async def advance(body: Advance, authorization: Annotated[str | None, Header()] = None) -> dict[str, Any]:
        caller = running.tokens.caller(authorization)
        if "clock" not in caller.scopes:
            raise ClockNotYours()
        if not running.manual:
            raise ClockNotSettable()
        beat = await worker.publish_beat(body.to)
        return {"now": body.to, "heads": {str(lane): seq for lane, seq, _ in beat.lanes}}

    return app


async def _answers(running: Runtime) -> bool:
    """Whether the database does, soon."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await running.pool.fetchval("select 1")
    except AWAY:
        return False
    return True


async def clock_state(running: Runtime) -> dict[str, Any]:
    """Now, the next due instant, own lane heads, applied seq and watermark per (source, lane), steps due."""
    async with running.pool.acquire() as conn:
        now: datetime = await business_now(conn)
        heads = await conn.fetch("select lane, seq from log.lane_head where seq > 0 order by lane")
        applied = await conn.fetch("select lane, source, seq from source_progress where seq > 0")
        # A lane without an event still has a watermark; the least per source says how far all of it is.
        marks = await conn.fetch("select source, min(at) as at from watermark where lane < 64 group by source")
        due, next_due = await running.parts.pending(running, conn) if running.parts.pending else (0, None)
    return {
        "now": now,
        "heads": {f"{source_of(running.settings.source, row['lane'])}/{row['lane']}": row["seq"] for row in heads},
        "applied": {f"{row['source']}/{row['lane']}": row["seq"] for row in applied},
        "watermarks": {row["source"]: row["at"] for row in marks},
        "due": due,
        "next_due": next_due,
    }
