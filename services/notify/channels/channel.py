"""Channels that carry messages to people, and the file channel. Delivery is repeatable: one id, one message."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from services.notify.config import Settings

PATIENCE_SECONDS = 20.0
"""For one delivery as a whole; a single step of it has ten."""


class ChannelFailed(Exception):
    """One try failed; `code` is a word for the ledger, never a text of the outside.

    `away` says that the other end does not answer at all, so that others to it need not be tried now.
    """

    def __init__(self, code: str, *, away: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.away = away


class RealChannelInManualMode(RuntimeError):
    """Nobody outside is told of a business time that is set by hand (architecture.md §5)."""


class NoOutbox(RuntimeError):
    """The file channel needs a folder."""


@dataclass(frozen=True)
class Parcel:
    """One message ready to go; `id` is the provider's idempotency key, the same in every try."""

    id: str
    recipient: str
    subject: str
    text: str
    address: str = field(default="", repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Ids, codes and instants for a machine that reads it."""
    secret_generation: int = 1


class Channel(Protocol):
    """Carries one message."""

    @property
    def name(self) -> str: ...

    @property
    def reaches_people(self) -> bool: ...

    async def deliver(self, parcel: Parcel) -> str:
        """Hand the message over; the receipt. Raises `ChannelFailed`."""
        ...


async def carried(carrier: Channel, parcel: Parcel, seconds: float = PATIENCE_SECONDS) -> str:
    """Its receipt. Raises `ChannelFailed`, also where the other end answers byte by byte and never comes to an end."""
    try:
        async with asyncio.timeout(seconds):
            return await carrier.deliver(parcel)
    except TimeoutError as error:
        raise ChannelFailed("TIMEOUT", away=True) from error
    except ValueError as error:
        # What the libraries of the channels say of an address that nobody checked: it concerns this message alone.
        raise ChannelFailed("ADDRESS") from error


@dataclass(frozen=True)
class FileChannel:
    """One file per message, `<recipient>/<message id>.txt`: a repeat after a crash replaces it by itself."""

    outbox: Path
    name: str = "file"
    reaches_people: bool = False

    async def deliver(self, parcel: Parcel) -> str:
        """Write the file whole or not at all, and to the disk."""
        folder = parcel.recipient.replace(":", "-")
        path = self.outbox / folder / f"{parcel.id}.txt"
        try:
            await asyncio.to_thread(self._write, path, parcel.text.encode())
        except OSError as error:
            raise ChannelFailed(type(error).__name__) from error
        return f"{folder}/{path.name}"

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of this process: two owners of a lane for a moment must not write into one draft.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)


def file_channel(settings: Settings) -> FileChannel:
    """The channel that every deployment has. Raises `NoOutbox`."""
    if settings.outbox_dir is None:
        raise NoOutbox("OUTBOX_DIR")
    return FileChannel(settings.outbox_dir)


def checked(channels: list[Channel], mode: str) -> Mapping[str, Channel]:
    """Channels by name, if they may run in this mode. Raises `RealChannelInManualMode`."""
    for channel in channels:
        if channel.reaches_people and mode == "manual":
            raise RealChannelInManualMode(channel.name)
    return {channel.name: channel for channel in channels}
