"""Webhooks and SMS against a real receiver: signed, with the same id in every try, and told apart when they fail."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

import orjson
import pytest
from standardwebhooks import Webhook

from services.notify.channels.addresses import Reachable
from services.notify.channels.channel import ChannelFailed, Parcel, carried
from services.notify.channels.posting import SmsChannel, WebhookChannel, webhook_secret
from tests.unit.notify.receivers import Receiver, http_receiver

ID = "5f0c1c3e9b7a4d528e6f10a2b3c4d5e6"
KEY = bytes(range(32))
HOUSING = "unit:county-housing"
LOCAL = Reachable.of(["127.0.0.0/8"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver(b'{"id": "gw-7"}') as one:
        yield one


def parcel(receiver: Receiver, generation: int = 1) -> Parcel:
    facts = {"type": "routing.case-dispatched.v1", "data": {"message_id": ID}}
    return Parcel(ID, HOUSING, "【巡办】新工单", "【巡办】新工单\n请签收。\n", receiver.url, facts, generation)


def test_the_specifications_own_test_vector_is_reproduced() -> None:
    # Standard Webhooks 1.0.0, test of the reference libraries.
    signature = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), '{"test": 2432232314}'
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_unit_checks_the_signature_with_its_own_secret_and_reads_what_it_is_told(receiver: Receiver) -> None:
    receipt = await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver))

    (got,) = receiver.got
    said = Webhook(webhook_secret(KEY, HOUSING, 1)).verify(got.body, got.headers)
    assert receipt == "HTTP 200"
    assert got.headers["webhook-id"] == ID
    assert (said["type"], said["data"]["message_id"]) == ("routing.case-dispatched.v1", ID)
    assert said["text"].startswith("【巡办】新工单")


async def test_another_units_secret_fits_no_signature_of_ours(receiver: Receiver) -> None:
    await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver))

    with pytest.raises(Exception, match="No matching signature"):
        Webhook(webhook_secret(KEY, "unit:county-water", 1)).verify(receiver.got[0].body, receiver.got[0].headers)


async def test_while_a_secret_changes_the_old_and_the_new_one_both_fit(receiver: Receiver) -> None:
    await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver, generation=3))

    for generation in (2, 3):
        Webhook(webhook_secret(KEY, HOUSING, generation)).verify(receiver.got[0].body, receiver.got[0].headers)
    assert len(receiver.got[0].headers["webhook-signature"].split(" ")) == 2


async def test_a_second_try_bears_the_same_id(receiver: Receiver) -> None:
    receiver.then = [503]
    with pytest.raises(ChannelFailed):
        await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver))
    await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver))

    assert [one.headers["webhook-id"] for one in receiver.got] == [ID, ID]


@pytest.mark.parametrize(("status", "away"), [(500, True), (429, True), (400, False), (410, False), (302, False)])
async def test_a_failure_says_whether_the_receiver_is_away_or_refuses_this_message(
    receiver: Receiver, status: int, away: bool
) -> None:
    receiver.status = status

    with pytest.raises(ChannelFailed) as failed:
        await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver))

    assert (failed.value.code, failed.value.away) == (f"HTTP_{status}", away)


async def test_a_receiver_that_is_not_there_is_away() -> None:
    with http_receiver() as gone:
        pass
    with pytest.raises(ChannelFailed) as failed:
        await WebhookChannel(KEY, LOCAL).deliver(parcel(gone))

    assert (failed.value.code, failed.value.away) == ("UNREACHABLE", True)


async def test_a_receiver_that_never_comes_to_an_end_is_given_up_after_a_while(receiver: Receiver) -> None:
    receiver.hangs = Event()

    with pytest.raises(ChannelFailed) as failed:
        await carried(WebhookChannel(KEY, LOCAL), parcel(receiver), seconds=0.2)

    receiver.hangs.set()
    assert (failed.value.code, failed.value.away) == ("TIMEOUT", True)


async def test_of_an_answer_without_end_no_more_is_read_than_anybody_needs(receiver: Receiver) -> None:
    receiver.endless = True

    assert await WebhookChannel(KEY, LOCAL).deliver(parcel(receiver)) == "HTTP 200"
    receiver.endless = False


async def test_an_address_that_is_none_fails_by_itself_and_stops_nobody(receiver: Receiver) -> None:
    with pytest.raises(ChannelFailed) as failed:
        await carried(WebhookChannel(KEY, LOCAL), replace(parcel(receiver), address="https://xn--/hook"))

    assert (failed.value.code, failed.value.away) == ("ADDRESS", False)


async def test_on_a_clock_set_by_hand_nobody_outside_is_posted_to() -> None:
    outside = Parcel(ID, HOUSING, "", "", "https://housing.example.org/hook")

    with pytest.raises(ChannelFailed) as failed:
        await WebhookChannel(KEY, LOCAL, loopback_only=True).deliver(outside)

    assert failed.value.code == "MANUAL_CLOCK"


async def test_an_sms_goes_to_the_gateway_in_one_line_with_its_id_and_the_token(receiver: Receiver) -> None:
    receipt = await SmsChannel(receiver.url, "t-1").deliver(
        Parcel(ID, "reporter", "", "【巡办】已办结\n[Xunban] Closed\n", "13800000000")
    )

    (got,) = receiver.got
    assert orjson.loads(got.body) == {"to": "13800000000", "text": "【巡办】已办结 [Xunban] Closed", "id": ID}
    assert (got.headers["idempotency-key"], got.headers["authorization"], receipt) == (ID, "Bearer t-1", "gw-7")


def test_neither_a_telephone_nor_a_secret_is_printed_by_accident() -> None:
    printed = f"{Parcel(ID, 'reporter', '', '', '13800000000')} {SmsChannel('http://x', 't-1')} {WebhookChannel(KEY)}"

    assert "13800000000" not in printed
    assert "t-1" not in printed
    assert "key" not in printed


def test_a_gateway_elsewhere_reaches_people_and_one_on_this_machine_does_not() -> None:
    assert SmsChannel("https://sms.example.org/send").reaches_people
    assert not SmsChannel("http://127.0.0.1:9000/send").reaches_people


INSIDE = [
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "10.1.2.3",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[fe80::1]",
    "224.0.0.1",
]


@pytest.mark.parametrize("host", INSIDE)
async def test_nothing_is_sent_where_no_unit_s_receiver_can_stand(receiver: Receiver, host: str) -> None:
    inside = replace(parcel(receiver), address=f"http://{host}:{receiver.port}/messages")
    with pytest.raises(ChannelFailed) as failed:
        await WebhookChannel(KEY, Reachable.of(["192.0.2.0/24"])).deliver(inside)
    assert (failed.value.code, receiver.got) == ("FORBIDDEN_ADDRESS", [])


async def test_what_a_name_resolves_to_is_looked_at_and_that_is_where_it_goes(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name of the outside that leads inside; and one that leads elsewhere when it is asked a second time."""
    answers = [["127.0.0.1"], ["93.184.216.34", "10.0.0.7"]]

    async def resolved(*_: object, **__: object) -> list[tuple[object, object, object, str, tuple[str, int]]]:
        return [(None, None, None, "", (one, receiver.port)) for one in answers.pop(0)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    named = replace(parcel(receiver), address=f"http://hooks.example:{receiver.port}/messages")
    assert await WebhookChannel(KEY, LOCAL).deliver(named) == "HTTP 200"
    assert receiver.got[0].headers["host"] == f"hooks.example:{receiver.port}"
    with pytest.raises(ChannelFailed, match="FORBIDDEN_ADDRESS"):
        await WebhookChannel(KEY, LOCAL).deliver(named)
