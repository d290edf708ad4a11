"""`xunban import FILE --mapping M`: cases of a file through the intake API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from importing.counting import records
from importing.delivery import UNTRUSTED, Answer, ImportStopped, Sender, what_to_do
from importing.loading import check_columns, left_behind, load
from importing.mapping import Mapping
from importing.rows import columns, read
from importing.run import ErrorFile, Run, Tally
from importing.survey import survey
from operations.embedded import keys
from operations.embedded.instance import Instance
from operations.installation import CannotStart

app = typer.Typer()
PARALLEL = 4
SCOPES = ("import", "intake")
KEPT = {
    "turn": "承办 / departments",
    "reply": "答复 / replies",
    "rework": "返工 / reworks",
    "satisfaction": "满意度 / satisfaction",
}
"""What the facts are called that stay in the events; others keep the name that the mapping gives them."""


@app.command("import")
def import_file(  # noqa: PLR0917 - typer passes them by name
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, CSV.GZ, XLSX")],
    mapping: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="映射 YAML / the mapping")],
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
    person: Annotated[
        str, typer.Option(help="以谁的名义 / in whose name, signed with the instance's key")
    ] = "zhou-min",
    token: Annotated[
        str | None, typer.Option(envvar="XUNBAN_TOKEN", help="须含 import 权限 / with scope import")
    ] = None,
    appointment: Annotated[str | None, typer.Option(envvar="XUNBAN_APPOINTMENT", help="岗位 / appointment")] = None,
    intake: Annotated[str | None, typer.Option(envvar="XUNBAN_INTAKE_URL", help="受理服务地址 / intake")] = None,
    routing: Annotated[str | None, typer.Option(envvar="XUNBAN_ROUTING_URL", help="派遣服务地址 / routing")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="并行请求数 / requests side by side")] = PARALLEL,
) -> None:
    """导入案件, 可重复执行: 同一编号只导入一次 / import cases; repeatable, each external id comes in once.

    Exit code 1 where rows were refused: they stand in FILE.errors.csv with their reason, to be corrected and imported.
    """
    plan, places = load(mapping)
    names = columns(file, plan)
    check_columns(mapping, plan, places, names)
    looked = survey(file, plan)
    found = records(file, plan)
    _tell_before([*_left(left_behind(plan, names)), *looked.told()])
    errors = ErrorFile(file.with_name(f"{file.name}.errors.csv"), names, plan.delimiter)
    bearer = token or keys.token(Instance(instance).keys, person=person, client=None, scopes=SCOPES)
    sender = Sender(intake or _address(instance, "intake"), bearer, appointment, parallel)
    # An intake elsewhere has its catalogue elsewhere too.
    catalogue = routing or (None if intake else _address(instance, "routing"))
    started = monotonic()
    tally = asyncio.run(_run(file, plan, sender, errors, catalogue, looked.rows))
    _tell(tally, found, monotonic() - started, errors)
    raise typer.Exit(1 if tally.refused or tally.rows != found else 0)


async def _run(  # noqa: PLR0917
    file: Path, plan: Mapping, sender: Sender, errors: ErrorFile, catalogue: str | None, total: int
) -> Tally:
    async with sender:
        classes = await known_classes(sender, catalogue) if plan.registration and catalogue else None
        with _progress(total) as bar:
            run = Run(plan, sender, errors, classes, lambda tally: bar.update(bar.task_ids[0], completed=tally.rows))
            try:
                return await run.take(read(file, plan))
            except* CannotStart as stopped:
                raise _first(stopped) from None


def _first(group: BaseExceptionGroup[CannotStart]) -> CannotStart:
    """All hands stop for the same reason; it is told once."""
    one = group.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one


async def known_classes(sender: Sender, routing: str) -> frozenset[str]:
    """Codes of the catalogue in force."""
    try:
        answer = await sender.client.get(f"{routing}/directory/classes")
        if answer.status_code in UNTRUSTED:
            raise ImportStopped(f"令牌不被接受 / the token is not accepted: {routing}")
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise ImportStopped(what_to_do(Answer(answer.status_code, answer.json())))
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise ImportStopped(f"目录没有应答 / the directory does not answer: {routing}") from error
    return frozenset(item["code"] for item in answer.json()["items"])


def _address(instance: str, service: str) -> str:
    known = Instance(instance)
    if not (known.dir / "ports.json").exists():
        raise CannotStart(f"没有实例 {instance}, 请先 make up / no instance {instance}: run `make up` first")
    return f"http://127.0.0.1:{known.ports().api(service)}"


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    console = Console(stderr=True)
    shown = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*shown, console=console) as bar:
        bar.add_task("导入 / import", total=total)
        yield bar


def _left(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"映射未用到的列, 不导入 / columns that the mapping does not use, left behind: {', '.join(names)}"


def _tell_before(lines: Sequence[str]) -> None:
    """Once, and before the first row is sent."""
    console = Console(stderr=True, highlight=False)
    for line in lines:
        console.print(line, style="yellow", soft_wrap=True, markup=False)


def _tell(tally: Tally, found: int, seconds: float, errors: ErrorFile) -> None:
    console = Console(highlight=False)
    if found != tally.rows:
        console.print(
            f"文件中数出 {found} 行, 处理了 {tally.rows} 行: 有行未被读到"
            f" / the file holds {found} rows, {tally.rows} were taken: rows were passed over",
            style="red",
            soft_wrap=True,
        )
    console.print(
        f"{tally.rows} 行 / rows: 导入 / imported {tally.imported}, 此前已导入 / there before {tally.already}, "
        f"未导入 / refused {tally.refused}; {seconds:.1f} 秒 / s, {tally.rows / max(seconds, 0.001):.0f} 行/秒 / rows/s"
    )
    if tally.orders != tally.imported:
        console.print(f"合为 / as {tally.orders} 件工单 / orders", soft_wrap=True)
    if tally.kept:
        kept = [f"{KEPT.get(name, name.removeprefix('facts.'))} {count}" for name, count in tally.kept.items()]
        told = "尚无对应操作、留存于事件的事实 / facts kept in the events, no command yet"
        console.print(f"{told}: {', '.join(kept)}", soft_wrap=True)
    if tally.refused:
        console.print(f"未导入的行及原因 / refused rows and reasons: {errors.path}", style="yellow", soft_wrap=True)
