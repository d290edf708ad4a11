"""What is sent is recorded soon: after fifty messages, after fifty milliseconds, or once the sending is over."""

import asyncio

from libs.events.ids import MessageId
from services.notify.domain.delivery import Delivery
from services.notify.jobs.outcomes import RECORDED_AFTER_SECONDS, RECORDED_TOGETHER, Outcomes


def sent(number: int) -> Delivery:
    return Delivery(MessageId(f"message-{number}"), "file", receipt="kept")


def endless() -> "asyncio.Future[list[bool]]":
    return asyncio.get_running_loop().create_future()


async def test_fifty_messages_wait_for_nothing_more() -> None:
    outcomes, sending = Outcomes(), endless()
    for number in range(RECORDED_TOGETHER):
        outcomes.add(f"case-{number % 7}", sent(number))

    async with asyncio.timeout(RECORDED_AFTER_SECONDS / 2):
        await outcomes.soon(sending)

    taken = outcomes.taken()
    assert (len(taken), sum(map(len, taken.values())), outcomes.taken()) == (7, RECORDED_TOGETHER, {})


async def test_one_message_is_recorded_though_another_channel_of_the_same_look_does_not_answer() -> None:
    outcomes, sending = Outcomes(), endless()
    outcomes.add("case-1", sent(1))

    async with asyncio.timeout(20 * RECORDED_AFTER_SECONDS):
        await outcomes.soon(sending)

    assert (outcomes.taken(), sending.done()) == ({"case-1": [sent(1)]}, False)


async def test_when_the_sending_is_over_its_last_outcomes_are_recorded_at_once() -> None:
    outcomes, sending = Outcomes(), endless()
    sending.set_result([True])

    async with asyncio.timeout(RECORDED_AFTER_SECONDS / 2):
        await outcomes.soon(sending)
