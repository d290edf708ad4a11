"""What an API says of itself to people and machines, where the deployment lets it; everything comes from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import fastapi_offline
from fastapi import Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from libs.events.errors import NotFound
from libs.service.http.dependencies import RuntimeDep

ASSETS = "/docs/assets"
FOLDER = Path(fastapi_offline.__file__).with_name("static")
"""Swagger UI as its wheel has it: no page of ours loads anything from elsewhere."""


async def must_be_told(running: RuntimeDep) -> None:
    """Raises `NotFound` where `API_DOCS` is off."""
    if not running.settings.api_docs:
        raise NotFound()


Told = Annotated[None, Depends(must_be_told)]


def install(app: FastAPI) -> None:
    """`/openapi.json` and `/docs`; the app itself is made without either."""

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Told) -> dict[str, Any]:
        return app.openapi()

    @app.get("/docs", include_in_schema=False)
    async def page(_: Told) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    app.mount(ASSETS, StaticFiles(directory=FOLDER), name="assets")
