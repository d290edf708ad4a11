"""`xunban import` against a running system: nothing twice, nothing by half, however it is interrupted."""

import asyncio
import csv
import secrets
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from importing.rows import LINE, REASON
from libs.directory.publish.files import read_files
from libs.events.ids import new_id
from operations.embedded import processes
from operations.embedded.stack import Stack
from operations.installation import ROOT
from tests.integration.logs import eventually
from trials.publish import stated

EXAMPLES = ROOT / "examples" / "mappings"
MAPPING = EXAMPLES / "town.yaml"
HEADER = ["编号", "来电时间", "渠道", "类别", "内容", "网格", "地址", "姓名", "电话", "答复期限"]
MANY = 400
TWO_POSTS = "liu-guilan"


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """受理 and 派遣 of the demo town in real time."""
    with Stack(f"test-{secrets.token_hex(4)}", "real", services=("intake", "routing")) as stack:
        publisher = {"Authorization": f"Bearer {stack.token(client='deployer', scopes=('directory',))}"}
        with httpx.Client(headers=publisher, timeout=30, trust_env=False) as client:
            documents = stated(read_files(ROOT / "examples" / "town").raw)
            key = {"Idempotency-Key": "town"}
            published = client.post(stack.api_url("routing") + "/directory/bootstrap", json=documents, headers=key)
            query = {"min_position": published.raise_for_status().json()["position"]}
            known = partial(client.get, stack.api_url("intake") + "/freshness", params=query)
            processes.wait_until(lambda: known().is_success, "intake knows the directory", 60)
        yield stack


def command(stack: Stack, file: Path, *more: str) -> list[str]:
    options = ["--mapping", str(MAPPING), "--instance", stack.instance.name, *more]
    return [sys.executable, "-m", "cli.main", "import", str(file), *options]


def imported(stack: Stack, file: Path, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        command(stack, file, *more), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def begin(stack: Stack, file: Path) -> "subprocess.Popen[str]":
    """An import by one hand, so that there is time to disturb it."""
    return subprocess.Popen(command(stack, file, "--parallel", "1"), cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def cases(stack: Stack) -> tuple[int, int]:
    """How many cases were received, and how many registered, by intake's own log; what moved in is both."""
    kinds = ("intake.appeal-received.v1", "intake.case-registered.v1", "intake.case-imported.v1")
    conn = await asyncpg.connect(stack.admin_url("intake"))
    try:
        received, registered, moved_in = [
            await conn.fetchval("select count(*) from log.event where type = $1", kind) for kind in kinds
        ]
    finally:
        await conn.close()
    return received + moved_in, registered + moved_in


def write(file: Path, rows: list[list[str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return file


def register(folder: Path, prefix: str, count: int) -> Path:
    """A register of invented matters."""
    cells = ["电话", "下水道", "下水道异味", "G03", "绥山路", "张三示例", "13800000000", ""]
    rows = [[f"{prefix}-{number}", "2026-11-02 09:10:00", *cells] for number in range(count)]
    return write(folder / f"{prefix}.csv", [HEADER, *rows])


async def test_refused_rows_are_corrected_in_the_file_of_errors_and_imported(running: Stack, tmp_path: Path) -> None:
    received, registered = await cases(running)
    with (EXAMPLES / "town.csv").open(encoding="utf-8", newline="") as lines:
        good = list(csv.reader(lines))
    bad: list[dict[str, str]] = [
        {"编号": "SS-E1", "渠道": "传真"},
        {"编号": "SS-E2", "网格": "G99"},
        {"编号": "SS-2026-0001"},
    ]
    sound = dict(zip(HEADER, good[1], strict=True))
    file = write(tmp_path / "town.csv", [*good, *([*({**sound, **cells}).values()] for cells in bad)])

    code, told = imported(running, file)

    assert code == 1, told
    refused = tmp_path / "town.csv.errors.csv"
    with refused.open(encoding="utf-8-sig", newline="") as lines:
        found = list(csv.DictReader(lines))
    assert [(row["编号"], row[LINE]) for row in sorted(found, key=lambda row: int(row[LINE]))] == [
        ("SS-E1", "7"),
        ("SS-E2", "8"),
        ("SS-2026-0001", "9"),
    ]
    reasons = {row[LINE]: row[REASON] for row in found}
    assert reasons["7"].startswith("渠道: 代码表中没有此代码")
    assert reasons["8"].startswith("E-PLACE")
    assert reasons["9"].startswith("编号与第 2 行相同")
    assert await cases(running) == (received + 4, registered + 4)

    corrected: list[dict[str, Any]] = [{**row, "渠道": "电话", "网格": "G03"} for row in found]
    corrected = [row for row in corrected if row["编号"] != "SS-2026-0001"]
    write(refused, [list(corrected[0]), *([*row.values()] for row in corrected)])
    code, told = imported(running, refused)

    assert code == 0, told
    assert await cases(running) == (received + 6, registered + 6)
    assert not (tmp_path / "town.csv.errors.csv.errors.csv").exists()


async def test_killed_import_goes_on_and_a_further_one_imports_nothing(running: Stack, tmp_path: Path) -> None:
    received, registered = await cases(running)
    file = register(tmp_path, "KILLED", MANY)

    killed = begin(running, file)

    async def half_way() -> bool:
        return (await cases(running))[0] > received

    await eventually(half_way, "the import has begun", 60)
    killed.kill()
    killed.communicate()
    assert (await cases(running))[0] < received + MANY

    code, told = imported(running, file)
    assert code == 0, told
    assert await cases(running) == (received + MANY, registered + MANY)

    code, told = imported(running, file)
    assert code == 0, told
    assert f"{MANY} 行 / rows: 导入 / imported 0, 此前已导入 / there before {MANY}" in told
    assert await cases(running) == (received + MANY, registered + MANY)


async def test_another_caller_imports_nothing_twice_either(running: Stack, tmp_path: Path) -> None:
    received, registered = await cases(running)
    file = register(tmp_path, "TWICE", 3)
    plain = tmp_path / "plain.yaml"
    plain.write_text(MAPPING.read_text(encoding="utf-8").partition("registration:")[0], encoding="utf-8")
    scopes = ("import", "intake")
    for token in (running.token(person="zhou-min", scopes=scopes), running.token(client="upstream", scopes=scopes)):
        code, told = imported(running, file, "--mapping", str(plain), "--token", token)
        assert code == 0, told
    assert "导入 / imported 0, 此前已导入 / there before 3" in told
    assert await cases(running) == (received + 3, registered)


async def test_import_waits_while_intake_is_away_and_goes_on(running: Stack, tmp_path: Path) -> None:
    received, registered = await cases(running)
    file = register(tmp_path, "AWAY", MANY)
    importing = begin(running, file)

    async def begun() -> bool:
        return (await cases(running))[0] > received

    await eventually(begun, "the import has begun", 60)
    running.kill("intake-api")
    running.start_process("intake-api")
    told, _ = await asyncio.to_thread(importing.communicate, timeout=120)

    assert importing.returncode == 0, told
    assert await cases(running) == (received + MANY, registered + MANY)


def test_token_without_the_power_stops_the_import(running: Stack, tmp_path: Path) -> None:
    file = register(tmp_path, "POWERLESS", 3)
    code, told = imported(running, file, "--token", running.token(person="zhou-min"))
    assert code == 1
    assert "令牌没有导入的权限" in told


def test_whoever_holds_two_posts_is_told_once_what_to_do(running: Stack, tmp_path: Path) -> None:
    file = register(tmp_path, "TWOPOSTS", 3)
    code, told = imported(running, file, "--person", TWO_POSTS)
    assert code == 1
    assert told.count("--appointment") == 1
    assert "liu-guilan-clerk | liu-guilan-handler" in told
    assert not (tmp_path / "TWOPOSTS.csv.errors.csv").exists()


def test_codes_without_an_entry_are_named_before_the_first_row_and_each_row_counts(
    running: Stack, tmp_path: Path
) -> None:
    cells = ["下水道", "下水道异味", "G03", "绥山路", "张三示例", "13800000000", ""]
    rows = [[f"CODES-{n}", "2026-11-02 09:10:00", "传真" if n else "电话", *cells] for n in range(3)]
    code, told = imported(running, write(tmp_path / "codes.csv", [HEADER, *rows]))
    assert code == 1
    # What is said before the first row stands before the bar that shows how far it is.
    assert told.index("渠道: “传真” ×2") < told.index("导入 / import ")
    assert "3 行 / rows: 导入 / imported 1, 此前已导入 / there before 0, 未导入 / refused 2" in told


LIFE = """
confidential: {column: 保密}
life:
  several_rows: true
  closed_at: {column: 办结}
  satisfaction: {column: 满意度}
  facts: {延期: {column: 延期}}
  turn: {unit_name: {column: 承办}, reply: {column: 答复}, answered_at: {column: 答复时间}}
"""


async def test_a_whole_life_moves_in_as_one_event_and_every_row_is_accounted_for(
    running: Stack, tmp_path: Path
) -> None:
    received, registered = await cases(running)
    mapping = tmp_path / "life.yaml"
    mapping.write_text(MAPPING.read_text("utf-8").replace("suishan-register", "archive") + LIFE, "utf-8")
    header = [*HEADER, "保密", "办结", "满意度", "延期", "承办", "答复", "答复时间"]

    def row(number: str, content: str, due: str, *life: str) -> list[str]:
        fields = ["电话", "下水道", content, "G03", "绥山路", "张三示例", "13800000000", due]
        return [number, "2020-03-02 09:10:00", *fields, *life]

    rows = [
        row("L-1", "异味", "2020-03-09", "否", "2020-03-06", "满意", "5天", "住建局", "已疏通", "2020-03-05"),
        row("L-2", "异味", "2020-03-09", "是", "2020-03-06", "满意", "", "住建局", "已疏通", "2020-03-05"),
        row("L-1", "异味", "2020-03-09", "否", "2020-03-06", "满意", "5天", "城管局", "已清运", "2020-03-06"),
        row("L-3", "返水", "2020-03-09", "否", "", "", "", "", "", ""),
        row("L-4", "异味", "2020-03-09", "否", "", "", "", "住建局", "", ""),
        row("L-4", "路灯", "2020-03-09", "否", "", "", "", "城管局", "", ""),
        row("L-5", "异味", "", "否", "2020-03-01", "", "", "", "", ""),
    ]
    file = write(tmp_path / "archive.csv", [header, *rows])
    code, told = imported(running, file, "--mapping", str(mapping))

    assert code == 1
    assert "7 行 / rows: 导入 / imported 3, 此前已导入 / there before 0, 未导入 / refused 4" in told
    assert "合为 / as 2 件工单 / orders" in told
    for kept in ("承办 / departments 2", "答复 / replies 2", "满意度 / satisfaction 1", "延期 1"):
        assert kept in told
    with (tmp_path / "archive.csv.errors.csv").open(encoding="utf-8-sig", newline="") as lines:
        reasons = {one[LINE]: one[REASON] for one in csv.DictReader(lines)}
    assert sorted(reasons) == ["3", "6", "7", "8"]
    assert reasons["3"].startswith("保密: 来源标明保密")
    assert reasons["6"].startswith("内容: 同一工单各行 (6, 7) 不一致")
    assert reasons["8"].startswith("E-LIFE")
    assert await cases(running) == (received + 2, registered + 2)

    code, told = imported(running, file, "--mapping", str(mapping))
    assert "imported 0, 此前已导入 / there before 3, 未导入 / refused 4" in told


async def test_each_item_of_an_import_is_whole_or_not_there(running: Stack) -> None:
    received, registered = await cases(running)
    good, unplaced, unread, unclassed = [item(new_id()) for _ in range(4)]
    unplaced["appeal"]["place"] = {"grid": "G99"}
    unread["appeal"]["kind"] = "gossip"
    unclassed["registration"]["class_code"] = "no-such-matter"

    first = await posted(running, [good, unplaced, unread, unclassed])
    assert [(one["status"], one.get("code")) for one in first] == [
        (200, None),
        (422, "E-PLACE"),
        (422, "E-INPUT"),
        (422, "E-CLASS"),
    ]
    assert [(one["at"], one["error"]) for one in first[2]["errors"]] == [("appeal.kind", "literal_error")]
    assert await cases(running) == (received + 1, registered + 1), "what cannot be registered is not received either"

    changed = item(good["appeal"]["case_id"]) | {"registration": None}
    again, twice = await posted(running, [good, good])
    assert (again["events"], twice["code"]) == (first[0]["events"], "E-INPUT")
    (other,) = await posted(running, [changed])
    assert (other["status"], other["code"]) == (422, "E-IDEM")
    assert await cases(running) == (received + 1, registered + 1)


async def test_two_imports_of_the_same_cases_at_once_bring_each_in_once(running: Stack) -> None:
    received, registered = await cases(running)
    items = [item(new_id()) for _ in range(60)]
    answers = await asyncio.gather(*(posted(running, part) for part in (items, items[::-1], items[20:], items[:40])))
    assert all(one["status"] == 200 for answer in answers for one in answer)
    assert len({one["case_id"]: one["position"] for answer in answers for one in answer}) == 60
    assert await cases(running) == (received + 60, registered + 60)


def item(case_id: str) -> dict[str, Any]:
    """An invented matter, to be registered at once."""
    appeal = {
        "case_id": case_id,
        "channel": "phone",
        "kind": "complaint",
        "content": "下水道异味",
        "place": {"grid": "G03"},
    }
    return {"appeal": appeal, "registration": {"class_code": "sewer-odour", "urgency": "U3"}}


async def posted(running: Stack, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What intake says of each."""
    bearer = {"Authorization": f"Bearer {running.token(person='zhou-min', scopes=('import', 'intake'))}"}
    async with httpx.AsyncClient(headers=bearer, timeout=30, trust_env=False) as client:
        answer = await client.post(running.api_url("intake") + "/import", json={"items": items})
    told: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return told
