"""Which refusal becomes which HTTP status, and what a problem document says. No server."""

import json

import pytest

from libs.events.errors import (
    Erased,
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    NotFound,
    Rejected,
    Stale,
    StreamConflict,
    Unavailable,
)
from libs.service.http.problems import TITLES, problem, status_of


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Malformed(), 422),
        (IdempotencyMismatch(), 422),
        (NotFound(), 404),
        (Forbidden(), 403),
        (Rejected(), 409),
        (StreamConflict(), 409),
        (Erased(), 409),
        (Unavailable(), 503),
        (Stale(), 503),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_refusal_has_its_status(refusal: Rejected, status: int) -> None:
    assert status_of(refusal) == status


def test_a_refusal_says_rule_evidence_and_what_is_allowed_instead() -> None:
    refusal = Rejected(rule="SEP-03", evidence=["e-1"], allowed=["assign another verifier"])
    answer = problem(409, refusal.document())
    assert answer.media_type == "application/problem+json"
    assert json.loads(bytes(answer.body)) == {
        "type": "about:blank",
        "title": "与规则或当前状态冲突",
        "status": 409,
        "code": "E-STATE",
        "message_zh": "当前状态不允许此操作",
        "message_en": "the state of the case does not allow this",
        "rule_id": "SEP-03",
        "evidence_event_ids": ["e-1"],
        "allowed_actions": ["assign another verifier"],
    }


def test_who_meets_a_store_that_is_away_is_told_to_come_back() -> None:
    assert problem(503).headers["retry-after"] == "1"
    assert "retry-after" not in problem(409).headers


@pytest.mark.parametrize("status", [*TITLES, 418, 500])
def test_every_status_has_words_in_both_languages(status: int) -> None:
    document = json.loads(bytes(problem(status).body))
    assert not document["message_zh"].isascii()
    assert document["message_en"].isascii()
