"""`xunban directory apply PATH`: sends YAML documents to routing's API and shows what changed. Decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table

from libs.directory.findings import DocumentsRefused
from libs.directory.publish.documents import read_documents
from libs.directory.publish.files import Sources, read_files
from libs.events.ids import new_id

app = typer.Typer(no_args_is_help=True, help="目录: 单位、人员、任职、网格、事项、规则库、日历 / the directory")
console = Console(soft_wrap=True)


@app.callback()
def directory() -> None:
    """目录 / the directory."""


@app.command("apply")
def apply_documents(
    path: Annotated[Path, typer.Argument(help="YAML 文件或文件夹 / a YAML file or a folder", exists=True)],
    url: Annotated[str, typer.Option(envvar="XUNBAN_ROUTING_URL", help="routing 的地址 / address of routing")],
    token: Annotated[str, typer.Option(envvar="XUNBAN_TOKEN", help="含 directory 权限 / with scope `directory`")],
    now: Annotated[str | None, typer.Option(help="手动时钟下的时刻 / the instant, under a manual clock")] = None,
) -> None:
    """发布目录文件, 只追加有变化的部分 / publish documents; appends only what changed."""
    sources = _read(path)
    answer = _post(url, token, now, sources)
    if answer.is_error:
        raise _refuse(_json(answer), sources)
    _show(answer.json(), sources)


def _read(path: Path) -> Sources:
    sources = Sources()
    try:
        sources = read_files(path)
        # The server reads them again, with its own zone for dates; here for the line numbers.
        read_documents(sources.raw, "UTC")
    except DocumentsRefused as error:
        raise _refuse(error.document(), sources) from error
    return sources


def _post(url: str, token: str, now: str | None, sources: Sources) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id(), "Content-Type": "application/json"}
    if now:
        headers["Xunban-Now"] = now
    body = orjson.dumps(sources.raw, option=orjson.OPT_NON_STR_KEYS)
    try:
        return httpx.post(f"{url.rstrip('/')}/directory/documents", content=body, headers=headers, timeout=30)
    except httpx.TransportError as error:
        console.print(f"[red]routing 无法连接 / routing cannot be reached: {url}")
        raise typer.Exit(2) from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"code": f"E-HTTP-{answer.status_code}"}


def _refuse(problem: dict[str, Any], sources: Sources) -> typer.Exit:
    """Prints why nothing was published; the exit code is 1."""
    told = " / ".join(str(problem[key]) for key in ("message_zh", "message_en") if problem.get(key))
    console.print(f"[red]{problem.get('code')}[/red] {told}")
    _findings(problem.get("findings", ()), sources)
    return typer.Exit(1)


def _show(answer: dict[str, Any], sources: Sources) -> None:
    table = Table("状态 / state", "数量 / count", "内容 / what")
    table.add_row("新增 / new", str(len(answer["created"])), _by_kind(answer["created"]))
    table.add_row("变更 / changed", str(len(answer["changed"])), _by_kind(answer["changed"]))
    table.add_row("未变 / unchanged", str(len(answer["unchanged"])), "")
    table.add_row("文件外 / kept", str(len(answer["absent"])), _by_kind(answer["absent"]))
    console.print(table)
    _findings(answer["findings"], sources)


def _by_kind(names: list[str]) -> str:
    """`AppointmentPublished a`, `AppointmentPublished b` → one line per kind."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind, _, key = name.partition(" ")
        kinds.setdefault(kind, []).append(key)
    return "\n".join(f"{kind} {', '.join(keys)}".strip() for kind, keys in kinds.items())


def _findings(findings: Any, sources: Sources) -> None:
    for finding in findings:
        where = " ".join(dict.fromkeys(part for part in (sources.place(finding["path"]), finding["path"]) if part))
        console.print(f"{finding['code']} {where}: {finding['zh']} / {finding['en']}", markup=False)
