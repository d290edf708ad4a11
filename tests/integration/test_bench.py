"""`make bench` in short: it runs and writes its rows. It measures nothing: the machine is busy with other tests."""

import json
import subprocess
import sys

import pytest

from bench import run
from operations.installation import ROOT


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param({"append", "relay", "rebuild", "verify"}, id="log"),
        pytest.param({"timers", "visible"}, id="worker", marks=pytest.mark.long),
        pytest.param({"start", "idle", "case", "import", "intake"}, id="town", marks=pytest.mark.long),
    ],
)
def test_a_bench_of_few_cases_runs_and_writes_its_rows(groups: set[str]) -> None:
    asked = [sys.executable, "-m", "bench.run", "small", *sorted(groups)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(run.RESULTS.with_name("bench-part.json").read_text())
    assert {row["group"] for row in written["rows"]} == groups
    assert all(row["value"] > 0 for row in written["rows"])
