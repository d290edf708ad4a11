"""`xunban golden`: a new type gets its golden in one command, an old one keeps its bytes."""

from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from cli.golden import SUMS
from cli.main import app
from libs.events.contracts import registry
from libs.events.contracts.example import example
from libs.events.contracts.generate import json_schema

OF_CASES = [ce_type for ce_type, kind in registry.TYPES.items() if kind.owner != "directory"]


def asked(folder: Path, ce_type: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["golden", ce_type, "--folder", str(folder)])
    return answer.exit_code, answer.output


def test_a_golden_is_written_with_its_sum_beside_those_of_others(tmp_path: Path) -> None:
    assert asked(tmp_path, "supervision.case-closed.v1")[0] == 0
    assert asked(tmp_path, "intake.case-voided.v1")[0] == 0

    sums = {name: digest for digest, name in map(str.split, (tmp_path / SUMS).read_text().splitlines())}
    assert list(sums) == ["intake.case-voided.v1.json", "supervision.case-closed.v1.json"]
    assert {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in sums} == sums


def test_a_golden_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    there = tmp_path / "supervision.case-closed.v1.json"
    there.write_bytes(b"{}")

    code, said = asked(tmp_path, "supervision.case-closed.v1")

    assert (code, there.name in said, there.read_bytes()) == (1, True, b"{}")


def test_what_is_no_event_has_no_golden(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "supervision.case-lost.v1")

    assert (code, "supervision.case-lost.v1" in said, list(tmp_path.iterdir())) == (2, True, [])


def test_a_field_that_wants_more_than_its_type_says_is_named(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "directory.grid-published.v1")

    assert (code, "polygon" in said, list(tmp_path.iterdir())) == (1, True, [])


@pytest.mark.parametrize("ce_type", OF_CASES)
def test_the_example_of_every_event_of_a_case_fills_every_field_as_the_log_has_it(ce_type: str) -> None:
    kind = registry.TYPES[ce_type]
    document = orjson.loads(example(kind))

    Draft202012Validator(json_schema(kind)).validate(document)
    assert document.keys() == kind.model_fields.keys()
    assert registry.decode(ce_type, example(kind)).model_dump(mode="json", exclude_unset=True) == document
