"""Drafts: one administrator drafts, another natural person publishes; the deployer founds a town, on the record."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from libs.directory.facts.directory import Directory
from libs.directory.facts.view import View
from libs.directory.findings import DocumentsRefused
from libs.directory.publish import drafts
from libs.directory.publish.documents import read_documents
from libs.directory.publish.drafts import (
    Act,
    Drafted,
    DraftEnded,
    DraftOutdated,
    InOffice,
    NeedsAnother,
    decide_bootstrap,
    decide_draft,
    decide_publication,
    decide_withdrawal,
    differences,
    drafts_of,
)
from libs.events.contracts.directory import AppointmentPublished, DraftMade, RulebookPublished
from libs.events.decider import Actor
from libs.events.envelope import Position, Recorded
from libs.events.errors import Forbidden, NotFound
from libs.events.event import Event
from libs.events.ids import DraftId, PersonId
from tests.unit.directory.town import RAW, TOWN, VIEW, appended, local, published, ruled, written

AT = local("2026-11-30 09:00")
HE_JUN = Actor(PersonId("he-jun"), "ADMIN")
QIN_YUE = Actor(PersonId("qin-yue"), "ADMIN")
DEPLOYER = Actor(PersonId("deployer"), "MACHINE", scopes=frozenset({"directory"}))
DRAFT = DraftId("0190f000-0000-7000-8000-000000000001")
WEAKER = {"rulebook": ruled(version=2, separation={"strength": "compatible"})["rulebook"]}


def facts(raw: dict[str, Any], by: Actor = HE_JUN) -> tuple[Event, ...]:
    return read_documents(raw, "Asia/Shanghai", by.person).events()


def recorded(events: Sequence[Event], first: int) -> list[Recorded]:
    """These events as lane 64 holds them, from this sequence number on."""
    return [
        Recorded(Position(64, seq, 1, AT, b"", b""), {"ce_id": f"e-{seq}"}, event, b"")
        for seq, event in enumerate(events, start=first)
    ]


def made(raw: dict[str, Any], by: Actor = HE_JUN, view: View = VIEW) -> Drafted:
    """The draft as the log tells it after it was made in this directory."""
    _, events = decide_draft(Act(view, by, AT), facts(raw, by), DRAFT, "县编办〔2026〕12号")
    return drafts_of(recorded(events, view.version + 1))[DRAFT]


def post(person: str, role: str = "OPERATOR", **more: Any) -> dict[str, Any]:
    where = {"unit": "suishan-centre", "since": "2026-03-01", "basis": "assigned"}
    return {"appointments": [{"id": f"{person}-new", "person": person, "role": role, **where, **more}]}


def test_what_one_administrator_drafted_another_publishes_and_both_are_named() -> None:
    plan, event = decide_publication(Act(VIEW, QIN_YUE, AT), made(WEAKER))
    [book] = plan.events
    assert isinstance(book, RulebookPublished)
    assert (book.separation.strength, book.drafted_by, book.approved_by) == ("compatible", "he-jun", "qin-yue")
    assert (event.drafted_by, event.published_by) == ("he-jun", "qin-yue")


def test_a_draft_names_nobody_who_has_not_acted() -> None:
    _, [event] = decide_draft(Act(VIEW, HE_JUN, AT), facts(WEAKER), DRAFT, "x")
    assert "approved_by" not in event.facts[0].data
    assert event.facts[0].data["drafted_by"] == "he-jun"


def test_nobody_publishes_his_own_draft_and_the_attempt_is_recorded() -> None:
    with pytest.raises(NeedsAnother) as refused:
        decide_publication(Act(VIEW, HE_JUN, AT), made(WEAKER))
    document = refused.value.document()
    assert (document["code"], document["rule_id"]) == ("E-FOUR-EYES", "SEP-15")
    assert document["allowed_actions"] == ["qin-yue"]
    assert document["evidence_event_ids"] == [f"e-{VIEW.version + 1}"]
    assert [event.ce_type for event in refused.value.events] == ["directory.draft-refused.v1"]


def test_another_account_of_the_drafter_is_the_drafter() -> None:
    """SEP-14: also where the account was found out only after the draft."""
    draft = made(WEAKER)
    alias = facts(written("people", "id", "qin-yue", same_as="he-jun"))
    since = appended(TOWN, tuple(("person-qin-yue", one) for one in alias if getattr(one, "id", "") == "qin-yue"))
    # The caller of the second account acts as the natural person behind it (callers.py).
    with pytest.raises(NeedsAnother):
        decide_publication(Act(since.latest, HE_JUN, AT), draft)


LONGER = written("appointments", "id", "qin-yue-admin", until="2027-12-31")


@pytest.mark.parametrize("raw", [post("qin-yue", "ADMIN"), {"appointments": LONGER["appointments"]}])
def test_nobody_publishes_his_own_appointment_nor_how_long_it_lasts(raw: dict[str, Any]) -> None:
    draft = made(raw)
    with pytest.raises(NeedsAnother):
        decide_publication(Act(VIEW, QIN_YUE, AT), draft)


def test_an_appointment_through_an_account_that_the_same_draft_opens_is_his_own() -> None:
    account = {"people": [{"id": "qy-2", "name_zh": "秦越", "name_en": "Qin Yue", "same_as": "qin-yue"}]}
    with pytest.raises(NeedsAnother):
        decide_publication(Act(VIEW, QIN_YUE, AT), made({**account, **post("qy-2", "ADMIN")}))


def test_nobody_publishes_which_accounts_are_his() -> None:
    account = {"people": [{"id": "qy-2", "name_zh": "秦越", "name_en": "Qin Yue", "same_as": "qin-yue"}]}
    known = appended(TOWN, tuple(("person-qy-2", one) for one in facts(account))).latest
    parted = {"people": [{**account["people"][0], "same_as": None}]}
    with pytest.raises(NeedsAnother):
        decide_publication(Act(known, QIN_YUE, AT), made(parted, view=known))


def test_a_name_put_right_may_be_published_by_whom_it_belongs_to() -> None:
    named = {"people": [{"id": "qin-yue", "name_zh": "秦越", "name_en": "Qin Yue (Ms)"}]}
    plan, _ = decide_publication(Act(VIEW, QIN_YUE, AT), made(named))
    assert plan.changed == ("PersonPublished qin-yue",)


@pytest.mark.parametrize("by", [Actor(PersonId("han-feng"), "SUPERVISOR"), DEPLOYER])
def test_only_administrators_draft_publish_and_withdraw(by: Actor) -> None:
    draft = made(WEAKER)
    with pytest.raises(Forbidden):
        decide_draft(Act(VIEW, by, AT), facts(WEAKER), DRAFT, "x")
    with pytest.raises(Forbidden):
        decide_publication(Act(VIEW, by, AT), draft)
    with pytest.raises(Forbidden):
        decide_withdrawal(draft, by)


def test_whoever_asks_for_a_draft_that_is_none_is_told_so() -> None:
    with pytest.raises(NotFound):
        decide_publication(Act(VIEW, QIN_YUE, AT), None)


def test_a_draft_ends_once() -> None:
    draft = made(WEAKER)
    _, done = decide_publication(Act(VIEW, QIN_YUE, AT), draft)
    taken_back = decide_withdrawal(draft, HE_JUN)
    _, events = decide_draft(Act(VIEW, HE_JUN, AT), facts(WEAKER), DRAFT, "x")
    for end in (done, taken_back):
        ended = drafts_of(recorded([*events, cast(Event, end)], VIEW.version + 1))[DRAFT]
        assert ended.state in ("PUBLISHED", "WITHDRAWN")
        for act in (
            lambda one: decide_publication(Act(VIEW, QIN_YUE, AT), one),
            lambda one: decide_withdrawal(one, HE_JUN),
        ):
            with pytest.raises(DraftEnded):
                act(ended)


def test_what_was_changed_since_the_draft_is_not_undone_by_it() -> None:
    draft = made({"people": [{"id": "li-fang", "name_zh": "李芳", "name_en": "Fang Li"}]})
    renamed = facts({"people": [{"id": "li-fang", "name_zh": "李芳", "name_en": "Li Fang (Ms)"}]})
    between = appended(
        TOWN.with_event(VIEW.version + 1, draft_event()), tuple(("person-li-fang", one) for one in renamed)
    )
    with pytest.raises(DraftOutdated) as refused:
        decide_publication(Act(between.latest, QIN_YUE, AT), draft)
    assert refused.value.allowed == ("PersonPublished li-fang",)


def draft_event() -> DraftMade:
    return DraftMade(draft=DRAFT, drafted_by=PersonId("he-jun"), basis="x", facts=())


def test_another_publication_elsewhere_leaves_the_draft_as_it_is() -> None:
    draft = made({"people": [{"id": "li-fang", "name_zh": "李芳", "name_en": "Fang Li"}]})
    other = facts({"people": [{"id": "qiu-lan", "name_zh": "邱兰", "name_en": "Qiu Lan"}]})
    between = appended(
        TOWN.with_event(VIEW.version + 1, draft_event()), tuple(("person-qiu-lan", one) for one in other)
    )
    plan, _ = decide_publication(Act(between.latest, QIN_YUE, AT), draft)
    assert plan.changed == ("PersonPublished li-fang",)


def test_what_could_not_be_published_is_not_drafted() -> None:
    with pytest.raises(DocumentsRefused) as refused:
        made(post("wang-jianguo", "REVIEWER"))
    assert {one.code for one in refused.value.findings} == {"E-APPT-CONFLICT"}


def test_a_town_keeps_two_administrators_or_nothing_could_be_published_any_more() -> None:
    ended = written("appointments", "id", "he-jun-admin", until="2026-11-29")
    with pytest.raises(DocumentsRefused) as refused:
        made({"appointments": ended["appointments"]})
    assert {one.code for one in refused.value.findings} == {"E-ADMINISTRATORS"}


def test_a_draft_that_says_nothing_new_is_none() -> None:
    plan, events = decide_draft(Act(VIEW, HE_JUN, AT), facts(RAW), DRAFT, "x")
    assert (plan.changes, events) == ((), ())


def test_a_document_does_not_say_whose_acts_it_was() -> None:
    with pytest.raises(DocumentsRefused) as refused:
        facts(ruled(drafted_by="he-jun", approved_by="qin-yue"))
    assert {one.path for one in refused.value.findings} == {"rulebook.drafted_by", "rulebook.approved_by"}


def test_a_large_draft_is_several_events_and_one_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "PART_BYTES", 2_000)
    people = [{"id": f"p-{number}", "name_zh": "某", "name_en": "Somebody"} for number in range(100)]
    _, events = decide_draft(Act(VIEW, HE_JUN, AT), facts({"people": people}), DRAFT, "x")
    assert len(events) > 3
    assert {(one.part, one.parts) for one in events} == {(n, len(events)) for n in range(1, len(events) + 1)}
    draft = drafts_of(recorded(events, VIEW.version + 1))[DRAFT]
    plan, _ = decide_publication(Act(VIEW, QIN_YUE, AT), draft)
    assert len(plan.created) == 100
    assert draft.made_of == VIEW.version + len(events)


def test_a_fact_that_no_record_could_carry_is_refused() -> None:
    corners = [[104.0 + number / 10_000_000, 30.0] for number in range(20_000)]
    grid = {**RAW["grids"][0], "code": "G99", "polygon": [*corners, [104.0, 31.0]]}
    with pytest.raises(DocumentsRefused) as refused:
        made({"grids": [grid]})
    assert {one.code for one in refused.value.findings} == {"E-TOO-LARGE"}


def test_the_difference_names_fields_before_and_after() -> None:
    [one] = differences(VIEW, made(WEAKER))
    assert (one["fact"], one["new"]) == ("RulebookPublished", False)
    told = {change["field"]: (change["before"], change["after"]) for change in one["changes"]}
    assert told["version"] == (1, 2)
    assert (told["separation"][0]["strength"], told["separation"][1]["strength"]) == ("standard", "compatible")
    assert "approved_by" not in told


def test_the_deployer_founds_an_empty_town_and_is_named() -> None:
    plan, event = decide_bootstrap(Act(Directory().latest, DEPLOYER, AT), facts(RAW, DEPLOYER), "合同 2026-7")
    assert (event.bootstrapped_by, event.facts) == ("deployer", len(plan.changes))
    [book] = [one for one in plan.events if isinstance(one, RulebookPublished)]
    assert (book.drafted_by, book.approved_by) == ("deployer", "deployer")


def test_a_town_is_not_founded_without_two_administrators() -> None:
    raw = {**RAW, "appointments": [one for one in RAW["appointments"] if one["id"] != "qin-yue-admin"]}
    with pytest.raises(DocumentsRefused) as refused:
        decide_bootstrap(Act(Directory().latest, DEPLOYER, AT), facts(raw, DEPLOYER), "x")
    assert {one.code for one in refused.value.findings} == {"E-ADMINISTRATORS"}


def test_two_accounts_of_one_person_are_one_administrator() -> None:
    alias = written("people", "id", "qin-yue", same_as="he-jun")
    with pytest.raises(DocumentsRefused) as refused:
        decide_bootstrap(Act(Directory().latest, DEPLOYER, AT), facts(alias, DEPLOYER), "x")
    assert {one.code for one in refused.value.findings} == {"E-ADMINISTRATORS"}


def test_where_administrators_are_in_office_the_deployer_does_nothing() -> None:
    with pytest.raises(InOffice) as refused:
        decide_bootstrap(Act(VIEW, DEPLOYER, AT), facts(post("chen-li", "ADMIN"), DEPLOYER), "x")
    assert refused.value.allowed == ("he-jun", "qin-yue")


def lost() -> View:
    """The town after one of its administrators has left."""
    raw = written("appointments", "id", "he-jun-admin", until="2026-11-29")
    return published(raw).latest


def test_a_town_that_lost_its_administrators_gets_new_ones_and_nothing_else() -> None:
    new = {"people": [{"id": "qiu-lan", "name_zh": "邱兰", "name_en": "Qiu Lan"}], **post("qiu-lan", "ADMIN")}
    plan, event = decide_bootstrap(Act(lost(), DEPLOYER, AT), facts(new, DEPLOYER), "x")
    assert event.facts == 2
    assert [one.role for one in plan.events if isinstance(one, AppointmentPublished)] == ["ADMIN"]
    with pytest.raises(DocumentsRefused) as refused:
        decide_bootstrap(Act(lost(), DEPLOYER, AT), facts({**new, **WEAKER}, DEPLOYER), "x")
    assert {one.code for one in refused.value.findings} == {"E-BOOTSTRAP"}


def test_no_person_bootstraps() -> None:
    with pytest.raises(Forbidden):
        decide_bootstrap(Act(Directory().latest, HE_JUN, AT), facts(RAW), "x")


def test_whoever_reads_a_draft_sees_that_a_webhook_changes_and_not_its_key() -> None:
    hook = {"channel": "webhook", "address": "https://hooks.example.org/bot?key=s3cret"}
    before = published(written("people", "id", "ma-jun", contacts=[hook])).latest
    other = {**hook, "address": hook["address"].replace("s3cret", "another")}
    person = {"id": "ma-jun", "name_zh": "马骏", "name_en": "Ma Jun", "contacts": [other]}
    [change] = differences(before, made({"people": [person]}, view=before))[0]["changes"]
    assert change["before"] != change["after"]
    assert change["after"][0]["address"].startswith("https://hooks.example.org/…")
    assert not any(key in str(change) for key in ("s3cret", "another"))
