"""What a page says of a code: never the code itself, where there is a word for it."""

import re

import pytest

from libs.events.contracts import registry
from services.console.wording import step


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_every_event_is_a_step_in_words(ce_type: str) -> None:
    said = step(ce_type)

    assert said == registry.TYPES[ce_type].title
    assert said.en != ce_type.split(".")[1]


def test_a_step_of_a_newer_version_is_said_by_its_name() -> None:
    assert step("routing.case-lost.v1") == ("case-lost", "case-lost")
    assert step("") == ("—", "—")
    assert re.fullmatch("[a-z -]+", step("routing.case-dispatched.v1").en)
