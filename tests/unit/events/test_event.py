"""Wire types and the marks of personal fields."""

from typing import Annotated

import pytest
from pydantic import ValidationError

from libs.events.contracts import intake
from libs.events.event import CaseText, Event, Personal, ReporterText, Sealed, kebab


class WindowRepaired(Event, version=2, zh="窗已修", en="window repaired"):
    """An event of nobody."""

    window: str
    pane: CaseText
    owner_name: ReporterText | None = None
    owner_address: Annotated[CaseText | None, "with another mark before it"] = None


def test_the_wire_type_follows_from_owner_name_and_version() -> None:
    assert intake.CaseRegistered.ce_type == "intake.case-registered.v1"
    assert (WindowRepaired.ce_type, WindowRepaired.schema_version) == ("test_event.window-repaired.v2", 2)


def test_names_become_kebab_case() -> None:
    assert kebab("SeparationViolationAttempted") == "separation-violation-attempted"


def test_personal_fields_are_found_below_a_union_with_none_too() -> None:
    assert WindowRepaired.personal_fields() == {
        "pane": Personal("case"),
        "owner_name": Personal("reporter"),
        "owner_address": Personal("case"),
    }


def test_an_appeal_seals_its_matter_with_the_cases_key_and_the_reporter_with_his_own() -> None:
    kinds = {name: mark.key for name, mark in intake.AppealReceived.personal_fields().items()}
    assert kinds == {
        "content": "case",
        "address": "case",
        "location": "case",
        "reporter_name": "reporter",
        "reporter_phone": "reporter",
    }


def test_an_event_is_never_changed() -> None:
    with pytest.raises(ValidationError):
        WindowRepaired(window="w", pane="p").window = "v"  # type: ignore[misc]


def test_a_sealed_value_comes_back_from_its_json() -> None:
    sealed = Sealed(sealed="c/case", type="t", field="pane", nonce="bm9uY2U=", data="ZGF0YQ==")
    event = WindowRepaired(window="w", pane=sealed)
    assert WindowRepaired.model_validate_json(event.model_dump_json()) == event
