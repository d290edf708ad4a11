"""`xunban chaos` in short: the seed is fixed, and so little time shows that the run comes to its end, not much more."""

import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import chaos


def test_ten_seconds_of_harm_lose_and_misjudge_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "RESULTS", tmp_path)
    asked = ["--seconds", "10", "--deadlines", "300", "--seed", "1", "--instance", f"test-{secrets.token_hex(4)}"]
    run = CliRunner().invoke(chaos.app, asked)
    assert run.exit_code == 0, run.output
    found = json.loads((tmp_path / "chaos.json").read_text())
    assert found["findings"] == 0
    assert found["commands_acknowledged"] > 300
    assert [fired["due"] >= 300 for fired in found["deadlines"]] == [True, True]
    assert sum(found["faults"].values()) > 1
    assert found["records_of_a_stranger"] > 0
