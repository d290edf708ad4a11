"""Channels that carry messages to people. Delivery is repeatable: the same message id arrives once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from libs.service.settings import Settings


class ChannelFailed(Exception):
    """One try failed; `code` is a word for the ledger, never a text of the outside."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RealChannelInManualMode(RuntimeError):
    """Nobody outside is told of a business time that is set by hand (architecture.md §5)."""


class NoOutbox(RuntimeError):
    """The file channel needs a folder."""


class Channel(Protocol):
    """Carries one message; the id is the provider's idempotency key."""

    @property
    def name(self) -> str: ...

    @property
    def reaches_people(self) -> bool: ...

    def deliver(self, message_id: str, recipient: str, text: str) -> str:
        """Hand the message over; the receipt. Raises `ChannelFailed`."""
        ...


@dataclass(frozen=True)
class FileChannel:
    """One file per message, `<recipient>/<message id>.txt`: a repeat after a crash replaces it by itself."""

    outbox: Path
    name: str = "file"
    reaches_people: bool = False

    def deliver(self, message_id: str, recipient: str, text: str) -> str:
        """Write the file whole or not at all, and to the disk."""
        folder = recipient.replace(":", "-")
        path = self.outbox / folder / f"{message_id}.txt"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(path, text.encode())
        except OSError as error:
            raise ChannelFailed(type(error).__name__) from error
        return f"{folder}/{path.name}"

    def _write(self, path: Path, content: bytes) -> None:
        # A name of this process: two owners of a lane for a moment must not write into one draft.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """The configured channels by name. Raises `NoOutbox`, `RealChannelInManualMode`."""
    if settings.outbox_dir is None:
        raise NoOutbox("OUTBOX_DIR")
    return checked([FileChannel(settings.outbox_dir)], settings.mode)


def checked(channels: list[Channel], mode: str) -> Mapping[str, Channel]:
    """Channels by name, if they may run in this mode."""
    for channel in channels:
        if channel.reaches_people and mode == "manual":
            raise RealChannelInManualMode(channel.name)
    return {channel.name: channel for channel in channels}
