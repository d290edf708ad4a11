"""What a page says of a code: never the code itself, where there is a word for it."""

import re
from typing import get_args

import pytest

from libs.events.contracts import registry
from libs.events.contracts.parts.clock import Alarm, Clock
from services.console.screens.boards.boards import ALARMS, CLOCKS
from services.console.wording import lines_of_record, step, word


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_every_event_is_a_step_in_words(ce_type: str) -> None:
    said = step(ce_type)

    assert said == registry.TYPES[ce_type].title
    assert said.en != ce_type.split(".")[1]


def test_a_step_of_a_newer_version_is_said_by_its_name() -> None:
    assert step("routing.case-lost.v1") == ("case-lost", "case-lost")
    assert step("") == ("—", "—")
    assert re.fullmatch("[a-z -]+", step("routing.case-dispatched.v1").en)


def test_every_clock_and_every_alarm_is_offered_in_words_and_handling_first() -> None:
    assert (CLOCKS[0], set(CLOCKS)) == ("handling", set(get_args(Clock)))
    assert {code for code, _ in ALARMS} == {"NOT_JUDGED", *get_args(Alarm)}
    for code in (*CLOCKS, *dict(ALARMS)):
        assert code not in (word(code).zh, word(code).en)


def test_what_the_source_of_an_imported_order_says_is_read_line_by_line() -> None:
    said = (
        '{"facts": {"延期": "5天"}, "satisfaction": "满意", "turns": [{"reply": "已疏通", "unit": "住建局"},'
        ' {"reply": null, "unit": "街道办"}, {"reply": null, "unit": null}]}'
    )
    assert lines_of_record(said) == ["住建局: 已疏通", "街道办", "满意度 / satisfaction: 满意", "延期: 5天"]
    assert lines_of_record("no JSON") == ["no JSON"]
