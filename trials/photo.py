"""The photos of these trials: the form that sends one, and the name under which it is kept then. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from services.intake.domain.attachments import cleaned


@dataclass(frozen=True)
class Form:
    """A body that is no JSON; the same bytes each time, so that it may be repeated under one key."""

    content_type: str
    content: bytes


def picture(number: int = 0) -> bytes:
    """No two numbers look the same."""
    taken = BytesIO()
    Image.new("RGB", (8, 8), (number >> 16 & 255, number >> 8 & 255, number & 255)).save(taken, "PNG")
    return taken.getvalue()


def form_of(file: bytes, **fields: str) -> Form:
    """A multipart form with one file."""
    edge = "a-photo-of-the-place"
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + file)
    lines = [b"--%s\r\nContent-Disposition: form-data; %s\r\n" % (edge.encode(), part) for part in parts]
    return Form(f"multipart/form-data; boundary={edge}", b"".join(lines) + f"--{edge}--\r\n".encode())


PHOTO = cleaned(picture()).sha256
PHOTO_FORM = form_of(picture())
