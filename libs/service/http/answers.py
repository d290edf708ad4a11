"""The HTTP answer of a command or a query: a document, or the problem that says why not."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi.responses import JSONResponse

from libs.log.write.idempotency import Outcome
from libs.service.http import problems


class DocumentAnswer(JSONResponse):
    """A document whose instants are instants: written as JSON once, by orjson."""

    def render(self, content: Any) -> bytes:
        """The bytes of the answer."""
        return orjson.dumps(content)


def answer(outcome: Outcome, status: int = 200) -> JSONResponse:
    """The HTTP answer of a command: a problem document where the rules refused it for the record."""
    if outcome.status >= 400:
        return problems.problem(outcome.status, outcome.document)
    return DocumentAnswer(outcome.document, status_code=status)
