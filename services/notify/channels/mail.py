"""E-mail over SMTP: one plain message per id, marked as written by a machine. Who gets what is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from libs.directory.rules.contacts import is_email, is_loopback
from libs.service.clock import real_now
from services.notify.channels.channel import ChannelFailed, Parcel

Tls = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class MailChannel:
    """The deployment's mail server."""

    host: str
    port: int
    sender: str
    """`From`, and the domain of every Message-ID."""
    tls: Tls = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = "email"

    @property
    def reaches_people(self) -> bool:
        """Whether the server is another machine."""
        return not is_loopback(self.host)

    async def deliver(self, parcel: Parcel) -> str:
        """Hand it to the server; the receipt is its Message-ID."""
        if not is_email(parcel.address):
            raise ChannelFailed("ADDRESS")
        message = self.compose(parcel)
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",
                timeout=10,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise ChannelFailed(f"SMTP_{error.recipients[0].code}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise ChannelFailed(f"SMTP_{error.code}", away=error.code in (421, 451, 454)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ChannelFailed("UNREACHABLE", away=True) from error
        return str(message["Message-ID"])

    def compose(self, parcel: Parcel) -> EmailMessage:
        """The message; a second try has the same Message-ID, and no auto-reply answers it (RFC 3834)."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = parcel.address
        message["Subject"] = parcel.subject
        message["Date"] = format_datetime(real_now())
        message["Message-ID"] = f"<{parcel.id}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(parcel.text, charset="utf-8", cte="base64")
        return message
