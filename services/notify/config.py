"""What notify's processes are told besides what every service's are: its channels, templates and retries."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from pydantic import Field

from libs.service import settings
from libs.service.runtime import Runtime


class Settings(settings.Settings):
    """Environment of notify's processes."""

    outbox_dir: Path | None = Field(default=None, description="Where notify's file channel puts messages.")
    templates_dir: Path | None = Field(default=None, description="A deployment's own templates, before notify's.")
    webhook_key_file: Path | None = Field(
        default=None, description="32 bytes from which each unit's webhook secret derives."
    )
    webhook_networks: tuple[str, ...] = Field(
        default=(), description="Networks that webhooks may go to besides the public internet, as JSON."
    )
    smtp_host: str | None = Field(default=None, description="Mail server; unset = no e-mail.")
    smtp_port: int = Field(default=587, description="Its port.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the mail server is spoken to; none on this machine alone."
    )
    smtp_username: str | None = Field(default=None, description="Login at the mail server, if it wants one.")
    smtp_password_file: Path | None = Field(default=None, description="Password of that login.")
    smtp_from: str | None = Field(default=None, description="From address; its domain is that of every Message-ID.")
    sms_url: str | None = Field(default=None, description="Where the SMS gateway takes messages; unset = no SMS.")
    sms_token_file: Path | None = Field(default=None, description="Bearer token of the SMS gateway.")
    message_retry_seconds: tuple[float, ...] = Field(
        default=(1, 2, 4, 15, 60, 300, 900, 3600, 7200, 14_400),
        description="Pauses between the tries of a message, as JSON; after the last one it is undelivered.",
    )


def of(running: Runtime) -> Settings:
    """The settings of notify's own process."""
    return cast("Settings", running.settings)
