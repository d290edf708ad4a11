"""Quiet hours, digests, late and overtaken messages, and the one message of a mass incident (rulebook.md d.5, e.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from libs.events.contracts.directory import ContactPoint
from libs.events.contracts.parts.rulebook import Messages, QuietHours
from services.notify.domain.lateness import Waited, day_of, held_until, likeness
from tests.unit.directory.town import local
from tests.unit.notify.cases import DUE, HOUSING, appeal

ZONE = ZoneInfo("Asia/Shanghai")
RULES = Messages(quiet=QuietHours(begins="21:30", ends="07:30"), digest_at=("08:30", "16:30"))
SMS = ContactPoint(channel="sms", address="13800000001")
MAIL = ContactPoint(channel="email", address="a@example.org")
DAILY = ContactPoint(channel="email", address="a@example.org", digest=True)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-02 21:29", None),
        ("2026-11-02 21:30", "2026-11-03 07:30"),
        ("2026-11-03 02:00", "2026-11-03 07:30"),
        ("2026-11-03 07:30", None),
    ],
)
def test_at_night_nobodys_telephone_rings(at: str, until: str | None) -> None:
    assert held_until(local(at), SMS, "U3", RULES, ZONE) == (local(until) if until else None)


@pytest.mark.parametrize("urgency", ["U1", "U2"])
@pytest.mark.parametrize("point", [SMS, DAILY])
def test_what_is_urgent_breaks_through_quiet_hours_and_digests(urgency: str, point: ContactPoint) -> None:
    assert held_until(local("2026-11-03 02:00"), point, urgency, RULES, ZONE) is None


def test_a_mail_at_night_disturbs_nobody() -> None:
    assert held_until(local("2026-11-03 02:00"), MAIL, "U3", RULES, ZONE) is None


def test_without_quiet_hours_in_the_rulebook_nothing_waits() -> None:
    assert held_until(local("2026-11-03 02:00"), SMS, "U3", Messages(), ZONE) is None


def test_who_wants_a_digest_waits_for_the_next_of_its_hours() -> None:
    assert held_until(local("2026-11-03 08:30"), DAILY, "U4", RULES, ZONE) == local("2026-11-03 16:30")
    assert held_until(local("2026-11-03 17:00"), DAILY, None, RULES, ZONE) == local("2026-11-04 08:30")


def test_many_alike_are_counted_within_a_local_day() -> None:
    assert day_of(local("2026-11-03 00:00"), ZONE) == day_of(local("2026-11-03 23:59"), ZONE)
    assert day_of(local("2026-11-03 00:00"), ZONE) == datetime(2026, 11, 2, 16, 0, tzinfo=UTC)


def test_alike_is_the_same_template_class_and_grid_and_never_a_citizens_or_a_danger_to_life() -> None:
    values = {"class_code": "manhole", "grid": "G03", "urgency": "U2"}

    assert likeness("person:chen-li", "file", "registered", values) == "file/registered/manhole/G03"
    assert likeness("person:chen-li", "file", "registered", values | {"urgency": "U1"}) is None
    assert likeness("reporter", "file", "registered", values) is None
    assert likeness("person:ma-jun", "file", "supervised", values) is None


NOON = local("2026-11-03 12:00")
CLOCK = {"clock": "handling", "due_at": "2026-11-09T16:00:00.000000Z", "unit": str(HOUSING), "round": "1"}


def waited(template: str, minutes: int = 31, recipient: str = "person:zheng-kai", **known: Any) -> Waited:
    """A message of noon that is looked at so many minutes later."""
    facts: dict[str, Any] = {
        "values": CLOCK,
        "due_at": NOON,
        "send_at": None,
        "now": NOON + timedelta(minutes=minutes),
    } | known
    return Waited(template=template, recipient=recipient, patience=timedelta(minutes=30), **facts)


def test_a_message_is_late_half_an_hour_after_it_was_due() -> None:
    assert not waited("closed", minutes=30).late
    assert waited("closed", minutes=31).late


def test_time_in_which_it_was_held_on_purpose_is_not_late_but_the_matter_is_judged_again() -> None:
    held = waited("closed", minutes=120, send_at=NOON + timedelta(hours=2))

    assert (held.late, held.judged_again) == (False, True)


@pytest.mark.parametrize(
    ("template", "still_asked", "overtaken"),
    [
        ("registered", {"state": "REGISTERED"}, {"state": "DISPATCHED"}),
        ("dispatched", {"state": "DISPATCHED"}, {"state": "DISPATCHED", "unit": "county-water"}),
        ("dispatched", {"state": "IN_PROGRESS"}, {"state": "WITHDRAWN"}),
        ("relieved", {"state": "IN_PROGRESS", "handler": "ma-jun"}, {"state": "IN_PROGRESS", "handler": "zheng-kai"}),
        ("assigned", {"state": "IN_PROGRESS", "handler": "zheng-kai"}, {"state": "IN_PROGRESS", "handler": "ma-jun"}),
        ("verify", {"state": "VERIFYING", "verifier": "zheng-kai"}, {"state": "CALLBACK", "verifier": "zheng-kai"}),
        ("feedback", {"state": "FEEDBACK"}, {"state": "CLOSED"}),
        ("rework", {"state": "IN_PROGRESS", "round": 1}, {"state": "IN_PROGRESS", "round": 2}),
        ("deciding_unit", {"state": "ARBITRATION"}, {"state": "DISPATCHED"}),
    ],
)
def test_what_asks_for_something_is_overtaken_when_it_is_done_or_asked_of_another(
    template: str, still_asked: dict[str, Any], overtaken: dict[str, Any]
) -> None:
    assert not waited(template).overtaken(appeal(**still_asked), {})
    assert waited(template).overtaken(appeal(**overtaken), {})


def test_a_reminder_is_overtaken_when_its_clock_has_stopped_or_got_more_time() -> None:
    case = appeal(state="IN_PROGRESS")

    assert not waited("warned").overtaken(case, {"handling": DUE})
    assert waited("warned").overtaken(case, {})
    assert waited("warned").overtaken(case, {"handling": DUE + timedelta(days=1)})


@pytest.mark.parametrize("template", ["closed", "not_accepted", "answered", "supervised", "violation", "escalated"])
def test_what_informs_is_never_overtaken(template: str) -> None:
    assert not waited(template).overtaken(appeal(state="CLOSED"), {})
