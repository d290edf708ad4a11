"""The auditor's command line: `xunban verify`, `xunban history CASE`. Prints; the judging is in chain.py."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from libs.audit.checks.claims import Topics
from libs.audit.checks.findings import WORDS, Finding
from libs.audit.history import History, history
from libs.audit.reading import NoLog
from libs.audit.verify import Proven, Report, verify
from libs.case.words import sentence
from libs.directory.rules.naming import Bilingual, Naming
from libs.events.contracts.notify import MessageDue, MessageSent
from libs.events.ids import MessageId
from libs.events.signature import PublicKeys
from libs.log.keys import read_public_keys
from libs.service.settings import broker_at

app = typer.Typer(no_args_is_help=True, help="审计: 直接读取日志 / audit, straight from the log")
T = TypeVar("T")
Bootstrap = Annotated[str, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="Kafka 地址 / host:port of Kafka")]
Cases = Annotated[str, typer.Option(help="案件主题 / topic of the cases")]
Facts = Annotated[str, typer.Option(help="目录主题 / topic of the directory")]
Keys = Annotated[
    Path | None,
    typer.Option(
        envvar="PUBLIC_KEYS_FILE",
        help="各服务公钥 / public keys of the services: keys/checkpoints.json",
        exists=True,
        dir_okay=False,
    ),
]
Since = Annotated[
    list[str] | None,
    typer.Option(
        help="见证人保存的检查点摘要 / digest of a checkpoint that an outside witness kept; several if need be"
    ),
]
SHOWN = 200
PIPED = 200
"""Columns of what is written to a file or another program: nobody's window, so nothing is cut."""
LATE = timedelta(minutes=1)
"""Recorded later than this after it happened, both instants are shown."""


@app.command("verify")
def verify_log(
    bootstrap: Bootstrap,
    cases: Cases = Topics.cases,
    directory: Facts = Topics.directory,
    keys: Keys = None,
    since: Since = None,
) -> None:
    """校验整个日志: 缺号、重复、次序、内容、链条、外来记录、签名 / verify the whole log; exit code 1 with findings."""
    console = Console()
    public = _public_keys(keys)
    if since and public is None:
        raise typer.BadParameter("需要公钥 / needs --keys", param_hint="--since")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("校验 / verifying", total=None)
        told = _telling(progress, task)
        report = _run(verify(broker_at(bootstrap), Topics(cases, directory), told, public, since or ()))
    show_report(console, report)
    raise typer.Exit(0 if report.sound else 1)


@app.command("history")
def case_history(
    case: Annotated[str, typer.Argument(help="案件编号 / case id")],
    bootstrap: Bootstrap,
    cases: Cases = Topics.cases,
    directory: Facts = Topics.directory,
    keys: Keys = None,
) -> None:
    """一个案件的全部经过, 按日志次序 / everything that happened to one case, in log order."""
    console = Console(width=None if sys.stdout.isatty() else PIPED)
    found = _run(history(broker_at(bootstrap), case, Topics(cases, directory), _public_keys(keys)))
    if not found.events:
        console.print(f"日志中没有此案件 / the log knows no such case: {case}", markup=False)
        raise typer.Exit(1)
    show_history(console, found)


def show_report(console: Console, report: Report) -> None:
    """Two tables: what was checked, and what was found."""
    checked = Table(title="日志校验 / verification of the log", show_header=False)
    for zh, en, value in (
        ("事件", "events", f"{report.events:,}"),
        ("泳道链", "lanes", f"{report.lanes:,}"),
        ("分区", "partitions", f"{report.partitions:,}"),
        ("字节", "bytes", f"{report.size:,}"),
        ("相同的重复", "identical duplicates", f"{report.duplicates:,}"),
        (
            "检查点签名",
            "signed checkpoints",
            "未校验 not checked" if report.checkpoints is None else f"{report.checkpoints:,}",
        ),
        ("用时", "seconds", f"{report.seconds:.1f}"),
        ("问题", "findings", f"{len(report.findings):,}"),
    ):
        checked.add_row(f"{zh} {en}", value)
    console.print(checked)
    if report.proven:
        console.print(_horizon(report.proven))
    if report.sound:
        console.print("[green]日志完整, 未被改动 / the log is whole and unaltered[/green]")
        return
    _show_findings(console, report.findings)


def _horizon(proven: tuple[Proven, ...]) -> Table:
    """Until when the log is proven, source by source, and what a witness may keep."""
    table = Table(
        "来源\nsource",
        "签名至\nsigned until",
        "其后未签名\nnot signed",
        "签名制度之前\nbefore signing began",
        "最近检查点\nlast checkpoint",
        "摘要, 可交见证人保存\ndigest for a witness",
        title="证明范围 / how far the log is proven",
    )
    for column in table.columns:
        column.overflow = "fold"  # A witness keeps every letter.
    for one in proven:
        signed = one.signed_at.isoformat(timespec="seconds") if one.signed_at else "从未 never"
        row = (one.source, signed, f"{one.unsigned:,}", f"{one.began:,}", one.checkpoint_at or "从未 never")
        table.add_row(*row, one.checkpoint or "—")
    return table


def _show_findings(console: Console, findings: tuple[Finding, ...]) -> None:
    table = Table(
        "问题 finding",
        "主题 topic",
        "分区 partition",
        "偏移 offset",
        "来源 source",
        "泳道 lane",
        "序号 seq",
        "说明 detail",
    )
    for found in findings[:SHOWN]:
        place = (found.topic, found.partition, found.offset, found.source, found.lane, found.seq)
        table.add_row(
            f"[red]{found.zh}[/red]\n{found.en}", *("—" if one is None else str(one) for one in place), found.detail
        )
    console.print(table)
    total = Counter(found.fault for found in findings)
    console.print("  ".join(f"{WORDS[fault].zh} {WORDS[fault].en}: {count}" for fault, count in total.items()))


def show_history(console: Console, found: History) -> None:
    """One row per event: when, who, what; a delivery is said with its message."""
    naming = Naming(found.directory.latest)
    case = found.events[0].subject
    table = Table(
        "序号\nno.",
        "时间 / time",
        "谁 / who",
        "经过 / what happened",
        title=f"案件经过 / history of {case}",
        show_lines=True,
    )
    fates = _fates(found, naming)
    for number, event in enumerate(found.events, 1):
        who, what = naming.person(event.actor), sentence(event.data, naming)
        if isinstance(event.data, MessageSent):
            continue
        if isinstance(event.data, MessageDue) and (fate := fates.get(event.data.message_id)):
            what = Bilingual(f"{what.zh}; {fate.zh}", f"{what.en}; {fate.en}")
        if event.id in found.unproven:
            what = Bilingual(f"[未经证明] {what.zh}", f"[not proven] {what.en}")
        happened = naming.moment(event.recorded_at)
        if event.recorded_at - event.time > LATE:
            happened += f"\n发生于 / happened {naming.moment(event.time)}"
        said = [Text.assemble(one.zh, "\n", (one.en, "dim")) for one in (who, what)]
        table.add_row(str(number), happened, *said)
    console.print(table)
    state = found.case.state if found.case else "—"
    console.print(
        f"状态 / state: {state}   事件 / events: {len(found.events)}   未经证明 / not proven: {len(found.unproven)}"
        f"   无法读取 / unreadable: {found.unreadable}"
    )
    if not found.checked:
        console.print("没有公钥, 未校验签名 / no public keys: signatures were not checked (--keys)")


def _fates(found: History, naming: Naming) -> dict[MessageId, Bilingual]:
    """What became of the messages that were sent, to be said where they became due."""
    sent = [event.data for event in found.events if isinstance(event.data, MessageSent)]
    return {data.message_id: sentence(data, naming) for data in sent}


def _public_keys(file: Path | None) -> PublicKeys | None:
    """Raises BadParameter for a file that holds none."""
    try:
        return read_public_keys(file) if file else None
    except (ValueError, AttributeError, TypeError) as why:
        raise typer.BadParameter(f"不是公钥文件 / no public keys: {file}", param_hint="--keys") from why


def _telling(progress: Progress, task: Any) -> Callable[[int, int], None]:
    return lambda done, of: progress.update(task, completed=done, total=of)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except NoLog as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from error
