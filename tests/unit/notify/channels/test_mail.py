"""E-mail against a real mail server: one Message-ID per message, readable Chinese, failures with a code."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from services.notify.channels.channel import ChannelFailed, Parcel
from services.notify.channels.mail import MailChannel
from tests.unit.notify.receivers import Receiver, mail_server

ID = "5f0c1c3e9b7a4d528e6f10a2b3c4d5e6"
TEXT = "【巡办】超期\n马骏: 办理时限已到期。\n"
PARCEL = Parcel(ID, "person:ma-jun", "【巡办】超期", TEXT, "ma.jun@housing.example.org")


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with mail_server() as one:
        yield one


def channel(server: Receiver) -> MailChannel:
    return MailChannel("127.0.0.1", server.port, "xunban@town.example.org", "none")


async def test_a_mail_arrives_with_its_subject_its_text_and_the_id_of_its_message(server: Receiver) -> None:
    receipt = await channel(server).deliver(PARCEL)

    mail = message_from_bytes(server.got[-1].body, policy=default)
    assert server.got[-1].to == ("ma.jun@housing.example.org",)
    assert mail["Subject"] == "【巡办】超期"
    assert mail.get_content().splitlines() == ["【巡办】超期", "马骏: 办理时限已到期。"]
    assert mail["Message-ID"] == receipt == f"<{ID}@town.example.org>"


async def test_a_second_try_has_the_same_message_id(server: Receiver) -> None:
    assert await channel(server).deliver(PARCEL) == await channel(server).deliver(PARCEL)


async def test_no_auto_reply_answers_it(server: Receiver) -> None:
    await channel(server).deliver(PARCEL)

    mail = message_from_bytes(server.got[-1].body, policy=default)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


@pytest.mark.parametrize(("status", "away"), [(451, True), (554, False)])
async def test_a_server_that_refuses_is_a_failure_with_its_code(server: Receiver, status: int, away: bool) -> None:
    server.then = [status]

    with pytest.raises(ChannelFailed) as failed:
        await channel(server).deliver(PARCEL)

    assert (failed.value.code, failed.value.away) == (f"SMTP_{status}", away)


@pytest.mark.parametrize("address", ["ma.jun@housing..example.org", "ma.jun@[", ":@;", "a\x00@b.org"])
async def test_an_address_that_is_none_fails_by_itself_and_stops_nobody(server: Receiver, address: str) -> None:
    before = len(server.got)

    with pytest.raises(ChannelFailed) as failed:
        await channel(server).deliver(replace(PARCEL, address=address))

    assert (failed.value.code, failed.value.away, len(server.got)) == ("ADDRESS", False, before)


async def test_a_server_that_is_not_there_is_away() -> None:
    with mail_server() as gone:
        pass
    with pytest.raises(ChannelFailed) as failed:
        await channel(gone).deliver(PARCEL)

    assert (failed.value.code, failed.value.away) == ("UNREACHABLE", True)
