"""What an attachment may be: judged by its content, cleaned of what nobody meant to send, named by its hash. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from libs.events.errors import Malformed, Rejected, TooLarge, WrongType

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 110_000_000
"""Of what a camera writes, which can be unpacked smaller than it is."""
MOST_PIXELS_AT_ONCE = 25_000_000
"""Of what can only be unpacked as a whole."""
ORIENTATION = 0x0112
MOST_PER_CASE = 40
KEPT_PIXELS = 12_000_000
"""A larger picture is scaled down to that: what no screen shows nobody has to keep."""
KEPT_BYTES = 4 * 1024 * 1024
PICTURES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "MPO": "image/jpeg",
    "HEIF": "image/heic",
}
OPENED = ("JPEG", "PNG", "WEBP", "HEIF")
"""An MPO begins like a JPEG and is opened as one."""
KEPT_AS = {"MPO": "JPEG", "HEIF": "JPEG"}
"""What cameras write and not every browser shows: several pictures in one, and HEIC."""
HOW: dict[str, dict[str, int]] = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90, "method": 0}}
SMALLER = 0.7
PDF = "application/pdf"

pillow_heif.register_heif_opener(thumbnails=False)


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
    was appended to it; a larger one than a screen can show is scaled down. A PDF stays as it is.
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
        raise WrongType(allowed=[*sorted(set(PICTURES.values())), PDF]) from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise PictureUnreadable() from error


def _drawn_anew(raw: bytes) -> Attachment:
    with Image.open(BytesIO(raw), formats=OPENED) as picture:
        kind, pixels = KEPT_AS.get(picture.format or "", picture.format or ""), picture.width * picture.height
        if pixels > (MOST_PIXELS if picture.format in ("JPEG", "MPO") else MOST_PIXELS_AT_ONCE):
            raise TooLarge(zh="图片像素过多", en="the picture has too many pixels")
        turned = picture.getexif().get(ORIENTATION, 1)
        # A camera's picture is unpacked only as large as it is wanted; of several the first is taken.
        picture.draft(None, _scaled(picture, min(1.0, (KEPT_PIXELS / pixels) ** 0.5)))
        small = _fitting(_eight_bits(picture))
    small.getexif()[ORIENTATION] = turned
    upright = ImageOps.exif_transpose(small)
    fitting = {"JPEG": ("RGB", "L"), "PNG": ("RGB", "RGBA", "L", "LA", "P"), "WEBP": ("RGB", "RGBA")}[kind]
    bare = upright if upright.mode in fitting else upright.convert("RGBA" if kind != "JPEG" else "RGB")
    bare.info = {name: value for name, value in bare.info.items() if name == "transparency"}
    return _kept(bare, kind)


def _fitting(picture: Image.Image) -> Image.Image:
    """No larger than what is kept."""
    pixels = picture.width * picture.height
    return picture.copy() if pixels <= KEPT_PIXELS else picture.resize(_scaled(picture, (KEPT_PIXELS / pixels) ** 0.5))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Shades of sixteen bits in eight: else whatever is not nearly black would be white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda shade: shade * (1 / 256)).convert("L")


def _kept(picture: Image.Image, kind: str) -> Attachment:
    """As few bytes as are kept of a picture, whatever its pixels: smaller and smaller, if need be."""
    while True:
        kept = BytesIO()
        picture.save(kept, kind, **HOW[kind])
        if kept.tell() <= KEPT_BYTES:
            return Attachment(PICTURES[kind], kept.getvalue())
        if kind != "JPEG" and picture.mode in ("RGB", "L"):
            kind = "JPEG"
        else:
            picture = picture.resize(_scaled(picture, SMALLER))


def _scaled(picture: Image.Image, by: float) -> tuple[int, int]:
    return max(1, round(picture.width * by)), max(1, round(picture.height * by))
