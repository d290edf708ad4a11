"""Whatever may name a person is marked in the contract, and what is marked leaves the append boundary sealed."""

from pathlib import Path
from typing import Any, get_args, get_type_hints

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.events.contracts import registry
from libs.events.errors import Erased
from libs.events.event import Event, Sealed
from libs.log.write.seal import CaseKeys

CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01"
KEYS = CaseKeys(CASE, {"reporter": AESGCM(bytes(32)), "case": AESGCM(b"\x01" * 32)})
GOLDENS = Path(__file__).with_name("goldens")
WITH_PERSONAL_FIELDS = sorted(name for name, kind in registry.TYPES.items() if kind.personal_fields())

CODES = {
    "also", "basis", "because", "channel", "clock_id", "command", "event_id", "event_type", "evidence", "external_id",
    "filing_condition", "ground", "knowledge_entry", "limit", "media_type", "photos", "purpose",
    "reason_code", "receipt", "recipient", "role", "rule", "sha256", "template",
}  # fmt: skip
"""Reviewed: ids, codes and hashes that our own code or configuration gives."""
WORDS_OF_OURS = {
    ("intake.case-not-accepted.v1", "alternative"): "where to turn instead, an office",
    ("intake.case-not-accepted.v1", "legal_basis"): "an article of a law",
    ("notify.message-due.v1", "values"): "ids, codes and instants of the event",
    ("notify.message-failed.v1", "reason"): "code of the channel",
    ("routing.route-rejected.v1", "en"): "a sentence of the router",
    ("routing.route-rejected.v1", "zh"): "a sentence of the router",
}


def holds_text(hint: Any) -> bool:
    return hint is str or any(holds_text(part) for part in get_args(hint))


def filled(kind: type[Event]) -> Event:
    """The golden with every personal field in plain text, as a decision would make it."""
    document = orjson.loads((GOLDENS / f"{kind.ce_type}.json").read_bytes())
    return kind.model_validate({**document, **dict.fromkeys(kind.personal_fields(), "张三 13800000000")})


@pytest.mark.parametrize("ce_type", WITH_PERSONAL_FIELDS)
def test_marked_fields_are_sealed_and_open_again_with_the_key(ce_type: str) -> None:
    kind = registry.TYPES[ce_type]

    body = KEYS.seal(filled(kind))

    assert "张三".encode() not in body
    assert b"13800000000" not in body
    sealed = orjson.loads(body)
    for name, mark in kind.personal_fields().items():
        assert sealed[name]["sealed"] == f"{CASE}/{mark.key}"
        assert KEYS.open(Sealed.model_validate(sealed[name])) == "张三 13800000000"


@pytest.mark.parametrize("ce_type", WITH_PERSONAL_FIELDS)
def test_nothing_personal_is_written_once_the_keys_are_destroyed(ce_type: str) -> None:
    with pytest.raises(Erased):
        CaseKeys(CASE, {}).seal(filled(registry.TYPES[ce_type]))


@pytest.mark.parametrize("ce_type", WITH_PERSONAL_FIELDS)
def test_every_personal_field_of_a_golden_is_sealed(ce_type: str) -> None:
    document = orjson.loads((GOLDENS / f"{ce_type}.json").read_bytes())

    # A field that came later is in no golden of before.
    there = registry.TYPES[ce_type].personal_fields().keys() & document.keys()
    assert there
    for name in there:
        assert set(document[name]) == {"sealed", "type", "field", "nonce", "data"}


def test_free_text_of_a_case_is_either_marked_personal_or_reviewed() -> None:
    unmarked = {
        (kind.ce_type, name)
        for kind in registry.TYPES.values()
        if kind.owner != "directory"
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if name in kind.model_fields and name not in kind.personal_fields() and holds_text(hint)
    }

    assert {(ce_type, name) for ce_type, name in unmarked if name not in CODES} == set(WORDS_OF_OURS)


def test_a_value_sealed_for_one_field_does_not_open_as_another() -> None:
    body = orjson.loads(KEYS.seal(filled(registry.TYPES["intake.appeal-received.v1"])))
    moved = Sealed.model_validate({**body["reporter_name"], "field": "reporter_phone"})

    assert KEYS.open(moved) == "***"
