"""What a caller said, and what he only seemed to say: blank texts, NULs, numbers for instants, unknown filters."""

from datetime import UTC, datetime
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from pydantic import Field, ValidationError

from libs.service.http import problems
from libs.service.http.cases import Body, Folded
from libs.service.http.dependencies import refuse_nul
from libs.service.http.filters import refuse_unknown
from libs.service.http.headers import Instant

BLANK = ("", "  ", "\u3000", "\u200b\ufeff")


class Note(Body):
    content: str = Field(min_length=1, max_length=20)
    name: str | None = None
    kind: str = "help"
    number: Folded | None = Field(default=None, pattern=r"^[0-9 -]+$")
    due_at: Instant | None = None


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_text_is_too_short_where_one_is_needed(blank: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Note(content=blank)
    assert [(one["loc"], one["type"]) for one in refused.value.errors()] == [(("content",), "string_too_short")]


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_text_is_none_where_it_may_be_missing(blank: str) -> None:
    assert Note(content="x", name=blank).name is None
    assert Note(content="x", kind=blank).kind == ""


def test_what_is_invisible_at_the_ends_is_left_out_and_full_width_digits_are_digits() -> None:
    note = Note(content="\u3000路灯不亮\u200b", number="１３８　０００")
    assert (note.content, note.number) == ("路灯不亮", "138 000")


@pytest.mark.parametrize("said", [1606780800, 1.5, True, "1606780800"])
def test_a_number_is_no_instant(said: object) -> None:
    with pytest.raises(ValidationError):
        Note.model_validate({"content": "x", "due_at": said})
    assert Note.model_validate({"content": "x", "due_at": "2026-11-02T09:00:00+08:00"}).due_at == datetime(
        2026, 11, 2, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (rb'{"a": "x\u0000"}', ("body", "a")),
        (rb'{"items": [{"a": 1}, {"a": "\\\u0000"}]}', ("body", "items", 1, "a")),
        (rb'{"\u0000": 1}', ("body",)),
        (rb'["\u0000"]', ("body", 0)),
    ],
)
def test_a_nul_is_refused_with_its_place(body: bytes, at: tuple[object, ...]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        refuse_nul(body)
    assert [(one["type"], one["loc"]) for one in refused.value.errors()] == [("nul", at)]


@pytest.mark.parametrize(
    "body", [rb'{"a": "\\u0000"}', rb'{"a": "u0000"}', b"", b"[" * 5000, rb'{"a": "\u0001"}', b"\xff"]
)
def test_a_text_about_it_is_none(body: bytes) -> None:
    refuse_nul(body)


def listing() -> TestClient:
    app = FastAPI(dependencies=[Depends(refuse_unknown)])
    problems.install(app)

    def paged(cursor: str | None = None) -> str | None:
        return cursor

    @app.get("/cases")
    async def cases(
        _: Annotated[str | None, Depends(paged)], wanted: Annotated[str | None, Query(alias="state")] = None
    ) -> dict[str, str | None]:
        return {"state": wanted}

    return TestClient(app)


def test_a_filter_that_no_list_knows_is_refused_by_name_with_those_that_there_are() -> None:
    refused = listing().get("/cases?stat=CLOSED")
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"at": "query.stat", "error": "unknown_filter", "allowed": {"expected": "cursor, state"}}
    ]


def test_a_word_that_looks_like_no_filter_is_not_repeated() -> None:
    refused = listing().get("/cases", params={"13800000000": "x"})
    assert (refused.status_code, "13800000000" in refused.text) == (422, False)


def test_known_filters_pass_by_the_name_that_callers_use() -> None:
    assert listing().get("/cases?state=CLOSED&cursor=x").json() == {"state": "CLOSED"}
    assert listing().get("/cases?wanted=CLOSED").status_code == 422


def test_json_that_no_reader_takes_has_one_code() -> None:
    app = FastAPI()
    problems.install(app)

    @app.post("/notes")
    async def take(note: Note) -> None:
        del note

    client, kind = TestClient(app), {"Content-Type": "application/json"}
    for body in (b"\xff\xfe", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}", b"{"):
        answer = client.post("/notes", content=body, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (422, "E-JSON"), body[:10]
