"""What an attachment may be: judged by its content, cleaned of what nobody meant to send, named by its hash. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from libs.events.errors import Malformed, Rejected, TooLarge, WrongType

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 50_000_000
MOST_PER_CASE = 40
PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PDF = "application/pdf"
QUALITY = 90


class PictureUnreadable(Malformed):
    """It begins like a picture and cannot be read as one."""

    code = "E-PICTURE"
    zh = "图片已损坏, 无法读取"
    en = "the picture is damaged"


class TooManyAttachments(Rejected):
    """One case holds so many attachments and no more."""

    code = "E-TOO-MANY"
    zh = "该案件的附件数量已达上限"
    en = "this case holds as many attachments as it may"


@dataclass(frozen=True)
class Attachment:
    """The bytes that are kept, and what they are."""

    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the bytes that are kept: what events name and `GET /attachments/…` answers."""
        return sha256(self.content).hexdigest()


def cleaned(raw: bytes) -> Attachment:
    """The attachment as it is kept; raises `Malformed`, `TooLarge`, `WrongType` or `PictureUnreadable`.

    A picture is drawn anew, upright: no place, time, device or thumbnail that the camera wrote stays in it, nor what
    was appended to it. A PDF stays as it is.
    """
    if not raw:
        raise Malformed(zh="文件为空", en="the file is empty")
    if len(raw) > MOST_BYTES:
        raise TooLarge()
    if raw.startswith(b"%PDF-"):
        return Attachment(PDF, raw)
    try:
        return _drawn_anew(raw)
    except UnidentifiedImageError as error:
        raise WrongType(allowed=[*PICTURES.values(), PDF]) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise PictureUnreadable() from error


def _drawn_anew(raw: bytes) -> Attachment:
    with Image.open(BytesIO(raw), formats=tuple(PICTURES)) as picture:
        kind = picture.format or ""
        if picture.width * picture.height > MOST_PIXELS:
            raise TooLarge(zh="图片像素过多", en="the picture has too many pixels")
        upright = ImageOps.exif_transpose(picture)
    fitting = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "RGBA", "L", "LA", "P"), "WEBP": ("RGB", "RGBA")}[kind]
    bare = upright if upright.mode in fitting else upright.convert("RGBA" if kind != "JPEG" else "RGB")
    bare.info = {name: value for name, value in bare.info.items() if name == "transparency"}
    kept = BytesIO()
    bare.save(kept, kind, **({} if kind == "PNG" else {"quality": QUALITY}))
    return Attachment(PICTURES[kind], kept.getvalue())
