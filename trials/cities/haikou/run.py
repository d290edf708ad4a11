"""Later Haikou orders through import and routing of an instance of their own, by the catalogue of the earlier ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from importing.delivery import Sender
from importing.entries import entry_of
from importing.loading import load
from importing.rows import Row
from importing.run import ErrorFile, Run, Tally
from operations.embedded.stack import Stack
from trials.cities.haikou import orders as haikou
from trials.cities.haikou.learned_rules import Order
from trials.publish import stated

PARALLEL = 16
DECIDED_SECONDS = 300.0


class NotDecided(RuntimeError):
    """Routing has not decided every case in time."""


@dataclass(frozen=True)
class Later:
    """An order to be tried, as the row that is imported."""

    order: Order
    row: Row
    case_id: str


def run(folder: Path, count: int, instance: str, console: Console) -> dict[str, Any]:
    """The figures of a run on a fresh instance in real time, all services running."""
    everything = haikou.read(folder)
    earlier = [order for order, _ in everything if order.number < haikou.LEARNED_BEFORE]
    later = [(order, row) for order, row in everything if order.number >= haikou.LEARNED_BEFORE][:count]
    largest = Counter(order.unit for order in earlier).most_common(1)[0][0]
    catalogue = haikou.Catalogue.of(earlier)
    console.print(f"海口 / Haikou: 启动实例 / starting {instance}")
    with Stack(instance, "real") as stack:
        tried = [_later(order, row, catalogue) for order, row in later]
        figures, sent = asyncio.run(_drive(stack, catalogue, tried))
    trial = haikou.judge([one.order for one in tried], catalogue, sent, largest)
    rules = catalogue.rules
    return {
        "learned_from": len(earlier),
        "category_rules": len(rules.categories),
        "units_with_keywords": len(rules.keywords),
        "keyword_margin": round(rules.margin, 2),
        **asdict(trial),
        **figures,
    }


def _later(order: Order, row: Row, catalogue: haikou.Catalogue) -> Later:
    """The row with the class that the learned rules choose, in a column of its own."""
    mapping, _ = load(haikou.MAPPING)
    row = replace(row, values={**row.values, "class_code": catalogue.class_of(order)})
    return Later(order, row, entry_of(row, mapping).case_id)


async def _drive(
    stack: Stack, catalogue: haikou.Catalogue, tried: Sequence[Later]
) -> tuple[dict[str, Any], dict[str, str | None]]:
    await publish(stack, catalogue)
    begun = monotonic()
    tally = await send(stack, tried)
    imported = monotonic() - begun
    sent = await decided(stack, tried)
    figures = {
        "imported": tally.imported,
        "refused": tally.refused,
        "complete": tally.imported == len(tried),
        "import_seconds": round(imported, 1),
        "cases_per_second": round(tally.rows / imported, 1),
        "decided_seconds": round(monotonic() - begun, 1),
    }
    return figures, sent


async def publish(stack: Stack, catalogue: haikou.Catalogue) -> None:
    """Found the city with the learned catalogue, and wait until intake and routing know it."""
    token = stack.token(client="deployer", scopes=("directory",))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "learned"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        url = stack.api_url("routing") + "/directory/bootstrap"
        answer = await client.post(url, json=stated(catalogue.documents()))
        position = answer.raise_for_status().json()["position"]
        for service in ("intake", "routing"):
            await _seen(client, stack.api_url(service), position)


async def _seen(client: httpx.AsyncClient, url: str, position: str) -> None:
    until = monotonic() + DECIDED_SECONDS
    while monotonic() < until:
        answer = await client.get(f"{url}/freshness", params={"min_position": position})
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            answer.raise_for_status()
            return
    raise NotDecided(position)


async def send(stack: Stack, tried: Sequence[Later]) -> Tally:
    """Through the import code; of a refused row only line and reason are kept, never its text."""
    mapping, _ = load(haikou.MAPPING)
    token = stack.token(person=haikou.OPERATOR, scopes=("import",))
    errors = ErrorFile(stack.dir / "haikou.errors.csv", (), mapping.delimiter)
    async with Sender(stack.api_url("intake"), token, parallel=PARALLEL) as sender:
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as bar:
            task = bar.add_task("导入 / import", total=len(tried))
            run = Run(mapping, sender, errors, progress=lambda tally: bar.update(task, completed=tally.rows))
            return await run.take(one.row for one in tried)


async def decided(stack: Stack, tried: Sequence[Later]) -> dict[str, str | None]:
    """Order number → unit id that routing chose, None where no rule fits; asks until every case is decided."""
    token = stack.token(person=haikou.SUPERVISOR)
    found: dict[str, str | None] = {}
    shared = iter(tried)
    async with httpx.AsyncClient(
        base_url=stack.api_url("routing"), headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
    ) as client:

        async def ask() -> None:
            for one in shared:
                found[one.order.number] = await _decision(client, one.case_id)

        async with asyncio.TaskGroup() as hands:
            for _ in range(PARALLEL // 2):
                hands.create_task(ask())
    return found


async def _decision(client: httpx.AsyncClient, case_id: str) -> str | None:
    """The unit to which the case went; decided once its rule chain stands there and no dispatch is on its way."""
    until = monotonic() + DECIDED_SECONDS
    while monotonic() < until:
        answer = await client.get(f"/cases/{case_id}")
        order = answer.json() if answer.is_success else {}
        if order.get("unit") or (order.get("rule_chain") and not order.get("proposed")):
            unit: str | None = order["unit"]
            return unit
        await asyncio.sleep(0.2)
    raise NotDecided(case_id)


def show(figures: dict[str, Any], console: Console) -> None:
    """Coverage, agreement and the queue, as people read them."""
    orders, routed = figures["orders"], figures["by_category"] + figures["by_keywords"]
    table = Table(title="海口: 由此前工单得出的规则在之后工单上的表现 / Haikou: rules of earlier orders on later ones")
    for heading in ("", "工单 / orders", "占比 / share"):
        table.add_column(heading, justify="right")
    for name, count, of in (
        ("规则给出单位 / a rule names a unit", routed, orders),
        ("其中按类别 / by category", figures["by_category"], orders),
        ("其中按关键词 / by keywords", figures["by_keywords"], orders),
        ("与实际承办单位一致 / agrees with the handling unit", figures["agree_unit"], routed),
        ("其中按类别 / by category", figures["agree_unit_by_category"], figures["by_category"]),
        ("其中按关键词 / by keywords", figures["agree_unit_by_keywords"], figures["by_keywords"]),
        ("留给分办员 / the dispatcher's queue", figures["queued"], orders),
        ("对照: 一律派最大单位 / baseline: always the largest", figures["largest_unit"], orders),
    ):
        table.add_row(name, str(count), f"{count / of:.1%}" if of else "—")
    console.print(table)
    console.print(
        f"规则来自 {figures['learned_from']} 件工单 / rules from so many orders: {figures['category_rules']} 类别 / "
        f"categories, {figures['units_with_keywords']} 单位有关键词 / units with keywords; "
        f"导入 / import {figures['cases_per_second']} 件/秒 / cases/s (四个服务全部运行 / all services running)"
    )
