"""The channels of this deployment, from its settings. What a channel does is its own module's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from libs.events.contracts.parts.rulebook import Channel as ContactChannel
from services.notify.channels.addresses import Reachable
from services.notify.channels.channel import Channel, checked, file_channel
from services.notify.channels.mail import MailChannel
from services.notify.channels.posting import SmsChannel, WebhookChannel
from services.notify.config import Settings


@dataclass(frozen=True)
class Line:
    """One channel and the names under which messages come to it; without a carrier they fail as `NO_CHANNEL`."""

    names: tuple[str, ...]
    carrier: Channel | None

    def pauses(self, recipient: str) -> str:
        """Who is not tried again for a while when the other end is away: one webhook, or the whole channel."""
        return recipient if self.names == ("webhook",) else ""


def lines_of(channels: Mapping[str, Channel]) -> list[Line]:
    """One line per channel. Where there is no other, the file channel takes every message."""
    if set(channels) == {"file"}:
        return [Line(get_args(ContactChannel), channels["file"])]
    without = tuple(name for name in get_args(ContactChannel) if name not in channels)
    own = [Line((name,), channel) for name, channel in channels.items()]
    return [*own, Line(without, None)] if without else own


class ChannelIncomplete(RuntimeError):
    """A channel that lacks a setting: better found at the start than with the first message."""


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """The configured channels by name. Raises `NoOutbox`, `ChannelIncomplete`, `RealChannelInManualMode`."""
    channels: list[Channel] = [file_channel(settings)]
    if settings.webhook_key_file:
        key, reachable = webhook_key(settings.webhook_key_file), Reachable.of(settings.webhook_networks)
        channels.append(WebhookChannel(key, reachable, settings.mode == "manual"))
    if settings.smtp_host:
        channels.append(_mail(settings, settings.smtp_host))
    if settings.sms_url:
        channels.append(SmsChannel(settings.sms_url, _secret(settings.sms_token_file) or ""))
    return checked(channels, settings.mode)


def webhook_key(path: Path) -> bytes:
    """The key from which every unit's secret is derived. Raises `ChannelIncomplete` where it is too short."""
    key = path.read_bytes()
    if len(key) < 32:
        raise ChannelIncomplete("WEBHOOK_KEY_FILE: 32 bytes at least")
    return key


def _mail(settings: Settings, host: str) -> MailChannel:
    if not settings.smtp_from or "@" not in settings.smtp_from:
        raise ChannelIncomplete("SMTP_FROM")
    password = _secret(settings.smtp_password_file)
    return MailChannel(
        host, settings.smtp_port, settings.smtp_from, settings.smtp_tls, settings.smtp_username, password
    )


def _secret(path: Path | None) -> str | None:
    return path.read_text().strip() if path else None
