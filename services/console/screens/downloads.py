"""Files through the console: any list as CSV, an attachment. Passed on as they come, never held whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response

from services.console.page import Seen
from services.console.screens.filters import LISTS

router = APIRouter(include_in_schema=False)


@router.get("/{name}.csv")
async def csv(screen: Seen, name: str) -> Response:
    """A list with the filters of its page, all of it."""
    if (listed := LISTS.get(name)) is None:
        raise HTTPException(404)
    typed = listed.typed(screen.request.query_params)
    return await screen.pass_on(listed.service, listed.path, **listed.query(screen.visitor, typed), format="csv")


@router.get("/attachments/{sha256}")
async def attachment(screen: Seen, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response:
    """A picture, or a document to be kept; who may see its case is intake's to say."""
    return await screen.pass_on("intake", f"/attachments/{sha256}")
