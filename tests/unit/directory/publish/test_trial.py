"""Nothing that a reader cannot carry out is published: every rule is carried out before."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

from libs.directory.publish.trial import COUNTS, LIMITS, SHARES, SPANS, setting
from libs.events.contracts.directory import RulebookPublished
from libs.events.contracts.parts.rulebook import Days, Limit, Share, Term
from tests.unit.directory.town import RAW, VIEW, refusals, ruled, written

BOOK = RAW["rulebook"]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The town's documents with one setting of the rulebook changed."""
    raw = deepcopy(RAW)
    *parts, name = path.split(".")
    at = raw["rulebook"]
    for part in parts:
        at = at.setdefault(part, {})
    at[name] = value
    return raw


@pytest.mark.parametrize("limit", ["0wd", "0h", "0min", "100000wd", "100000min", "99999999999999999999d"])
@pytest.mark.parametrize("place", ["limits.dispatch.U3", "limits.screening.U4", "handling.complaint.U1"])
def test_a_limit_that_cannot_be_counted_is_refused_where_it_stands(limit: str, place: str) -> None:
    assert refusals(changed(place, limit)) == {f"E-RULEBOOK rulebook.{place}"}


@pytest.mark.parametrize("limit", ["none", "refused", "1min", "99999min", "9999wd", "007wd"])
def test_a_limit_that_can_be_counted_is_published(limit: str) -> None:
    assert refusals(changed("limits.dispatch.U3", limit)) == set()


@pytest.mark.parametrize("path", LIMITS)
def test_a_single_limit_that_cannot_be_read_is_refused(path: str) -> None:
    assert refusals(changed(path, "100000wd")) == {f"E-RULEBOOK rulebook.{path}"}


@pytest.mark.parametrize("path", sorted(COUNTS.keys() - {"clock.hours_per_workday", "clock.minutes_per_workday"}))
def test_a_count_has_a_least_and_a_most(path: str) -> None:
    least, most = COUNTS[path]
    below = "E-INPUT" if path == "messages.late_after_minutes" else "E-RULEBOOK"
    assert refusals(changed(path, least - 1)) == {f"{below} rulebook.{path}"}
    assert refusals(changed(path, most + 1)) == {f"E-RULEBOOK rulebook.{path}"}


@pytest.mark.parametrize("path", ["separation.closing_sample", "three_rates.basically_satisfied"])
@pytest.mark.parametrize("share", ["1.01", "3/2"])
def test_a_share_is_no_more_than_the_whole(path: str, share: str) -> None:
    assert refusals(changed(path, share)) == {f"E-RULEBOOK rulebook.{path}"}


@pytest.mark.parametrize(
    ("yellow", "long_red"), [("0", "2"), ("3/2", "2"), ("2/3", "0"), ("2/3", "1"), ("0/7", "2"), ("2/3", "0.99")]
)
def test_a_lamp_turns_yellow_within_the_limit_and_long_red_beyond_it(yellow: str, long_red: str) -> None:
    raw = ruled(lamp={"yellow_ratio": yellow, "long_red_ratio": long_red})
    assert refusals(raw) == {"E-RULEBOOK rulebook.lamp"}


def test_a_lamp_whose_long_red_lies_beyond_every_calendar_is_refused_at_the_limits_that_it_breaks() -> None:
    found = refusals(ruled(lamp={"yellow_ratio": "2/3", "long_red_ratio": "1000000000"}))
    assert "E-RULEBOOK rulebook.handling.complaint.U3" in found


@pytest.mark.parametrize("span", ["0d", "100000d", "99999999999999999999999d"])
def test_a_span_of_days_is_one_that_a_calendar_holds(span: str) -> None:
    assert refusals(changed("separation.dual_hat_max", span)) == {"E-RULEBOOK rulebook.separation.dual_hat_max"}


@pytest.mark.parametrize("zone", ["", "Asia", "Nowhere/Town", "../zoneinfo"])
def test_a_time_zone_is_one_that_exists(zone: str) -> None:
    (found,) = refusals(ruled(clock=BOOK["clock"] | {"tz": zone}))
    assert found in ("E-INPUT rulebook.clock.tz", "E-RULEBOOK rulebook.clock")


def test_levels_are_named_once_each() -> None:
    assert "E-RULEBOOK rulebook.levels" in refusals(ruled(levels=[*BOOK["levels"], "TOWN"]))


@pytest.mark.parametrize("condition", ["0wd", "100000h"])
def test_limits_of_a_class_and_of_its_filing_conditions_are_tried_too(condition: str) -> None:
    own = written("catalogue", "code", "manhole", handling={"city_management": condition}, limits={"sign": condition})
    row = [f"handling.city_management.U{n}" for n in range(1, 5)] + [f"limits.sign.U{n}" for n in range(1, 5)]
    assert refusals(own) == {f"E-RULEBOOK catalogue.manhole.{one}" for one in row}

    (manhole,) = [one for one in RAW["catalogue"] if one["code"] == "manhole"]
    first, *others = manhole["filing_conditions"]
    filed = written("catalogue", "code", "manhole", filing_conditions=[first | {"limit": condition}, *others])
    place = f"catalogue.manhole.filing_conditions.{first['id']}"
    assert refusals(filed) == {f"E-RULEBOOK {place}.limit"}


@pytest.mark.parametrize("until", ["9999-12-30", "9999-12-31", "2999-06-01"])
def test_a_term_ends_where_every_zone_can_show_it(until: str) -> None:
    assert refusals(written("appointments", "id", "chen-li-dispatcher", until=until)) <= {
        "E-APPT-TERM appointments.chen-li-dispatcher",
        "E-INPUT appointments.12.until",
        "E-INPUT appointments.1.until",
    }
    assert refusals(written("appointments", "id", "chen-li-dispatcher", until=until))


def test_a_calendar_is_of_these_times() -> None:
    raw = deepcopy(RAW)
    raw["years"][9999] = {"off": ["01-01"]}
    assert refusals(raw) == {"E-CALENDAR years.9999"}


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object]]:
    """Every setting with its type; rows of limits are judged as wholes."""
    for name, kind in get_type_hints(model, include_extras=True).items():
        if name == "model_config" or name.startswith(("_", "model_")) or name not in model.model_fields:
            continue
        parts = [one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)]
        if parts and "dict" not in str(kind):
            yield from leaves(parts[0], f"{path}{name}.")
        else:
            yield f"{path}{name}", kind


def test_every_number_and_every_text_that_is_counted_with_is_tried() -> None:
    found = {path: kind for path, kind in leaves(RulebookPublished) if not path.startswith("returns.window.")}

    assert {path for path, kind in found.items() if kind is int} == set(COUNTS)
    assert {path for path, kind in found.items() if kind in (Limit, Term)} == set(LIMITS)
    lamp = {"lamp.yellow_ratio", "lamp.long_red_ratio"}
    assert {path for path, kind in found.items() if kind == Share} - lamp == set(SHARES)
    assert {path for path, kind in found.items() if kind == Days} <= set(SPANS)
    assert all(setting(VIEW, path) is not None for path in (*COUNTS, *LIMITS, *SHARES, *SPANS))
