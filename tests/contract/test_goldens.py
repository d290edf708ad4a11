"""Every event type that was ever written stays readable: one body per type and version, its bytes never edited."""

from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from libs.events.contracts import registry
from libs.events.contracts.generate import json_schema

GOLDENS = Path(__file__).with_name("goldens")
SUMS = {name: digest for digest, name in map(str.split, (GOLDENS / "SHA256SUMS").read_text().splitlines())}


def body(ce_type: str) -> bytes:
    return (GOLDENS / f"{ce_type}.json").read_bytes()


def newest(ce_type: str) -> str:
    """The type of the newest version that has this name."""
    name = ce_type.rpartition(".")[0]
    return max(
        (one for one in registry.TYPES if one.rpartition(".")[0] == name), key=lambda one: int(one.rpartition("v")[2])
    )


def test_every_type_and_version_has_a_golden_and_none_was_taken_away() -> None:
    assert {name.removesuffix(".json") for name in SUMS} == set(registry.TYPES)


@pytest.mark.parametrize("name", SUMS)
def test_the_bytes_of_a_golden_never_change(name: str) -> None:
    assert sha256((GOLDENS / name).read_bytes()).hexdigest() == SUMS[name]


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_todays_code_reads_the_golden_and_loses_nothing(ce_type: str) -> None:
    event = registry.decode(ce_type, body(ce_type))

    assert event.ce_type == newest(ce_type)
    assert event.model_dump(mode="json", exclude_unset=True) == orjson.loads(body(ce_type))


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_the_golden_fits_the_published_schema(ce_type: str) -> None:
    Draft202012Validator(json_schema(registry.TYPES[ce_type])).validate(orjson.loads(body(ce_type)))
