"""Every event has a sentence that an auditor understands, and none of them says anything personal."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from libs.case.words import WORDS, sentence
from libs.directory.rules.naming import CODES, ROLES, Naming
from libs.events.contracts import notify, registry, routing, supervision
from libs.events.contracts.directory import Role
from libs.events.ids import ClassCode, ClockId, MessageId, PersonId, UnitId
from tests.unit.directory.town import VIEW

NAMING = Naming(VIEW)
GOLDENS = Path(__file__).parents[2] / "contract" / "goldens"


def test_a_sentence_is_of_an_event_that_is_written_today_and_says_more_than_its_title() -> None:
    assert set(WORDS) <= set(registry.TYPES.values()) - set(registry.OLDER)
    assert [kind for kind, words in WORDS.items() if words == kind.title] == []


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_both_languages_are_complete_and_sealed_values_stay_sealed(ce_type: str) -> None:
    said = sentence(registry.decode(ce_type, (GOLDENS / f"{ce_type}.json").read_bytes()), NAMING)

    assert re.search(r"[\u4e00-\u9fff]", said.zh)
    assert re.search(r"[a-z]", said.en)
    assert "{" not in said.zh + said.en


def test_no_sentence_names_a_personal_field() -> None:
    named = {(kind, field) for kind, words in WORDS.items() for field in re.findall(r"{(\w+)}", words.zh + words.en)}

    assert not {(kind, field) for kind, field in named if field in kind.personal_fields()}


def test_ids_are_said_with_their_names() -> None:
    dispatched = routing.CaseDispatched(
        unit=UnitId("county-housing"), dispatched_by=PersonId("chen-li"), class_code=ClassCode("manhole")
    )

    assert sentence(dispatched, NAMING) == (
        "派给 县住建局 办理 (第 1 轮), 由 陈立(chen-li)",
        "dispatched to County Housing and Construction Bureau (round 1) by Chen Li (chen-li)",
    )


def test_a_day_limit_ends_at_24_of_its_last_day_in_local_time() -> None:
    breached = supervision.DeadlineBreached(
        clock_id=ClockId("e-1"),
        clock="handling",
        round=1,
        instant=datetime(2026, 11, 9, 16, 0, tzinfo=UTC),
        due_at=datetime(2026, 11, 9, 16, 0, tzinfo=UTC),
    )

    assert sentence(breached, NAMING).zh == "超期: 办理时限已于 2026-11-09 24:00 到期"


def test_somebody_whom_the_directory_does_not_know_is_said_by_id() -> None:
    assigned = routing.HandlerAssigned(
        unit=UnitId("nowhere"), handler=PersonId("nobody"), assigned_by=PersonId("chen-li")
    )

    assert sentence(assigned, NAMING).en == "nowhere assigned nobody"


def test_a_message_is_said_with_the_name_of_its_recipient_and_its_subject() -> None:
    due = notify.MessageDue(
        message_id=MessageId("m-1"),
        event_id="e-1",
        event_type="supervision.auto-escalated.v1",
        template="escalated",
        recipient="unit:county-government",
        channel="file",
    )

    assert sentence(due, NAMING) == ("告知 县人民政府: 督办升级", "County Government is told: escalated")


def test_every_role_has_words_and_no_code_is_said_twice() -> None:
    assert set(ROLES) == set(get_args(Role))
    assert not set(ROLES) & set(CODES)
