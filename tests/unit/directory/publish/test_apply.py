"""Publishing documents: only what changed is appended, and the examples of the project are sound."""

from copy import deepcopy

import pytest

from libs.directory.facts.directory import Directory
from libs.directory.publish.apply import decide_apply
from libs.directory.publish.documents import read_documents
from libs.directory.publish.files import read_files
from libs.events.contracts.directory import AppointmentPublished
from tests.unit.directory.town import EXAMPLES, RAW, TOWN, appended, notices, ruled, written


@pytest.mark.parametrize("example", ["town", "boston"])
def test_publishing_the_same_documents_again_appends_nothing(example: str) -> None:
    documents = read_documents(read_files(EXAMPLES / example).raw)
    first = decide_apply(Directory().latest, documents)
    again = decide_apply(appended(Directory(), first.changes).latest, documents)
    assert len(first.created) == len(first.changes) > 50
    assert (again.changes, again.absent) == ((), ())
    assert len(again.unchanged) == len(first.changes)


def test_one_changed_entry_is_one_event() -> None:
    ended = written("appointments", "id", "li-fang-grid", until="2026-11-30")
    plan = decide_apply(TOWN.latest, read_documents(ended))
    [(stream, event)] = plan.changes
    assert stream == "person-li-fang"
    assert isinstance(event, AppointmentPublished)
    assert str(event.until) == "2026-11-30 16:00:00+00:00"
    assert plan.changed == ("AppointmentPublished li-fang-grid",)
    assert plan.created == ()


def test_what_the_documents_do_not_mention_stays_and_is_named() -> None:
    raw = deepcopy(RAW)
    raw["grids"] = raw["grids"][:1]
    plan = decide_apply(TOWN.latest, read_documents(raw))
    assert plan.changes == ()
    assert plan.absent == ("GridPublished G04",)


def test_a_part_alone_is_judged_with_what_is_already_published() -> None:
    person = {"people": [{"id": "qiu-lan", "name_zh": "邱兰", "name_en": "Qiu Lan"}]}
    plan = decide_apply(TOWN.latest, read_documents(person, "Asia/Shanghai"))
    assert [stream for stream, _ in plan.changes] == ["person-qiu-lan"]


def test_the_demo_town_is_published_with_its_four_known_remarks() -> None:
    assert [(one.code, one.path) for one in notices(RAW)] == [
        ("CLK-15", "years.2027"),
        ("SEP-06", "appointments.wang-jianguo-grid"),
        ("NO-EFFECT", "rulebook"),
        ("NO-EFFECT", "catalogue"),
    ]


def test_what_is_published_again_is_not_told_again_to_have_no_effect() -> None:
    again = decide_apply(TOWN.latest, read_documents(ruled(version=2, reopen_window="20d")))
    assert [one.en for one in again.findings if one.code == "NO-EFFECT"] == ["no effect yet: reopen_window"]


def test_the_answer_tells_names_and_remarks_but_repeats_no_fact() -> None:
    answer = decide_apply(TOWN.latest, read_documents(RAW)).document()
    assert set(answer) == {"created", "changed", "unchanged", "absent", "findings"}
    assert answer["findings"][0]["severity"] == "notice"
