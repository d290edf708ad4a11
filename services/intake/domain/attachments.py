"""Attachments: what one may be, judged by its content, cleaned and named by its hash; and who may add one. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.events.contracts.intake import AttachmentAdded
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, Rejected, TooLarge, WrongType
from libs.events.event import Event
from services.intake.domain.case_state import State, raise_not_here
from services.intake.domain.identity import HANDLING

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 110_000_000
"""Of what a camera writes, which can be unpacked smaller than it is."""
MOST_PIXELS_AT_ONCE = 25_000_000
"""Of what can only be unpacked as a whole."""
ORIENTATION = 0x0112
MOST_PER_SENDER = 40
"""Of one case: nobody fills it for the others."""
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


# Commands


@dataclass(frozen=True)
class AddAttachment:
    """附件: a photo or document of a case that exists; its bytes are kept already (rulebook.md c.3 #14a)."""

    at: datetime
    by: Actor
    sha256: str
    media_type: str
    size: int


# Refusals


class PictureUnreadable(Malformed):
    """It begins like a picture and cannot be read as one."""

    code = "E-PICTURE"
    zh = "图片已损坏, 无法读取"
    en = "the picture is damaged"


class TooManyAttachments(Rejected):
    """Nobody sends more than so many for one case."""

    code = "E-TOO-MANY"
    zh = "您为该案件上传的附件数量已达上限"
    en = "you have sent as many attachments for this case as one person may"


class NotASender(Forbidden):
    """Who sees the case need not have anything to show of it."""

    code = "E-SENDER"
    zh = "附件由受理人员, 发现人, 核实人或目前承办的单位上传"
    en = "attachments come from the desk, who found it, who verifies it, or the unit that handles it now"


# Decisions


def attach(state: State, command: AddAttachment, facts: Facts) -> Sequence[Event]:
    """The same file from the same person is there already; in another round it is sent for that one."""
    by, case = command.by, facts.case
    if case is None or state.status == "NONE":
        raise_not_here(state)
    require_sender(by, case)
    own = [one for one in case.attachments if one.by == by.person]
    if (command.sha256, case.round) in {(one.sha256, one.round) for one in own}:
        return []
    if len(own) >= MOST_PER_SENDER:
        raise TooManyAttachments()
    unit = by.unit if by.role in HANDLING else None
    return [
        AttachmentAdded(
            sha256=command.sha256, media_type=command.media_type, size=command.size, sent_by=by.person, unit=unit
        )
    ]


def require_sender(by: Actor, case: Case) -> None:
    """Whoever has a part in the case now, while it is open; asked before a picture is drawn. Raises its refusal."""
    if not is_sender(by, case):
        handling = [unit for unit in (case.unit, *case.co_units) if unit]
        raise NotASender(allowed=["OPERATOR", *case.discoverers, *filter(None, [case.verifier]), *handling])
    if case.ended:
        raise NotInThisState(evidence=[case.last_event_id])


def is_sender(by: Actor, case: Case) -> bool:
    """The desk; who found it on patrol; who is asked to verify it; the units that handle it now."""
    match by.role:
        case "OPERATOR":
            return True
        case "GRID_WORKER":
            return by.person in case.discoverers or by.person == case.verifier
        case _:
            return by.role in HANDLING and by.unit is not None and by.unit in (case.unit, *case.co_units)


# What is kept


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
