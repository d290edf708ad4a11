"""Uploads as clients make them. No tests here."""

from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from tests.integration.http_edge import Edge


def photo(colour: str = "red") -> bytes:
    exif = Image.Exif()
    exif[0x0110] = "SECRET-PHONE"
    made = BytesIO()
    Image.new("RGB", (64, 48), colour).save(made, "JPEG", exif=exif.tobytes())
    return made.getvalue()


async def sent(
    edge: Edge, raw: bytes, case: str | None = None, person: str = "li-fang", of: str | None = None, **how: Any
) -> httpx.Response:
    """One upload; the client writes the form's own content type. `of`: a case that exists; `token`: a machine's."""
    files, data = {"file": (how.pop("name", "p.jpg"), raw)}, {"case_id": case} if case else {}
    request = httpx.Request("POST", "http://x/", files=files, data=data)
    headers, path = (
        {"Content-Type": request.headers["content-type"]},
        f"/cases/{of}/attachments" if of else "/attachments",
    )
    if token := how.pop("token", None):
        headers["Authorization"] = f"Bearer {token}"
    return await edge.send("POST", path, person=person, content=request.read(), headers=headers, **how)
