"""How documents are written: short forms, terms as dates, and every unreadable field refused by name."""

from typing import Any

import pytest

from libs.directory.findings import DocumentsRefused
from libs.directory.publish.documents import read_documents
from tests.unit.directory.town import RAW, local, ruled, written


def refused(raw: Any) -> list[str]:
    with pytest.raises(DocumentsRefused) as error:
        read_documents(raw)
    return [f"{one.path}: {one.zh}" for one in error.value.findings]


@pytest.mark.parametrize(
    ("limit", "readable"),
    [
        ("15min", True),
        ("24h", True),
        ("4wh", True),
        ("5wd", True),
        ("30d", True),
        ("none", True),
        ("refused", True),
        ("5 wd", False),
        ("-1wd", False),
        ("1.5h", False),
        ("wd", False),
        ("", False),
        ("5wd\n", False),
    ],
)
def test_a_limit_is_a_number_and_a_unit_or_none_or_refused(limit: str, readable: bool) -> None:
    raw = ruled(reopen_window=limit)
    if readable:
        rulebook = read_documents(raw).rulebook
        assert rulebook is not None
        assert rulebook.reopen_window == limit
    else:
        assert refused(raw) == ["rulebook.reopen_window: 格式不符合规定"]


def test_until_when_a_case_is_returned_stands_in_the_limits_alone() -> None:
    window = {"U1": "refused", "U2": "2h", "U3": "1wd", "U4": "1wd"}
    raw = ruled(returns={"window": window, "per_unit": 1, "per_case": 2})
    assert refused(raw) == ["rulebook.returns.window: 退单时限写在 limits.return_request"]


def test_one_limit_stands_for_all_urgencies() -> None:
    rulebook = read_documents(RAW).rulebook
    assert rulebook is not None
    assert rulebook.limits["archive"].model_dump() == {"U1": "5wd", "U2": "5wd", "U3": "5wd", "U4": "5wd"}


def test_a_term_given_as_dates_runs_from_midnight_to_midnight_of_the_rulebooks_zone() -> None:
    wang = next(one for one in read_documents(RAW).appointments if one.id == "wang-jianguo-grid")
    assert wang.since == local("2026-09-16 00:00")
    assert wang.until == local("2026-12-15 00:00")


def test_dates_without_a_rulebook_beside_them_use_the_zone_in_force() -> None:
    raw = {
        "appointments": [
            {"id": "a", "person": "p", "unit": "u", "role": "ADMIN", "since": "2026-03-08", "basis": "assigned"}
        ]
    }
    [there] = read_documents(raw, "America/New_York").appointments
    assert str(there.since) == "2026-03-08 05:00:00+00:00"


def test_a_term_may_end_at_an_instant() -> None:
    raw = written("appointments", "id", "li-fang-grid", until="2026-11-04T10:00:00+08:00")
    li_fang = next(one for one in read_documents(raw).appointments if one.id == "li-fang-grid")
    assert li_fang.until == local("2026-11-04 10:00")


def test_an_instant_without_a_zone_is_refused() -> None:
    raw = written("appointments", "id", "chen-li-dispatcher", until="2026-11-04T10:00:00")
    assert refused(raw) == ["appointments.1.until: 时间必须带时区"]


def test_a_closing_corner_that_repeats_the_first_is_dropped() -> None:
    raw = written("grids", "code", "G03", polygon=[[119.30, 32.10], [119.31, 32.10], [119.31, 32.11], [119.30, 32.10]])
    [grid] = [one for one in read_documents(raw).grids if one.code == "G03"]
    assert grid.polygon == ((1193000000, 321000000), (1193100000, 321000000), (1193100000, 321100000))


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        ({"unit": []}, "unit: 未知字段"),
        (written("units", "id", "county-gas", colour="red"), "units.9.colour: 未知字段"),
        (written("units", "id", "county-gas", kind="SHOP"), "units.9.kind: 取值不在允许范围内"),
        (written("appointments", "id", "chen-li-dispatcher", role="KING"), "appointments.1.role: 取值不在允许范围内"),
        (written("people", "id", "Li Fang", name_zh="李芳", name_en="Li Fang"), "people.50.id: 格式不符合规定"),
        (written("people", "id", "qiu-lan", name_en="Qiu Lan"), "people.50.name_zh: 缺少必填字段"),
        (written("grids", "code", "G03", polygon="everywhere"), "grids.0.polygon: 取值无效"),
        (written("grids", "code", "G03", polygon=[[119.3, 32.1]]), "grids.0.polygon: 数量不足"),
        (
            written("catalogue", "code", "gas-leak", limits={"naptime": "1wd"}),
            "catalogue.6.limits.naptime.[key]: 取值不在允许范围内",
        ),
        (ruled(separation={"strength": "lenient"}), "rulebook.separation.strength: 取值不在允许范围内"),
        (ruled(lamp={"yellow_ratio": "2/0", "long_red_ratio": "2"}), "rulebook.lamp.yellow_ratio: 格式不符合规定"),
        ({"years": {"2026": {"off": ["13-01"]}}}, "years.2026.off.0: 格式不符合规定"),
        ({"years": {"2026": {"off": ["02-30"]}}}, "off_days.0: 日期无效"),
        (ruled(clock={"tz": "Mars/Olympus"}), "rulebook.clock.tz: 时区未知"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(raw: dict[str, Any], refusal: str) -> None:
    assert refusal in refused(raw)


def test_a_refusal_repeats_no_value() -> None:
    with pytest.raises(DocumentsRefused) as error:
        read_documents(written("units", "id", "county-gas", kind="13912345678"))
    assert "13912345678" not in str(error.value.document())
    assert error.value.document()["code"] == "E-DIRECTORY"
