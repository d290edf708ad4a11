"""The file channel delivers whole files once, and no real channel runs on a clock set by hand."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.notify.channels.channel import ChannelFailed, FileChannel, Parcel, RealChannelInManualMode, checked

ID = "5f0c1c3e9b7a4d528e6f10a2b3c4d5e6"


def parcel(recipient: str, text: str) -> Parcel:
    return Parcel(ID, recipient, text.partition("\n")[0], text)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_message_is_one_file_in_the_folder_of_its_recipient(tmp_path: Path) -> None:
    receipt = await FileChannel(tmp_path).deliver(parcel("person:fang-yun", "新工单\n"))

    assert receipt == f"person-fang-yun/{ID}.txt"
    assert files(tmp_path) == [receipt]
    assert (tmp_path / receipt).read_text(encoding="utf-8") == "新工单\n"


async def test_a_repeat_replaces_the_file(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path)
    await channel.deliver(parcel("reporter", "一"))
    await channel.deliver(parcel("reporter", "二"))

    assert files(tmp_path) == [f"reporter/{ID}.txt"]
    assert (tmp_path / f"reporter/{ID}.txt").read_text(encoding="utf-8") == "二"


async def test_a_disk_that_refuses_is_a_failure_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "reporter").write_text("in the way")

    with pytest.raises(ChannelFailed) as failed:
        await FileChannel(tmp_path).deliver(parcel("reporter", "一"))

    assert failed.value.code == "FileExistsError"


def test_a_channel_that_reaches_people_refuses_a_manual_clock(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Telephone(FileChannel):
        name: str = "sms"
        reaches_people: bool = True

    with pytest.raises(RealChannelInManualMode):
        checked([FileChannel(tmp_path), Telephone(tmp_path)], "manual")
    assert set(checked([FileChannel(tmp_path), Telephone(tmp_path)], "real")) == {"file", "sms"}
