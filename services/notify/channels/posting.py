"""Webhooks of units and the SMS gateway: messages posted over HTTP. Who gets what is decided elsewhere."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from standardwebhooks import Webhook

from libs.directory.rules.contacts import is_loopback
from libs.service.clock import real_now
from services.notify.channels.addresses import Reachable
from services.notify.channels.channel import ChannelFailed, Parcel

RECEIPT = re.compile(r"[\w.:/-]{1,100}", re.ASCII)
TIMEOUT = httpx.Timeout(10.0)
MOST_BYTES = 1 << 16
"""Of an answer: whoever goes on answering fills no memory of ours."""
AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that say: not now, whichever message it is."""


def webhook_secret(key: bytes, recipient: str, generation: int) -> str:
    """The secret that a unit checks our signatures with; derived, so that no database and no log holds it."""
    said = f"xunban webhook {recipient} {generation}".encode()
    return "whsec_" + b64encode(hmac.new(key, said, sha256).digest()).decode()


@cache
def _authorities() -> SSLContext:
    """Read once: reading the certificates of the whole world takes a tenth of a second."""
    return httpx.create_ssl_context()


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, verify=_authorities())


@dataclass(frozen=True)
class Place:
    """Where something is posted, and which host is meant by it."""

    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    async def of(address: str, reachable: Reachable) -> Place:
        """With an address in the host's place: no second look-up leads elsewhere. Raises `ChannelFailed`."""
        url = httpx.URL(address)
        # Read as a name first: what is none is a ValueError, not a receiver that is away.
        host = url.host and url.raw_host.decode()
        found = await reachable.address_of(host, url.port or {"http": 80}.get(url.scheme, 443))
        # The certificate is asked of the host that was named.
        return Place(url.copy_with(host=found), {"host": url.netloc.decode()}, {"sni_hostname": host})


async def _post(client: httpx.AsyncClient, to: Place, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of a success, of a long body its beginning; raises `ChannelFailed`."""
    said = b""
    own = {"content-type": "application/json", "accept-encoding": "identity", **headers, **to.headers}
    try:
        async with client.stream("POST", to.url, content=body, headers=own, extensions=to.extensions) as answer:
            async for part in answer.aiter_raw():
                said += part
                if len(said) > MOST_BYTES:
                    break
    except httpx.TimeoutException as error:
        raise ChannelFailed("TIMEOUT", away=True) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChannelFailed("UNREACHABLE", away=True) from error
    if not answer.is_success:
        raise ChannelFailed(f"HTTP_{answer.status_code}", away=answer.status_code in AWAY)
    return answer.status_code, said


@dataclass(frozen=True)
class WebhookChannel:
    """Standard Webhooks 1.0: id, time stamp and one signature per valid secret over `id.timestamp.body`."""

    key: bytes = field(repr=False)
    reachable: Reachable = field(default_factory=Reachable)
    loopback_only: bool = False
    """On a clock set by hand only receivers on this machine are told."""
    name: str = "webhook"
    reaches_people: bool = False
    client: httpx.AsyncClient = field(default_factory=_client)

    async def deliver(self, parcel: Parcel) -> str:
        """Post it, signed for this unit; the receipt is the HTTP status."""
        if self.loopback_only and not is_loopback(urlsplit(parcel.address).hostname):
            raise ChannelFailed("MANUAL_CLOCK")
        body = orjson.dumps({**parcel.facts, "text": parcel.text})
        to = await Place.of(parcel.address, self.reachable)
        status, _ = await _post(self.client, to, body, self._headers(parcel, body))
        return f"HTTP {status}"

    def _headers(self, parcel: Parcel, body: bytes) -> dict[str, str]:
        now = real_now()
        generations = range(parcel.secret_generation, max(parcel.secret_generation - 2, 0), -1)
        secrets = [webhook_secret(self.key, parcel.recipient, one) for one in generations]
        return {
            "webhook-id": parcel.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(Webhook(one).sign(parcel.id, now, body.decode()) for one in secrets),
        }


@dataclass(frozen=True)
class SmsChannel:
    """An SMS gateway behind one URL: `{"to", "text", "id"}` with the id as Idempotency-Key; it answers `{"id"}`."""

    url: str
    token: str = field(default="", repr=False)
    name: str = "sms"
    client: httpx.AsyncClient = field(default_factory=_client)

    @property
    def reaches_people(self) -> bool:
        """Whether the gateway is another machine."""
        return not is_loopback(urlsplit(self.url).hostname)

    async def deliver(self, parcel: Parcel) -> str:
        """Hand it to the gateway; the receipt is the gateway's own id of it, if it gives one."""
        body = orjson.dumps({"to": parcel.address, "text": " ".join(parcel.text.split("\n")).strip(), "id": parcel.id})
        headers = {"idempotency-key": parcel.id, **({"authorization": f"Bearer {self.token}"} if self.token else {})}
        _, said = await _post(self.client, Place(httpx.URL(self.url)), body, headers)
        given = _id_in(said)
        # It is kept for ever: an id, and never whom it was sent to.
        return given if RECEIPT.fullmatch(given) and parcel.address not in given else f"sms {parcel.id}"


def _id_in(said: bytes) -> str:
    try:
        document = orjson.loads(said)
    except orjson.JSONDecodeError:
        return ""
    return str(document.get("id", "")) if isinstance(document, dict) else ""
