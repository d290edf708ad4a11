"""Whatever may name a person is marked in the contract, and what is marked leaves the append boundary sealed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, Field

from libs.events.contracts import registry
from libs.events.errors import Erased
from libs.events.event import CaseText, Event, Sealed
from libs.events.ids import PersonId
from libs.log.write.seal import CaseKeys

CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01"
KEYS = CaseKeys(CASE, {"reporter": AESGCM(bytes(32)), "case": AESGCM(b"\x01" * 32)})
GOLDENS = Path(__file__).with_name("goldens")
WITH_PERSONAL_FIELDS = sorted(name for name, kind in registry.TYPES.items() if kind.personal_fields())

OPEN: dict[str, tuple[str, ...]] = {
    "a code or a limit of our own code or of the rulebook": (
        "CaseImported.channel", "ClockImported.limit",
        "AppealReceived.channel", "RepeatContactReceived.channel", "CaseNotAccepted.reason_code",
        "CaseNotAcceptedV1.reason_code", "IdentityRead.purpose", "IdentityNotShown.purpose", "IdentityNotShown.role",
        "PersonalDataErased.ground", "DeadlineSet.limit", "MessageDue.channel", "MessageDue.template",
        "MessageSent.channel", "MessageFailed.reason", "SeparationViolationAttempted.command",
        "SeparationViolationAttempted.rule", "SeparationViolationAttempted.also", "SeparationViolationDetected.rule",
        "RouteRejected.rule", "RuleStep.rule", "OrderPassedOn.rule", "DraftRefused.rule",
    ),
    "an id or a type of an event": (
        "ClockImported.because",
        "AssignmentDeemedAccepted.clock_id", "CaseUrged.because", "ClocksEnded.because", "ClocksRevived.because",
        "DeadlineRecomputed.because", "DeadlineSet.because", "HandlingResumed.because", "ReworkOrdered.because",
        "StageContinued.because", "StageFinished.because", "VerificationAssigned.because",
        "WorkOrderCancelled.because", "MessageDue.event_id", "MessageDue.event_type",
        "SeparationViolationAttempted.evidence", "SeparationViolationDetected.evidence",
    ),
    "the hash or the type of a file": (
        "AppealReceived.photos", "GridEventReported.photos", "EndorsementRequested.photos", "FeedbackSubmitted.photos",
        "VerificationPassed.photos", "VerificationFailed.photos", "AttachmentAdded.sha256",
        "AttachmentAdded.media_type",
    ),
    "an id held to a pattern where it comes in": ("AnsweredDirectly.knowledge_entry", "MessageSent.receipt"),
    "looked up in the catalogue before it is said": (
        "CaseRegistered.filing_condition", "CaseImported.filing_condition", "CaseCorrected.filing_condition",
    ),
    "kind and id of a recipient": ("MessageDue.recipient",),
    "ids, codes and instants of the event, by their names": ("MessageDue.values",),
    "a sentence of the router about units": (
        "RouteRejected.zh", "RouteRejected.en", "RuleStep.zh", "RuleStep.en", "OrderPassedOn.zh", "OrderPassedOn.en",
    ),
    "a version that nobody writes any more": (
        "CaseNotAcceptedV1.legal_basis", "CaseNotAcceptedV1.alternative", "ReturnRequestedV1.basis",
        "ArbitrationOpenedV1.basis",
    ),
    "a public name in the directory: of a unit, a grid, a class, an official": (
        "UnitPublished.name_zh", "UnitPublished.name_en", "UnitPublished.level", "UnitPublished.line",
        "GridPublished.name_zh", "GridPublished.name_en", "PersonPublished.name_zh", "PersonPublished.name_en",
        "CatalogueItemPublished.name_zh", "CatalogueItemPublished.name_en", "CatalogueItemPublished.line",
        "FilingCondition.id", "FilingCondition.name_zh", "FilingCondition.name_en",
    ),
    "an address of a unit's or an official's duty, never a private one": ("ContactPoint.address",),
    "an order, a law or a source, published with the directory": (
        "Power.basis", "CalendarPublished.source", "DraftMade.basis", "TownBootstrapped.basis",
    ),
    "a fact of the directory that is not in force yet, open as it will be": ("StatedFact.type", "StatedFact.data"),
    "an area on the map": ("GridPublished.area", "Lead.area"),
    "a limit, a ratio, an hour of the rulebook or the catalogue": (
        "RulebookPublished.levels", "Suspension.max_length", "WorkClock.tz",
    ),
}  # fmt: skip
"""Why → which texts of events stand open in the log, for ever. Whatever a caller words himself is sealed instead."""


def open_texts(model: type[BaseModel]) -> Iterator[str]:
    """Fields that hold bare text: no id, no code that the contract lists, no pattern, not sealed; parts included."""
    hints = get_type_hints(model, include_extras=True)
    sealed = model.personal_fields() if issubclass(model, Event) else {}
    for name in model.model_fields:
        if name not in sealed:
            yield from [f"{model.__name__}.{name}"] if is_bare(hints[name]) else []
            for part in parts(hints[name]):
                yield from open_texts(part)


def is_bare(hint: Any) -> bool:
    marks = [mark for one in getattr(hint, "__metadata__", ()) for mark in (one, *getattr(one, "metadata", ()))]
    bound = any(getattr(mark, "pattern", None) for mark in marks)
    return not bound and (hint is str or any(is_bare(part) for part in get_args(hint)))


def parts(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for part in get_args(hint):
        yield from parts(part)


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


def test_every_text_of_an_event_is_an_id_or_a_code_or_sealed_or_open_for_a_reason() -> None:
    found = {name for kind in registry.TYPES.values() for name in open_texts(kind)}
    told = [name for names in OPEN.values() for name in names]

    assert found == set(told)
    assert len(told) == len(set(told))


class Unit(BaseModel):
    remark: str


class Unmarked(Event, zh="未标", en="unmarked"):
    code: Literal["A"]
    person: PersonId
    bound: Annotated[str, Field(pattern="^[0-9]+$")]
    told: CaseText
    free: str | None = None
    many: tuple[str, ...] = ()
    named: dict[str, str] | None = None
    units: tuple[Unit, ...] = ()


def test_a_text_that_nobody_marked_is_found_wherever_it_stands() -> None:
    assert set(open_texts(Unmarked)) == {"Unmarked.free", "Unmarked.many", "Unmarked.named", "Unit.remark"}


def test_a_value_sealed_for_one_field_does_not_open_as_another() -> None:
    body = orjson.loads(KEYS.seal(filled(registry.TYPES["intake.appeal-received.v1"])))
    moved = Sealed.model_validate({**body["reporter_name"], "field": "reporter_phone"})

    assert KEYS.open(moved) == "***"
