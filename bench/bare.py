"""What a handler costs at least: FastAPI, a parsed body, two inserts in one transaction. The baseline of intake."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field


class Place(BaseModel):
    """Where."""

    grid: str = Field(max_length=32)


class Appeal(BaseModel):
    """What came in."""

    channel: str
    kind: str
    content: str = Field(min_length=1, max_length=4000)
    place: Place


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A pool of the size that our services have."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=8) as pool:
        await pool.execute("create table if not exists bare_case (id uuid primary key, state text not null)")
        await pool.execute(
            "create table if not exists bare_event"
            " (id bigserial primary key, case_id uuid not null, body text not null)"
        )
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/appeals", status_code=201)
async def receive(appeal: Appeal, request: Request) -> dict[str, str]:
    """Two inserts in a transaction."""
    case_id = uuid4()
    async with request.app.state.pool.acquire() as conn, conn.transaction():
        await conn.execute("insert into bare_case (id, state) values ($1, 'RECEIVED')", case_id)
        await conn.execute("insert into bare_event (case_id, body) values ($1, $2)", case_id, appeal.model_dump_json())
    return {"case_id": str(case_id)}
