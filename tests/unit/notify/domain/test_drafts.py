"""Who is told of a draft of the directory: the other administrators of its making, its drafter of its end."""

from typing import Any

import pytest

from libs.directory.facts.view import View
from libs.events.contracts.directory import DraftMade, DraftPublished, DraftWithdrawn
from libs.events.ids import DraftId, PersonId
from services.notify.domain.drafts import Told, messages_of
from tests.unit.directory.town import VIEW, local, published, written

DRAFT = DraftId("0191f2a0-0000-7000-8000-0000000000dd")
HE_JUN, QIN_YUE = PersonId("he-jun"), PersonId("qin-yue")
MADE = DraftMade(draft=DRAFT, drafted_by=HE_JUN, basis="会议纪要第3号", facts=())
PUBLISHED = DraftPublished(draft=DRAFT, drafted_by=HE_JUN, published_by=QIN_YUE)
NINE = local("2026-11-02 09:00")


def told(event: Told, view: View = VIEW) -> list[tuple[str, str, dict[str, Any]]]:
    return [(one.recipient, one.template, dict(one.values)) for one in messages_of(event, HE_JUN, view, NINE)]


def test_a_draft_that_waits_is_told_to_the_other_administrators() -> None:
    assert told(MADE) == [("person:qin-yue", "draft_waiting", {"drafted_by": "he-jun"})]


def test_a_second_account_of_the_drafter_is_not_another_administrator() -> None:
    view = published(written("people", "id", "qin-yue", same_as="he-jun")).latest
    assert told(MADE, view) == []


def test_of_a_large_draft_its_last_part_is_told() -> None:
    parts = [MADE.model_copy(update={"part": number, "parts": 3}) for number in (1, 2, 3)]
    assert [len(told(one)) for one in parts] == [0, 0, 1]


@pytest.mark.parametrize(
    ("event", "template"),
    [(PUBLISHED, "draft_published"), (DraftWithdrawn(draft=DRAFT, withdrawn_by=QIN_YUE), "draft_withdrawn")],
)
def test_its_end_is_told_to_whoever_drafted_it(event: Told, template: str) -> None:
    assert told(event) == [("person:he-jun", template, {"drafted_by": "he-jun", "ended_by": "qin-yue"})]


def test_who_takes_his_own_draft_back_knows_it() -> None:
    assert told(DraftWithdrawn(draft=DRAFT, withdrawn_by=HE_JUN)) == []


def test_it_goes_by_every_contact_point_and_waits_for_the_morning_where_nights_are_quiet() -> None:
    raw = written("people", "id", "qin-yue", contacts=[{"channel": "sms", "address": "13800000001"}])
    raw["rulebook"]["messages"] = {"quiet": {"begins": "21:30", "ends": "07:30"}}
    (held,) = messages_of(MADE, HE_JUN, published(raw).latest, local("2026-11-02 23:00"))
    assert (held.channel, held.send_at) == ("sms", local("2026-11-03 07:30"))
