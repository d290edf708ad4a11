"""What may follow on what was published: versions rise, and days off that vanish are named."""

from copy import deepcopy
from typing import Any

import pytest

from libs.directory.findings import DocumentsRefused, Finding
from libs.directory.publish.apply import decide_apply
from libs.directory.publish.documents import read_documents
from tests.unit.directory.town import RAW, TOWN, appended, notices, refusals, ruled


def republished(raw: dict[str, Any]) -> tuple[Finding, ...]:
    """What is said when these documents follow on the town's."""
    return decide_apply(TOWN.latest, read_documents(raw)).findings


def year(**days: Any) -> dict[str, Any]:
    raw = deepcopy(RAW)
    raw["years"][2026] = days
    return raw


def said(findings: tuple[Finding, ...], path: str = "years.2026") -> list[str]:
    return [one.en for one in findings if one.path == path]


@pytest.mark.parametrize("version", [1, 0, -3])
def test_another_rulebook_needs_a_higher_version(version: int) -> None:
    with pytest.raises(DocumentsRefused) as refused:
        republished(ruled(version=version, restore_window="3h"))
    assert {(one.code, one.path) for one in refused.value.findings} == {("E-RULEBOOK", "rulebook.version")}


def test_a_version_never_goes_back() -> None:
    second = appended(TOWN, decide_apply(TOWN.latest, read_documents(ruled(version=2, restore_window="3h"))).changes)
    with pytest.raises(DocumentsRefused):
        decide_apply(second.latest, read_documents(RAW))


def test_the_same_content_again_is_no_change() -> None:
    assert decide_apply(TOWN.latest, read_documents(RAW)).changes == ()


@pytest.mark.parametrize("version", [0, -3])
def test_the_first_version_is_at_least_one(version: int) -> None:
    assert refusals(ruled(version=version)) == {"E-RULEBOOK rulebook.version"}


def test_a_year_with_one_holiday_is_published_and_the_days_that_are_no_longer_off_are_named() -> None:
    less, fewer = sorted(said(republished(year(off=["01-01"]))))

    assert "fewer than the statutory days: 1 of 13, without 05-01, 10-01, 10-02" in less
    assert fewer.startswith("no longer off: 01-02, 02-16, 02-17")


def test_a_first_calendar_is_compared_with_the_statutory_days() -> None:
    assert said(notices(year(off=["01-01"]))) == ["fewer than the statutory days: 1 of 13, without 05-01, 10-01, 10-02"]


def test_a_new_make_up_day_is_a_day_off_less() -> None:
    days = deepcopy(RAW["years"][2026])
    days["work"] = [*days["work"], "11-07"]
    assert "no longer off: 11-07" in said(republished(year(**days)))


def test_days_that_change_nothing_are_remarked() -> None:
    days = deepcopy(RAW["years"][2026])
    days |= {"off": [*days["off"], "11-08"], "work": [*days["work"], "11-11"]}
    assert said(republished(year(**days))) == ["off anyway: 11-08", "worked anyway: 11-11", "no longer off: 11-11"]


def test_more_days_off_are_published_without_a_word() -> None:
    days = deepcopy(RAW["years"][2026])
    days["off"] = [*days["off"], "11-06"]
    assert said(republished(year(**days))) == []
