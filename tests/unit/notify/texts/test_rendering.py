"""Every notice has a text, Chinese first and English after it, with local time and nothing personal."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from libs.directory.rules.naming import NOTICES as SUBJECTS
from libs.events.contracts import intake, registry, routing, supervision
from libs.events.contracts.parts.clock import Clock
from libs.events.event import Event
from libs.events.ids import UnitId
from services.notify.reactions import (
    CO_UNIT_LEFT,
    CONTINUED,
    ESCALATED,
    LEFT_BY_UNIT,
    NOTICES,
    Notice,
    notice_of,
    values_of,
)
from services.notify.readmodel.tables import PRINTED
from services.notify.texts.rendering import FOLDER, Letter, Rendering, Text
from tests.unit.directory.town import VIEW
from tests.unit.notify.cases import CASE, DISPATCHED, DUE, MONDAY, NOT_ACCEPTED, appeal, escalated, warned

RENDERING = Rendering(VIEW)
GOLDENS = Path(__file__).parents[3] / "contract" / "goldens"
TEMPLATES = {path.stem for path in (FOLDER / "zh").glob("[a-z]*.txt")}


OF_DRAFTS = {"draft_waiting", "draft_published", "draft_withdrawn"}


def parts_of(notice: Notice | None) -> tuple[Notice, ...]:
    assert notice is not None
    return (notice, notice.also) if notice.also else (notice,)


def said_in(event: Event, name: str) -> str:
    """What the operator wrote; of a golden, in which it is sealed, a mask."""
    said = getattr(event, name, "")
    return said if isinstance(said, str) else "***"


def texts_of(event: Event, recipient: str = "person:fang-yun", **dues: object) -> list[str]:
    """What the event makes somebody read, in each of its wordings."""
    values, opened = values_of(event, appeal()), {name: said_in(event, name) for name in PRINTED}
    letters = [
        Letter(part.template, CASE, recipient, values, dues, texts=opened)  # type: ignore[arg-type]
        for part in parts_of(notice_of(event))
    ]
    return [RENDERING.letter(letter).body for letter in letters]


def text_of(event: Event, recipient: str = "person:fang-yun", **dues: object) -> str:
    return texts_of(event, recipient, **dues)[0]


def test_every_notice_has_its_template_and_no_template_is_left_over() -> None:
    special = [CONTINUED, CO_UNIT_LEFT, ESCALATED, LEFT_BY_UNIT]
    notices = [part for notice in [*NOTICES.values(), *special] for part in parts_of(notice)]

    assert {notice.template for notice in notices} | OF_DRAFTS == TEMPLATES == set(SUBJECTS)
    assert {path.stem for path in (FOLDER / "en").glob("[a-z]*.txt")} == TEMPLATES


@pytest.mark.parametrize("kind", NOTICES)
def test_every_event_that_is_told_can_be_rendered(kind: type[Event]) -> None:
    event = registry.decode(kind.ce_type, (GOLDENS / f"{kind.ce_type}.json").read_bytes())
    clocks = get_args(Clock)

    for text in (*texts_of(event), *texts_of(event, "reporter", **dict.fromkeys(clocks, DUE))):
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


def test_who_takes_over_from_a_unit_that_has_ended_is_told_and_so_is_who_must_see_to_it_that_somebody_does() -> None:
    golden = (GOLDENS / f"{routing.OrderPassedOn.ce_type}.json").read_bytes()
    passed = registry.decode(routing.OrderPassedOn.ce_type, golden)
    taken, relieved = texts_of(passed, handling=DUE)
    lost = [passed.model_copy(update={"unit": None, "role": role}) for role in ("lead", "co")]
    to_dispatch, co_left = (texts_of(event, dispatch=DUE)[0] for event in lost)

    assert "由县住建局承接, 各项时限不变" in taken
    assert "办理截止: 2026-11-09 24:00" in taken
    assert "不再由您负责" in relieved
    assert "请重新派遣" in to_dispatch
    assert "派遣截止: 2026-11-09 24:00" in to_dispatch
    assert "如仍需协办, 请另请单位" in co_left


def test_a_template_that_prints_what_the_event_did_not_say_fails() -> None:
    with pytest.raises(UndefinedError):
        RENDERING.letter(Letter("warned", CASE, "person:fang-yun", {}, {}))


@pytest.mark.parametrize("clock", get_args(Clock))
def test_every_clock_has_words(clock: Clock) -> None:
    assert "时限将于" in text_of(warned(clock)) or "总时限" in text_of(warned(clock))


def test_a_withdrawal_is_said_differently_where_the_matter_goes_on() -> None:
    ends, goes_on = (intake.AppealWithdrawn(proof="SECRET", continues=continues) for continues in (False, True))

    assert "此案终止" in text_of(ends, "reporter")
    assert [("请继续办理" in text, "不再回访您" in text) for text in texts_of(goes_on)] == [
        (True, False),
        (False, True),
    ]


def test_an_urge_says_who_urges_and_until_when() -> None:
    text = text_of(supervision.CaseUrged(source="CITIZEN", unit=UnitId("county-housing")), handling=DUE)

    assert text.startswith("【巡办】催办\n方芸: 诉求人催办此案")
    assert "办理截止: 2026-11-09 24:00" in text


def letter(**how: Any) -> Letter:
    """A new work order for Fang Yun."""
    values = values_of(DISPATCHED, appeal())
    return replace(Letter("dispatched", CASE, "person:fang-yun", values, {"sign": DUE}), **how)


def test_an_sms_says_in_one_line_per_language_what_it_is_about_and_which_case() -> None:
    assert RENDERING.letter(letter(channel="sms", language="zh")) == Text(
        f"【巡办】新工单: 方芸: 县住建局有一件新工单, 请签收并办理。 案件编号: {CASE}",
        f"【巡办】新工单: 方芸: 县住建局有一件新工单, 请签收并办理。 案件编号: {CASE}\n",
    )


def test_a_recipient_reads_his_own_language_alone() -> None:
    text = RENDERING.letter(letter(language="en"))

    assert text.subject == "[Xunban] New work order"
    assert "巡办" not in text.body


def test_a_late_message_says_when_it_should_have_come_in_every_channel() -> None:
    assert "迟到的告知: 本应于 2026-11-02 09:00:00 发出。" in RENDERING.letter(letter(late=MONDAY)).body
    assert " 迟到的告知: " in RENDERING.letter(letter(late=MONDAY, channel="sms")).subject


def test_the_one_message_of_a_mass_incident_says_that_there_will_be_no_more_today() -> None:
    assert "同类案件今日已达 10 件" in RENDERING.letter(letter(mass=10)).body
    assert "10 cases alike today" in RENDERING.letter(letter(mass=10)).body


def test_a_digest_names_each_of_its_messages_with_its_case() -> None:
    warning = Letter("warned", CASE, "person:fang-yun", values_of(warned("handling"), appeal()), {})

    assert RENDERING.digest([letter(), warning], "zh").body == (
        "【巡办】汇总: 2 条告知\n"
        f"1. 新工单: 方芸: 县住建局有一件新工单, 请签收并办理。 (案件编号: {CASE})\n"
        f"2. 到期提醒: 方芸: 办理时限将于 2026-11-09 24:00 到期。 (案件编号: {CASE})\n"
    )


def test_a_deployment_may_put_its_own_template_before_ours_for_one_channel_and_language(tmp_path: Path) -> None:
    own = tmp_path / "sms" / "zh" / "dispatched.txt"
    own.parent.mkdir(parents=True)
    own.write_text("{{ unit.zh }}: 请登录系统签收 {{ case_id }}\n")

    text = Rendering(VIEW, tmp_path).letter(letter(channel="sms"))

    assert text.body.startswith(f"县住建局: 请登录系统签收 {CASE}\n\n[Xunban] New work order: ")


def test_a_template_of_a_deployment_cannot_reach_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "dispatched.txt").write_text("{{ unit.__class__.__mro__ }}")

    with pytest.raises(SecurityError):
        Rendering(VIEW, tmp_path).letter(letter(language="zh"))


@pytest.mark.parametrize("template", sorted(OF_DRAFTS))
def test_a_draft_is_told_with_its_number_and_who_made_and_who_ended_it(template: str) -> None:
    values = {"drafted_by": "he-jun", "ended_by": "qin-yue"}
    for channel, labels in (("file", ("\n草案编号: ", "\nDraft: ")), ("sms", (" 草案编号: ", " Draft: "))):
        text = RENDERING.letter(Letter(template, CASE, "person:qin-yue", values, {}, channel=channel)).body
        assert all(f"{label}{CASE}" in text for label in labels)
        assert ("贺军" in text, "秦越" in text) == (template == "draft_waiting", True)
    zh = RENDERING.digest([Letter(template, CASE, "person:qin-yue", values, {})], "zh").body
    assert f"(草案编号: {CASE})" in zh
