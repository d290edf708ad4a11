"""The story of a handful of cases, told on one screen, on a fresh stack; what does not come true is counted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import (
    CIVIL,
    Town,
    civil,
)

ONE_DAY, ONE_HOUR, HALF_HOUR, MINUTE = (timedelta(minutes=minutes) for minutes in (1440, 60, 30, 1))
LAMPS = {
    "GREEN": "绿",
    "YELLOW": "[yellow]黄[/yellow]",
    "RED": "[red]红[/red]",
    "LONG_RED": "[bold red]长红[/bold red]",
}
LATE, IN_TIME = "[red]超期 late[/red]", "[green]未超期 in time[/green]"


@dataclass
class Story:
    """Tells, and counts what did not come true."""

    console: Console
    failed: list[str] = field(default_factory=list)

    def chapter(self, zh: str, en: str) -> None:
        """A heading."""
        self.console.rule(f"[bold]{zh}[/bold] · {en}", align="left")

    def expect(self, true: bool, text: str) -> None:
        """One line: what should be, and whether it is."""
        self.console.print(f"  {'[green]✓[/green]' if true else '[red]✗[/red]'} {text}")
        if not true:
            self.failed.append(text)


def audit(stack: Stack, story: Story) -> bool:
    """The auditor reads Kafka, and nothing else: no service of ours is asked."""
    story.chapter("审计", "the auditor verifies the log")
    command = [sys.executable, "-m", "cli.main", "verify", "--bootstrap", stack.bootstrap]
    command += ["--keys", str(stack.instance.public_keys)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    story.expect(done.returncode == 0, "日志完整、连续、未被改动 / the log is whole and unaltered")
    return done.returncode == 0


async def tell(stack: Stack, story: Story) -> None:
    """The cases, then what everybody sees."""
    async with Timeline.of(stack) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        town = Town(line)
        normal = await normal_loop(town, story)
        dual_hat = await dual_hatted_cadre(town, story)
        silent = await nobody_moves(town, story)
        answered, late = await broker_away(stack, town, story)
        await ladder(town, story, silent)
        await verdicts(town, story, {"in_time": answered, "late": late})
        await board(town, story)
        await messages(town, story, (normal, dual_hat, silent, answered, late))


async def normal_loop(town: Town, story: Story) -> str:
    """场景1: found by the grid, handled by the county, verified by the finder, closed by the centre."""
    story.chapter("一、正常闭环", "the normal loop")
    case = await town.report("2026-11-02 09:10", "li-fang", "G03", "manhole", "井盖周边路面破损")
    await town.register("2026-11-02 09:20", case, "manhole", "U3", filing_condition="manhole-surround")
    await town.dispatch("2026-11-02 09:40", case)
    await town.accept("2026-11-02 10:30", case, "fang-yun")
    due = (await clock(town, case, "handling"))["due_at"]
    story.expect(
        datetime.fromisoformat(due) == civil("2026-11-10 00:00"),
        "5 个工作日, 截止 11-09 24:00, 签收不改变截止 / 5 working days end on 11-09 24:00; signing moves nothing",
    )
    await town.assign("2026-11-02 11:00", case, "fang-yun", "zheng-kai")
    await town.feedback("2026-11-05 15:00", case, "zheng-kai", "路面已修复, 井盖加固")
    refused = await town.close("2026-11-05 15:10", case, person="fang-yun", expect=409)
    story.expect(
        refused["code"] == "E-SEP-04", "住建局不能自行结案: E-SEP-04 / the department cannot close its own case"
    )
    await town.review("2026-11-05 16:00", case)
    refused = await town.verify("2026-11-06 08:30", case, "zheng-kai", "G03", expect=409)
    story.expect(
        refused["code"] == "E-SEP-03", "经办人不能核实自己的工作: E-SEP-03 / the handler cannot verify his work"
    )
    await town.verify("2026-11-06 09:00", case, "li-fang", "G03")
    await town.close("2026-11-06 10:00", case)
    state = (await view(town, case))["state"]
    story.expect(state == "CLOSED", "李芳核实, 吴倩结案 / the finder verified, the centre closed")
    return case


async def dual_hatted_cadre(town: Town, story: Story) -> str:
    """场景2: the cadre who found it may not sign for it; his colleague may."""
    story.chapter("二、巡办不分", "a dual-hatted cadre")
    grid_post = {"appointment": "wang-jianguo-grid"}
    case = await town.report(
        "2026-11-06 14:00", "wang-jianguo", "G04", "village-litter", "村口垃圾堆积", kind="grid_livelihood", **grid_post
    )
    await town.register("2026-11-06 14:20", case, "village-litter", "U3")
    await town.dispatch("2026-11-06 14:40", case)
    refused = await town.accept("2026-11-06 15:00", case, "wang-jianguo", appointment="wang-jianguo-clerk", expect=409)
    story.expect(
        refused["code"] == "E-SEP-01" and bool(refused["evidence_event_ids"]),
        f"发现人王建国不能签收: {refused['code']}, 证据 {len(refused['evidence_event_ids'])} 个事件, "
        f"可由 {'、'.join(refused['allowed_actions'])} 办理 / the finder cannot sign; his colleague may",
    )
    await town.accept("2026-11-06 15:10", case, "liu-guilan", appointment="liu-guilan-clerk")
    document = await view(town, case)
    story.expect(
        document["dual_hat"] and document["state"] == "IN_PROGRESS",
        "村委会另一委员签收, 案件标记兼任 / signed by a colleague; flagged dual hat",
    )
    return case


async def nobody_moves(town: Town, story: Story) -> str:
    """A case that nobody works on; its ladder is looked at later."""
    story.chapter("三、无人办理", "nobody moves")
    case = await town.appeal("2026-11-06 15:30", "zhou-min", "G03", "complaint", "小区门口下水道异味")
    await town.register("2026-11-06 15:35", case, "sewer-odour", "U3")
    await town.dispatch("2026-11-06 15:40", case)
    unit = (await view(town, case))["unit"]
    story.console.print(f"  派给 {unit}, 无人签收 / dispatched to {unit}, nobody signs")
    return case


async def broker_away(stack: Stack, town: Town, story: Story) -> tuple[str, str]:
    """An answer given in time while the log is away must not count as a breach; a late one must."""
    story.chapter("四、消息中间件停机", "the broker is away")
    cases = []
    for hour, grid in (("16", "G03"), ("17", "G04")):
        case = await town.appeal(f"2026-11-06 {hour}:00", "zhou-min", grid, "complaint", "路灯不亮")
        await town.register(f"2026-11-06 {hour}:05", case, "street-light", "U3")
        await town.dispatch(f"2026-11-06 {hour}:10", case)
        await town.accept(f"2026-11-06 {hour}:20", case, "tang-jing")
        await town.contact(f"2026-11-06 {hour}:30", case, "song-tao")
        cases.append(case)
    due = datetime.fromisoformat((await clock(town, cases[0], "handling"))["due_at"]).astimezone(CIVIL)
    answered, late = cases
    await town.line.run_to(due - ONE_HOUR)
    photo = await town.photo(f"{due - ONE_HOUR:%Y-%m-%d %H:%M}", answered, "song-tao")
    stack.stop_broker()
    path, body = f"/cases/{answered}/feedback", {"result": "SOLVED", "reply": "已更换灯具", "photos": [photo]}
    told = await town.line.post("routing", path, body, person="song-tao", at=due - HALF_HOUR)
    story.expect(
        told["position"] is not None,
        f"Kafka 停机时, {due - HALF_HOUR:%m-%d %H:%M} 的反馈仍被接受 / the answer is taken while Kafka is down",
    )
    stack.start_broker()
    await town.feedback(f"{due + HALF_HOUR:%Y-%m-%d %H:%M}", late, "song-tao", "已更换灯具")
    return answered, late


async def ladder(town: Town, story: Story, case: str) -> None:
    """The silent case climbs by itself."""
    story.chapter("五、逾期升级", "the ladder")
    due = datetime.fromisoformat((await clock(town, case, "handling"))["due_at"]).astimezone(CIVIL)
    await town.line.run_to(due + ONE_HOUR)
    first = (await view(town, case))["supervision_level"]
    story.expect(first == 1, f"{due - MINUTE:%m-%d} 24:00 到期: 催办 L1 / due: L1")
    await town.line.run_to(due + 4 * ONE_DAY)
    level = (await view(town, case))["supervision_level"]
    story.expect(level >= 2, f"再过一个工作日: 督办蓝单 L2 (现为 L{level}) / one working day on: L2, now L{level}")


async def verdicts(town: Town, story: Story, cases: dict[str, str]) -> None:
    """What counts is when an answer was recorded, not when it was heard of."""
    story.chapter("六、时限判定", "verdicts")
    in_time = await clock(town, cases["in_time"], "handling")
    late = await clock(town, cases["late"], "handling")
    story.expect(in_time["verdict"] == "ON_TIME", f"停机期间按时反馈: {IN_TIME}")
    story.expect(late["verdict"] == "OVERDUE" and late["confirmed"], f"到期后半小时反馈: {LATE}")


async def board(town: Town, story: Story) -> None:
    """The overdue board as the supervisor sees it."""
    answer = await town.line.get("supervision", "/overdue", person="han-feng")
    table = Table(title=f"超期看板 / overdue board · 截至 as of {local(answer['as_of'])}")
    for heading in (
        "案件\ncase",
        "承办单位\nunit",
        "灯\nlamp",
        "截止\ndue",
        "级别\nlevel",
        "最后一步\nlast step",
        "确认\nsure",
    ):
        table.add_column(heading)
    for row in answer["items"]:
        step = row["last_step"]["type"].split(".")[1]
        sure = "是 yes" if row["confirmed"] else "待定 not yet"
        level = f"L{row['supervision_level']}"
        table.add_row(row["case_id"][-6:], row["unit"], LAMPS[row["lamp"]], local(row["due_at"]), level, step, sure)
    story.console.print(table)
    story.expect(
        {row["unit"] for row in answer["items"]} == {"shiqiao-committee", "county-housing"}
        and all(row["confirmed"] for row in answer["items"]),
        "两件超期在办, 均已确认 / two cases are overdue, both for certain",
    )


def local(instant: str) -> str:
    """An instant on the town's clock; midnight is the end of the day before."""
    at = datetime.fromisoformat(instant).astimezone(CIVIL)
    return f"{at - MINUTE:%m-%d} 24:00" if (at.hour, at.minute) == (0, 0) else f"{at:%m-%d %H:%M}"


async def messages(town: Town, story: Story, cases: tuple[str, ...]) -> None:
    """Who was told how often, and of what last."""
    rows = []
    for case in cases:
        rows += (await town.line.get("notify", "/messages", person="han-feng", case_id=case, limit=200))["items"]
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row["recipient"], []).append(row["event_type"].split(".")[1])
    table = Table(title="消息 / messages", min_width=100)
    for heading in ("收件人 recipient", "条数 number", "事由 because of"):
        table.add_column(heading)
    for recipient, reasons in sorted(told.items()):
        table.add_row(recipient, str(len(reasons)), ", ".join(dict.fromkeys(reasons)))
    story.console.print(table)
    fates = {row["state"] for row in rows}
    story.expect(fates == {"SENT"}, f"{len(rows)} 条消息均已送达文件通道 / all messages are sent (file channel)")


async def view(town: Town, case: str, service: str = "supervision") -> dict[str, Any]:
    """The case as one service answers it to the supervisor or dispatcher."""
    person = "chen-li" if service == "routing" else "han-feng"
    document: dict[str, Any] = await town.line.get(service, f"/cases/{case}", person=person)
    return document


async def clock(town: Town, case: str, name: str) -> dict[str, Any]:
    """One clock of the case."""
    clocks = (await view(town, case))["clocks"]
    return next(one for one in clocks if one["clock"] == name)
