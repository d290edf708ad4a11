"""Photos as evidence: what is shown was sent for this case, by whoever may show it, at that time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from libs.case.state import Attached
from libs.events.errors import Rejected


class PhotoNotSent(Rejected):
    """A photo that nobody sent for the case, somebody else sent, or that shows another stage of it."""

    code = "E-PHOTO"
    zh = "照片未上传到本案件, 不是本方上传, 或不属于本轮本环节"
    en = "a photo was not sent for this case, by you, in this round and stage"


def require_sent(photos: Collection[str], usable: Iterable[Attached]) -> None:
    """Raises `PhotoNotSent` unless all of them (SHA-256) are among what may be shown here."""
    sent = {one.sha256: None for one in usable}
    if not set(photos) <= sent.keys():
        raise PhotoNotSent(allowed=[*sent])
