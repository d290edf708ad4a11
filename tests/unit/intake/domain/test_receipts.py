"""回执: a number without anything personal, a secret that is stored nowhere, and how often both may be tried."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as some
from limits import parse

from libs.case.state import TERMINAL, WORKING
from libs.events.errors import TooMany
from services.intake.api import rate_limit
from services.intake.api.rate_limit import Attempts
from services.intake.domain.receipts import (
    STATES,
    NoSuchReceipt,
    ReceiptMistyped,
    number_of,
    opened,
    read_number,
    secret_of,
)

CASE = "0191f2a0-0000-7000-8000-000000000001"
OTHER = "0191f2a0-0000-7000-8000-000000000002"
KEY = b"k" * 32
IDS = some.uuids(version=None).map(str)


@given(IDS)
def test_a_number_is_the_same_for_ever_and_read_however_it_was_typed(case_id: str) -> None:
    number = number_of(case_id)
    assert number == number_of(case_id)
    assert (
        read_number(number) == read_number(number.replace("-", " ")) == read_number(number.replace("-", "")) == number
    )


@pytest.mark.parametrize("dash", ["－", "—", "–", "‐", "−", "　"])
def test_full_width_digits_and_every_dash_are_read(dash: str) -> None:
    number = number_of(CASE)
    wide = number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert read_number(wide.replace("-", dash)) == number


@given(IDS, some.integers(0, 15), some.integers(1, 9))
def test_one_wrong_digit_is_found(case_id: str, place: int, off: int) -> None:
    digits = number_of(case_id).replace("-", "")
    wrong = digits[:place] + str((int(digits[place]) + off) % 10) + digits[place + 1 :]
    with pytest.raises(ReceiptMistyped):
        read_number(wrong)


@pytest.mark.parametrize("typed", ["", "1234", "٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥", "1234-5678-9012-345x", "1" * 17])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ReceiptMistyped):
        read_number(typed)


def test_a_secret_opens_its_own_case_only() -> None:
    secret = secret_of(KEY, CASE)
    assert opened([CASE], secret, KEY) == CASE
    assert opened([OTHER, CASE], secret.replace("-", " "), KEY) == CASE
    for behind, typed in (([OTHER], secret), ([], secret), ([CASE], "00000-00000"), ([CASE], "")):
        with pytest.raises(NoSuchReceipt):
            opened(behind, typed, KEY)


def test_a_number_that_nobody_has_opens_to_no_secret() -> None:
    with pytest.raises(NoSuchReceipt):
        opened([], secret_of(KEY, "00000000-0000-0000-0000-000000000000"), KEY)


def test_another_key_makes_other_secrets() -> None:
    assert secret_of(KEY, CASE) != secret_of(b"l" * 32, CASE)
    assert secret_of(KEY, CASE) != secret_of(KEY, OTHER)


def test_every_state_is_said_in_plain_words() -> None:
    assert set(STATES) >= TERMINAL | WORKING | {"RECEIVED", "REGISTERED", "FEEDBACK", "VERIFYING", "CALLBACK"}


async def test_an_address_tries_only_so_often_and_one_receipt_less_often() -> None:
    attempts = Attempts(parse("4/minute"), parse("2/hour"))
    await attempts.count("203.0.113.7", "one")
    await attempts.count("203.0.113.7", "one")
    with pytest.raises(TooMany) as by_receipt:
        await attempts.count("203.0.113.7", "one")
    assert 3500 < by_receipt.value.retry_after <= 3600
    await attempts.count("203.0.113.7", "three")
    with pytest.raises(TooMany) as by_address:
        await attempts.count("203.0.113.7", "four")
    assert 0 < by_address.value.retry_after <= 60


async def test_whoever_tries_it_the_citizen_is_not_kept_out_he_waits_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = AsyncMock()
    monkeypatch.setattr(rate_limit, "sleep", waited)
    attempts = Attempts(parse("100/minute"), parse("2/hour"))
    for number in range(2):
        await attempts.count(f"198.51.100.{number}", "one")
    await attempts.count("203.0.113.9", "two")
    waited.assert_not_awaited()
    await attempts.count("203.0.113.9", "one")
    waited.assert_awaited_once_with(rate_limit.SLOWED_SECONDS)


async def test_tries_at_the_same_time_are_counted_each() -> None:
    attempts = Attempts(parse("100/minute"), parse("5/hour"))
    tries = await asyncio.gather(*(attempts.count("203.0.113.7", "one") for _ in range(20)), return_exceptions=True)
    assert [type(one) for one in tries].count(TooMany) == 15
