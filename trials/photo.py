"""The photos of these trials: the form that sends one, and the name under which it is kept then. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import orjson
from PIL import Image

from services.intake.domain.attachments import cleaned


@dataclass(frozen=True)
class Form:
    """A body and its type; the same bytes each time, so that it may be repeated under one key."""

    content_type: str
    content: bytes


def picture(number: int = 0) -> bytes:
    """No two numbers look the same."""
    taken = BytesIO()
    Image.new("RGB", (8, 8), (number >> 16 & 255, number >> 8 & 255, number & 255)).save(taken, "PNG")
    return taken.getvalue()


def form_of(file: bytes) -> Form:
    """A multipart form with one file."""
    head = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return Form("multipart/form-data; boundary=photo", b"--photo\r\n" + head + file + b"\r\n--photo--\r\n")


def encoded(body: Mapping[str, Any] | Form) -> Form:
    """The body as it is sent: JSON, where it is no form."""
    return (
        body if isinstance(body, Form) else Form("application/json", orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS))
    )


PHOTO = cleaned(picture()).sha256
PHOTO_FORM = form_of(picture())
