"""More people than one process serves, and what the processes then say of themselves: for test_observability.py."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from operations.embedded.stack import Stack
from operations.installation import SERVICES

WORDS = "张三家门口下水道异味13800000000"
BODY = {"channel": "phone", "kind": "help", "content": WORDS, "place": {"grid": "G03"}}


async def scraped(stack: Stack) -> tuple[dict[tuple[str, str], dict[str, float]], str]:
    """Values by (service, process) and by name with labels; and all the text."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    everything = ""
    async with httpx.AsyncClient(trust_env=False) as client:
        for service in SERVICES:
            for process, url in (("api", stack.api_url(service)), ("worker", stack.worker_url(service))):
                text = (await client.get(f"{url}/metrics")).raise_for_status().text
                everything += text
                for family in text_string_to_metric_families(text):
                    for sample in family.samples:
                        labels = dict(sample.labels)
                        assert (labels.pop("service"), labels.pop("process")) == (service, process)
                        told = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
                        found.setdefault((service, process), {})[f"{sample.name}{{{told}}}"] = sample.value
    return found, everything


@dataclass(frozen=True)
class Answer:
    """What an appeal to intake was told, and after how many seconds."""

    status: int
    code: str
    retry_after: str | None
    seconds: float


async def appeal(client: httpx.AsyncClient, key: str) -> Answer:
    began = monotonic()
    answer = await client.post("/appeals", json=BODY, headers={"Idempotency-Key": key})
    code = answer.json().get("code", "")
    return Answer(answer.status_code, code, answer.headers.get("retry-after"), monotonic() - began)


@asynccontextmanager
async def operators(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Any number of them at once, on any number of connections."""
    headers = {"Authorization": f"Bearer {stack.token(person='zhou-min')}"}
    # A server closes a connection that rests five seconds; one that is used again at that very moment would break.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=1)
    async with httpx.AsyncClient(
        base_url=stack.api_url("intake"), headers=headers, timeout=60, limits=limits, trust_env=False
    ) as client:
        yield client


async def cases_received(stack: Stack) -> int:
    conn = await asyncpg.connect(stack.admin_url("intake"))
    try:
        return int(await conn.fetchval("select count(*) from log.event where type = 'intake.appeal-received.v1'"))
    finally:
        await conn.close()


@contextmanager
def silent_database(stack: Stack) -> Iterator[None]:
    """PostgreSQL stands still with every connection open."""
    server = int((stack.dir / "pg" / "postmaster.pid").read_text().split()[0])
    children = [int(pid) for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()]
    try:
        for pid in (server, *children):
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in (*children, server):
            os.kill(pid, signal.SIGCONT)
