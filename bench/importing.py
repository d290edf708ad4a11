"""`xunban import` of a file, beside the same commands one by one."""

from __future__ import annotations

import asyncio
import csv
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row, at_least
from libs.events.ids import new_id
from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.load.acts import LIFE, body_of
from trials.load.arrivals import Crowd
from trials.load.watching import Watch

IMPORTED, ONE_BY_ONE = 2000, 120


async def import_rows(running: Stack, watch: Watch) -> list[Row]:
    """`xunban import` of a file, beside the same commands one by one."""
    single = await _registered_one_by_one(running)
    await watch.caught_up(120)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "town.csv"
        _write_csv(path, IMPORTED)
        command = [sys.executable, "-m", "cli.main", "import", str(path), "--instance", running.instance.name]
        command += ["--mapping", str(ROOT / "examples" / "mappings" / "town.yaml")]
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told = (await process.communicate())[0].decode()
        seconds = time.perf_counter() - begun
        assert process.returncode == 0, told[-2000:]
    caught_up = await watch.caught_up(300)
    rate = IMPORTED / seconds
    return [
        at_least(
            200,
            group="import",
            zh="批量导入",
            en="bulk import",
            value=rate,
            unit="cases/s",
            baseline=single,
            baseline_name="one by one",
            note=f"received and registered; the other services had caught up {caught_up:.1f} s later",
        )
    ]


async def _registered_one_by_one(running: Stack) -> float:
    """Cases per second, received and registered by a command each, as many side by side as the import has."""
    crowd = Crowd.of(running)
    slots = asyncio.Semaphore(4)

    async def one(number: int) -> None:
        async with slots:
            case = ""
            for act in LIFE[:2]:
                path, token = act.path.format(case=case), crowd.tokens[act.person]
                answer = await crowd.webs["intake"].post(path, token, body_of(act, 10_000 + number), new_id())
                assert answer.status < 300, (act.name, answer.body)
                case = answer.document["case_id"]

    begun = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(ONE_BY_ONE)))
    crowd.close()
    return ONE_BY_ONE / (time.perf_counter() - begun)


def _write_csv(path: Path, rows: int) -> None:
    source = ROOT / "examples" / "mappings" / "town.csv"
    with source.open(newline="", encoding="utf-8") as given, path.open("w", newline="", encoding="utf-8") as out:
        reader = csv.DictReader(given)
        first = next(reader)
        writer = csv.DictWriter(out, reader.fieldnames or [])
        writer.writeheader()
        for number in range(rows):
            changed = {"编号": f"B-{number:06}", "内容": f"{number} 号楼门口下水道异味", "姓名": "", "电话": ""}
            writer.writerow({**first, **changed})
