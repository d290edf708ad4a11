"""Every notice has a text, Chinese first and English after it, with local time and nothing personal."""

from pathlib import Path
from typing import get_args

import pytest
from jinja2 import UndefinedError

from libs.directory.naming import NOTICES as SUBJECTS
from libs.events.contracts import registry, supervision
from libs.events.event import Event
from services.notify.reactions import ESCALATED, NOTICES, notice_of, values_of
from services.notify.rendering import FOLDER, Letter, render
from tests.unit.directory.town import VIEW
from tests.unit.notify.cases import CASE, DISPATCHED, DUE, NOT_ACCEPTED, appeal, escalated, warned

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens"
TEMPLATES = {path.stem for path in FOLDER.glob("[a-z]*.txt")}


def text_of(event: Event, recipient: str = "person:fang-yun", **dues: object) -> str:
    notice = notice_of(event)
    assert notice is not None
    return render(Letter(notice.template, CASE, recipient, values_of(event, appeal()), dues), VIEW)  # type: ignore[arg-type]


def test_every_notice_has_its_template_and_no_template_is_left_over() -> None:
    assert {notice.template for notice in [*NOTICES.values(), ESCALATED]} == TEMPLATES == set(SUBJECTS)


@pytest.mark.parametrize("kind", NOTICES)
def test_every_event_that_is_told_can_be_rendered(kind: type[Event]) -> None:
    event = registry.decode(kind.ce_type, (GOLDENS / f"{kind.ce_type}.json").read_bytes())
    clocks = ("dispatch", "sign", "handling", "rework", "overall", "response")

    for text in (text_of(event), text_of(event, "reporter", **dict.fromkeys(clocks, DUE))):
        zh, _, en = text.partition("[Xunban]")
        assert zh.startswith("【巡办】")
        assert CASE in zh
        assert CASE in en
        assert "{" not in text
        assert "sealed" not in text


def test_a_new_work_order_says_what_where_and_until_when() -> None:
    text = text_of(DISPATCHED, sign=DUE)

    assert text == (
        "【巡办】新工单\n"
        "方芸: 县住建局有一件新工单, 请签收并办理。\n"
        f"案件编号: {CASE}\n"
        "事项: 井盖, 一般\n"
        "网格: 石桥村第3网格\n"
        "签收截止: 2026-11-09 24:00\n"
        "\n"
        "[Xunban] New work order\n"
        "Fang Yun: a new work order for County Housing and Construction Bureau; please sign for it.\n"
        f"Case: {CASE}\n"
        "Matter: Manhole, U3\n"
        "Grid: Shiqiao grid 3\n"
        "Sign by: 2026-11-09 24:00\n"
    )


def test_a_reminder_names_the_clock_and_its_due_time_in_local_time() -> None:
    assert "办理时限将于 2026-11-09 24:00 到期" in text_of(warned("handling"))


def test_the_level_of_an_escalation_is_said() -> None:
    assert text_of(escalated(2, "county-government"), "unit:county-government").startswith(
        "【巡办】督办 L2\n县人民政府: "
    )


def test_a_refused_reporter_learns_the_legal_basis_and_where_to_go_and_is_not_named() -> None:
    text = text_of(NOT_ACCEPTED, "reporter")

    assert "《信访工作条例》第三十三条" in text
    assert "县人民法院" in text
    assert "诉求人" in text


def test_a_template_that_prints_what_the_event_did_not_say_fails() -> None:
    with pytest.raises(UndefinedError):
        render(Letter("warned", CASE, "person:fang-yun", {}, {}), VIEW)


@pytest.mark.parametrize("clock", get_args(supervision.Clock))
def test_every_clock_has_words(clock: supervision.Clock) -> None:
    assert "时限将于" in text_of(warned(clock)) or "总时限" in text_of(warned(clock))
