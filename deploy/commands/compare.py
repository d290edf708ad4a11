"""`xunban compare`: rebuilds each service's read model from the log and says which rows of the live one differ."""

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded import postgres
from deploy.embedded.instance import SERVICES, CannotStart, Instance, Ports
from libs.audit.reading import NoLog
from libs.audit.rebuild import Comparison, LogUnsound, compare, replace
from libs.events.broker import Address
from libs.events.seal import Vault
from libs.service.runtime import Opener, Parts
from libs.service.settings import broker_at

app = typer.Typer()
Service = StrEnum("Service", ["intake", "routing", "supervision", "notify"])


@app.command("compare")
def compare_services(
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
    service: Annotated[list[Service] | None, typer.Option(help="服务,可重复 / service, may be repeated")] = None,
) -> None:
    """由日志重建读模型并逐行比对, 不同则退出码为 1 / rebuild read models from the log and compare, row for row.

    On existing servers: <SERVICE>_OWNER_DATABASE_URL, KEYS_DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS.
    """
    try:
        found = asyncio.run(_compared(instance, _kafka(instance), service or SERVICES))
    except (NoLog, LogUnsound, OSError) as error:
        typer.secho(f"无法比对 / cannot compare: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    show(Console(), found)
    raise typer.Exit(1 if any(one.differences for one in found) else 0)


async def _compared(instance: str, bootstrap: Address, services: Sequence[str]) -> list[Comparison]:
    async with opener(_keys_url(instance), Instance(instance).keys) as opens:
        return [await compare(_owner_url(instance, name), bootstrap, parts_of(name), opens) for name in services]


@app.command("rebuild")
def rebuild_services(
    service: Annotated[list[Service], typer.Option(help="服务,可重复 / service, may be repeated")],
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
) -> None:
    """由日志重建读模型并替换线上的 / rebuild read models from the log and put them in the place of the live ones."""
    try:
        rows = asyncio.run(_replaced(instance, service))
    except (NoLog, LogUnsound, OSError) as error:
        typer.secho(f"未重建 / not rebuilt: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    for name, count in rows.items():
        print(f"{name}: {count:,} 行已重建 / rows rebuilt")


async def _replaced(instance: str, services: Sequence[str]) -> dict[str, int]:
    async with opener(_keys_url(instance), Instance(instance).keys) as opens:
        tables = {
            one: await replace(_owner_url(instance, one), _kafka(instance), parts_of(one), opens) for one in services
        }
    return {name: sum(rows.values()) for name, rows in tables.items()}


@asynccontextmanager
async def opener(keys_url: str, folder: Path) -> AsyncIterator[Opener]:
    """What makes the search copies of an instance again: its vault, read only, and the keys in `folder`."""
    async with asyncpg.create_pool(keys_url, min_size=0, max_size=2) as pool:
        yield Opener(Vault(pool, Vault.master_key(folder / "master.key")), (folder / "search.key").read_bytes())


def parts_of(service: str) -> Parts:
    """What makes this service; its projection among it."""
    parts: Parts = importlib.import_module(f"services.{service}.main").PARTS
    return parts


def show(console: Console, found: list[Comparison]) -> None:
    """One line per service, then the rows that differ."""
    table = Table(
        "服务 / service", "事件 / events", "行 / rows", "不同 / differing", title="读模型比对 / read models compared"
    )
    for one in found:
        table.add_row(one.service, f"{one.events:,}", f"{sum(one.rows.values()):,}", f"{len(one.differences):,}")
    console.print(table)
    for one in found:
        for row in one.differences:
            what = ", ".join(row.columns) or ("仅在线上 / live only" if row.live else "仅在重建 / rebuilt only")
            console.print(f"[red]{one.service} {row.table} {row.key}[/red]: {what}")
    if not any(one.differences for one in found):
        console.print("[green]重建与线上逐行一致 / the rebuilt read models equal the live ones row for row[/green]")


def _kafka(instance: str) -> Address:
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return broker_at(given) if given else f"127.0.0.1:{_ports(instance).kafka}"


def _ports(instance: str) -> Ports:
    if not Instance(instance).dir.exists():
        raise CannotStart(f"没有实例 {instance} / there is no instance {instance}")
    return Instance(instance).ports()


def _owner_url(instance: str, service: str) -> str:
    if given := os.environ.get(f"{service.upper()}_OWNER_DATABASE_URL"):
        return given
    return _url(instance, f"{service}_owner", service)


def _keys_url(instance: str) -> str:
    return os.environ.get("KEYS_DATABASE_URL") or _url(instance, "keys_reader", "keys")


def _url(instance: str, role: str, database: str) -> str:
    password = Instance(instance).secrets((role,))[role]
    return postgres.url(role, password, f"127.0.0.1:{_ports(instance).postgres}", database)
