"""`xunban directory …`: drafts from YAML files, their publication, the founding of a town. Decides nothing itself."""

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

Files = Annotated[Path, typer.Argument(help="YAML 文件或文件夹 / a YAML file or a folder", exists=True)]
DraftRef = Annotated[str, typer.Argument(help="草案编号 / id of the draft")]
Url = Annotated[str, typer.Option(envvar="XUNBAN_ROUTING_URL", help="routing 的地址 / address of routing")]
Token = Annotated[str, typer.Option(envvar="XUNBAN_TOKEN", help="管理员的令牌 / an administrator's token")]
Deployer = Annotated[
    str, typer.Option(envvar="XUNBAN_TOKEN", help="含 directory 权限的机器令牌 / a machine's, with scope `directory`")
]
Basis = Annotated[str, typer.Option(help="依据, 不写个人信息 / what it follows; nothing personal")]
Now = Annotated[str | None, typer.Option(help="手动时钟下的时刻 / the instant, under a manual clock")]


@app.callback()
def directory() -> None:
    """目录 / the directory."""


@app.command("apply")
def apply_documents(path: Files, url: Url, token: Token, basis: Basis, now: Now = None) -> None:
    """起草: 差异成为草案, 由另一位管理员发布 / draft what differs; another administrator publishes it."""
    sources = _read(path)
    answer = _said(_post(url, "drafts", token, now, {"basis": basis, "documents": sources.raw}), sources)
    _show(answer, sources)
    if answer["draft"]:
        console.print(f"草案 / draft {answer['draft']}")
        console.print("尚未生效, 由另一位管理员发布 / not in force; another administrator publishes it: ", end="")
        console.print(f"xunban directory publish {answer['draft']}")


@app.command()
def publish(draft: DraftRef, url: Url, token: Token, now: Now = None) -> None:
    """发布他人起草的草案 / publish what somebody else drafted."""
    _show(_said(_post(url, f"drafts/{draft}/publish", token, now)))


@app.command()
def withdraw(draft: DraftRef, url: Url, token: Token, now: Now = None) -> None:
    """撤回草案 / take a draft back."""
    _said(_post(url, f"drafts/{draft}/withdraw", token, now))
    console.print(f"已撤回 / withdrawn: {draft}")


@app.command()
def drafts(url: Url, token: Token) -> None:
    """待发布的草案 / drafts that wait for publication."""
    for one in _said(_asked("GET", url, "drafts?state=OPEN", token))["items"]:
        # A line each, whole however wide the screen is: an id is copied from here.
        said = f"{one['id']} {one['drafted_at'][:16]} {one['drafted_by']} ({one['facts']}) {one['basis']}"
        console.print(said, markup=False, highlight=False)


@app.command()
def diff(draft: DraftRef, url: Url, token: Token) -> None:
    """草案与现行目录的差异, 谁可发布 / what a draft would change, and who may publish it."""
    shown = _said(_asked("GET", url, f"drafts/{draft}", token))
    console.print(f"{shown['state']} {shown['drafted_by']} {shown['basis']}", markup=False)
    for one in shown["changes"]:
        console.print(f"{'+' if one['new'] else '~'} {one['fact']}", markup=False)
        for change in one["changes"]:
            console.print(f"    {change['field']}: {_text(change['before'])} → {_text(change['after'])}", markup=False)
    console.print(f"可由其发布 / may be published by: {', '.join(shown['publishers']) or '–'}")


@app.command()
def bootstrap(path: Files, url: Url, token: Deployer, basis: Basis, now: Now = None) -> None:
    """初始部署: 建立空目录, 或管理员不足两人时任用管理员 / found an empty town, or appoint its lost administrators."""
    sources = _read(path)
    answer = _post(url, "bootstrap", token, now, {"basis": basis, "documents": sources.raw})
    _show(_said(answer, sources), sources)


def _read(path: Path) -> Sources:
    sources = Sources()
    try:
        sources = read_files(path)
        # The server reads them again, with its own zone for dates; here for the line numbers.
        read_documents(sources.raw, "UTC")
    except DocumentsRefused as error:
        raise _refuse(error.document(), sources) from error
    return sources


def _post(url: str, path: str, token: str, now: str | None, body: Any = None) -> httpx.Response:
    headers = {"Idempotency-Key": new_id(), "Content-Type": "application/json"}
    headers |= {"Xunban-Now": now} if now else {}
    return _asked(
        "POST", url, path, token, headers=headers, content=orjson.dumps(body or {}, option=orjson.OPT_NON_STR_KEYS)
    )


def _asked(method: str, url: str, path: str, token: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    try:
        return httpx.request(method, f"{url.rstrip('/')}/directory/{path}", headers=headers, timeout=30, **more)
    except httpx.TransportError as error:
        console.print(f"[red]routing 无法连接 / routing cannot be reached: {url}")
        raise typer.Exit(2) from error


def _said(answer: httpx.Response, sources: Sources | None = None) -> dict[str, Any]:
    """The document answered; ends the program where it is a refusal."""
    if answer.is_error:
        raise _refuse(_json(answer), sources or Sources())
    return _json(answer)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"code": f"E-HTTP-{answer.status_code}"}


def _refuse(problem: dict[str, Any], sources: Sources) -> typer.Exit:
    """Prints why nothing was done, and who or what may instead; the exit code is 1."""
    told = " / ".join(str(problem[key]) for key in ("message_zh", "message_en") if problem.get(key))
    console.print(f"[red]{problem.get('code')}[/red] {told}")
    if allowed := problem.get("allowed_actions"):
        console.print(f"可以 / instead: {', '.join(map(str, allowed))}", markup=False)
    _findings(problem.get("findings", ()), sources)
    return typer.Exit(1)


def _show(answer: dict[str, Any], sources: Sources | None = None) -> None:
    table = Table("状态 / state", "数量 / count", "内容 / what")
    table.add_row("新增 / new", str(len(answer["created"])), _by_kind(answer["created"]))
    table.add_row("变更 / changed", str(len(answer["changed"])), _by_kind(answer["changed"]))
    table.add_row("未变 / unchanged", str(len(answer["unchanged"])), "")
    table.add_row("文件外 / kept", str(len(answer["absent"])), _by_kind(answer["absent"]))
    console.print(table)
    _findings(answer["findings"], sources or Sources())


def _by_kind(names: list[str]) -> str:
    """`AppointmentPublished a`, `AppointmentPublished b` → one line per kind."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind, _, key = name.partition(" ")
        kinds.setdefault(kind, []).append(key)
    return "\n".join(f"{kind} {', '.join(keys)}".strip() for kind, keys in kinds.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _findings(findings: Any, sources: Sources) -> None:
    for finding in findings:
        where = " ".join(dict.fromkeys(part for part in (sources.place(finding["path"]), finding["path"]) if part))
        console.print(f"{finding['code']} {where}: {finding['zh']} / {finding['en']}", markup=False)
