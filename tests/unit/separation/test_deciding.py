"""SEP-15, SEP-09, SEP-07: who decides what a unit asked for, who rules on a dispute, which unit may help."""

from libs.events.ids import PersonId, UnitId
from libs.separation.powers import may_decide, may_rule
from libs.separation.routes import contributing
from tests.unit.directory.town import VIEW, local, published, written
from tests.unit.separation.parties import case

NOON = local("2026-11-05 12:00")
HOUSING, URBAN = UnitId("county-housing"), UnitId("county-urban")
ASKED = case(dispatchers={"chen-li": ("dispatched",)}, units=("county-housing",))


def test_the_dispatcher_who_sent_the_case_decides_its_return() -> None:
    assert may_decide(ASKED, PersonId("chen-li"), VIEW, NOON, HOUSING, asked_by=PersonId("fang-yun")) is None


def test_nobody_of_the_unit_decides_what_it_asked_for() -> None:
    breach = may_decide(ASKED, PersonId("ma-jun"), VIEW, NOON, HOUSING, asked_by=PersonId("fang-yun"))
    assert breach is not None
    assert (breach.rule, breach.code, breach.allowed) == ("SEP-15", "E-SEP-15", ("chen-li",))
    assert breach.evidence


def test_nobody_decides_his_own_request_through_another_account() -> None:
    """SEP-14: the second account has no post any more."""
    account = {"name_zh": "陈立", "name_en": "Chen Li", "same_as": "chen-li"}
    view = published(written("people", "id", "chen-li-2", **account)).latest
    breach = may_decide(ASKED, PersonId("chen-li"), view, NOON, HOUSING, asked_by=PersonId("chen-li-2"))
    assert breach is not None
    assert breach.rule == "SEP-15"


def test_who_handled_the_case_decides_no_return_of_it() -> None:
    handled = case(handlers={"chen-li": ("signed",)}, units=("county-housing",))
    breach = may_decide(handled, PersonId("chen-li"), VIEW, NOON, HOUSING)
    assert breach is not None
    assert (breach.rule, breach.evidence) == ("SEP-09", ("signed",))


def test_an_arbiter_outside_the_parties_rules_and_nobody_inside() -> None:
    parties = ("county-housing", "county-urban")
    assert may_rule(ASKED, PersonId("deng-hui"), VIEW, NOON, parties) is None
    breach = may_rule(ASKED, PersonId("tang-jing"), VIEW, NOON, parties)
    assert breach is not None
    assert (breach.rule, breach.allowed) == ("SEP-09", ("deng-hui",))
    inside = may_rule(ASKED, PersonId("deng-hui"), VIEW, NOON, (*parties, "county-staffing"))
    assert inside is not None
    assert inside.allowed == ()


def test_a_unit_helps_where_somebody_is_free_to_handle() -> None:
    assert contributing(URBAN, ASKED, VIEW, NOON) is None
    finders = dict.fromkeys(("tang-jing", "song-tao", "luo-yong"), ("found",))
    rejected = contributing(URBAN, case(discoverers=finders), VIEW, NOON)
    assert rejected is not None
    assert (rejected.rule, rejected.evidence) == ("SEP-07", ("found",))


def test_a_unit_whose_people_verified_the_case_does_not_help_to_handle_it() -> None:
    rejected = contributing(URBAN, case(verifiers={"song-tao": ("passed",)}), VIEW, NOON)
    assert rejected is not None
    assert (rejected.rule, rejected.evidence) == ("SEP-03", ("passed",))
