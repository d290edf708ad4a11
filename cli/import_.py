"""`xunban import FILE --mapping M`: cases of a file through the intake API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from importing.delivery import UNTRUSTED, ImportStopped, Sender
from importing.loading import check_columns, load
from importing.mapping import Mapping
from importing.rows import columns, read
from importing.run import ErrorFile, Run, Tally
from operations.embedded import keys
from operations.embedded.instance import Instance
from operations.installation import CannotStart

app = typer.Typer()
PARALLEL = 4
SCOPES = ("import", "intake")


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
    errors = ErrorFile(file.with_name(f"{file.name}.errors.csv"), names, plan.delimiter)
    bearer = token or keys.token(Instance(instance).keys, person=person, client=None, scopes=SCOPES)
    sender = Sender(intake or _address(instance, "intake"), bearer, appointment, parallel)
    # An intake elsewhere has its catalogue elsewhere too.
    catalogue = routing or (None if intake else _address(instance, "routing"))
    started = monotonic()
    tally = asyncio.run(_run(file, plan, sender, errors, catalogue))
    _tell(tally, monotonic() - started, errors)
    raise typer.Exit(1 if tally.refused else 0)


async def _run(file: Path, plan: Mapping, sender: Sender, errors: ErrorFile, catalogue: str | None) -> Tally:
    async with sender:
        classes = await known_classes(sender, catalogue) if plan.registration and catalogue else None
        with _progress(sum(1 for _ in read(file, plan))) as bar:
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


def _tell(tally: Tally, seconds: float, errors: ErrorFile) -> None:
    console = Console(highlight=False)
    console.print(
        f"{tally.rows} 行 / rows: 导入 / imported {tally.imported}, 此前已导入 / there before {tally.already}, "
        f"未导入 / refused {tally.refused}; {seconds:.1f} 秒 / s, {tally.rows / max(seconds, 0.001):.0f} 行/秒 / rows/s"
    )
    if tally.refused:
        console.print(f"未导入的行及原因 / refused rows and reasons: {errors.path}", style="yellow", soft_wrap=True)
