"""Every setting that a town may publish is read by somebody, or stands in the table of those without effect yet."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from libs.case.facts import Facts
from libs.case.state import Case
from libs.case.testing import given
from libs.directory.facts.directory import stream_of
from libs.directory.facts.view import View
from libs.directory.publish.checks import findings_of
from libs.directory.publish.documents import SIGNED
from libs.directory.publish.succession import succession_findings
from libs.directory.rules import no_effect
from libs.directory.rules.calendar import Limit, due
from libs.directory.rules.contacts import points_of, rules_of
from libs.directory.rules.lamps import Counted, LampRule, lamp_turns
from libs.directory.rules.leads import lead_candidates
from libs.directory.rules.limits import URGENCIES, Urgency, handling_limit, stage_limit
from libs.directory.rules.naming import Naming
from libs.directory.rules.work_calendar import calendar_at
from libs.events.contracts.directory import CatalogueItemPublished, ContactPoint, Power, RulebookPublished
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.parts.rulebook import Kind, PerUrgency, QuietHours, Stage
from libs.events.errors import Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode
from libs.separation.rules import village_restricted
from services.intake.domain.case_state import State
from services.intake.domain.decider import DECIDER as INTAKE
from services.intake.domain.duplicates import grids_near
from services.intake.domain.reception import Place, ReportGridEvent
from services.intake.domain.withdrawal import is_public
from services.notify.domain.lateness import held_until, mass_of, patience
from services.routing.domain.decider import DECIDER as ROUTING
from services.routing.domain.dispatch import returnable_until
from services.routing.domain.returns import RequestReturn
from services.routing.domain.route import propose
from services.supervision.api.alarms import received_by
from services.supervision.domain.clocks.pinned_rules import lamp_rule, levels, limits_of
from services.supervision.domain.closing.callback import RecordCallback
from services.supervision.domain.closing.review import ReviewFeedback
from services.supervision.domain.decider import DECIDER as SUPERVISION
from tests.unit.directory.town import TOWN, VIEW, appended, local
from tests.unit.intake.domain.test_withdrawal import NO_WATER, withdraw
from tests.unit.routing import disputes
from tests.unit.routing import givens as routing
from tests.unit.supervision import cases as supervision

AT = local("2026-11-03 10:00")
EVENING = local("2026-11-03 21:45")
KINDS: tuple[Kind, ...] = get_args(Kind)
STAGES: tuple[Stage, ...] = get_args(Stage)
Observed = Callable[[View], object]


# A town with one setting changed, unasked: what publication would say of it is tested elsewhere.


def with_facts(*events: Event) -> View:
    return appended(TOWN, tuple((stream_of(event), event) for event in events)).latest


def changed(event: Any, path: str, value: Any) -> Any:
    """The fact with another value at a path, everywhere where a list stands on the way."""
    document = event.model_dump(mode="json")
    _set(document, path.split("."), value)
    return type(event).model_validate(document)


def _set(at: Any, steps: list[str], value: Any) -> None:
    step, *rest = steps
    for one in at if isinstance(at, list) else [at]:
        if rest:
            one[step] = one.get(step) or {}
            _set(one[step], rest, value)
        else:
            one[step] = value


BROAD = VIEW.catalogue("manhole")
assert BROAD is not None
ANY = BROAD.model_copy(
    update={
        "code": ClassCode("any-matter"),
        "kinds": KINDS,
        "limits": {stage: PerUrgency(U1="1h", U2="1h", U3="1h", U4="1h") for stage in STAGES},
        "handling": {kind: PerUrgency(U1="1h", U2="1h", U3="1h", U4="1h") for kind in KINDS},
        "powers": (Power(unit=routing.HOUSING, basis="县住建局职责清单", since=AT - timedelta(days=9), until=None),),
    }
)
"""A class that says everything a class may say."""
QUIET = VIEW.rulebook.model_copy(
    update={"messages": VIEW.rulebook.messages.model_copy(update={"quiet": QuietHours(begins="21:30", ends="07:30")})}
)
"""The rulebook with hours of peace."""
PLAIN = ANY.model_copy(update={"code": ClassCode("plain-matter"), "limits": {}, "handling": {}})


def case(urgency: Urgency = "U3", code: str = "plain-matter", kind: Kind = "complaint") -> Case:
    found = supervision.facts(*supervision.APPEALED_BY_A_CITIZEN).case
    assert found is not None
    return found.model_copy(update={"urgency": urgency, "class_code": code, "kind": kind, "filing_condition": None})


def answered(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except Rejected as refusal:
        return refusal.code


# What people get to see of a setting


def handled(kind: Kind, urgency: Urgency, code: str = "plain-matter", condition: str | None = None) -> Observed:
    return lambda view: answered(lambda: handling_limit(view, ClassCode(code), kind, urgency, condition))


def own_limit(stage: Stage, urgency: Urgency) -> Observed:
    return lambda view: stage_limit(view, stage, urgency, ClassCode("any-matter"))


def clocks(urgency: Urgency) -> Observed:
    return lambda view: [limits_of(clock, case(urgency), urgency, view) for clock in CLOCKS]


def return_window(urgency: Urgency) -> Observed:
    return lambda view: returnable_until(case(urgency), AT, view)


def lamps_and_ladder(view: View) -> object:
    return [(lamp_rule(view, urgency), levels(view, urgency)) for urgency in URGENCIES]


def counted(view: View) -> object:
    """Due instants and the yellow lamp, by the working day."""
    calendar, found = calendar_at(view), []
    for text in ("2wd", "9wh", "3d"):
        limit = Limit.parse(text)
        assert limit is not None
        ends = due(AT, limit, calendar)
        found.append(
            (
                ends,
                lamp_turns(Counted(AT, after_due=False, due_at=ends, limit=limit, gaps=()), calendar, LampRule("U3")),
            )
        )
    return found


def found_at_publication(view: View) -> object:
    return {(one.code, one.path) for one in (*findings_of(view), *succession_findings(VIEW, view))}


def returned(*own: Event) -> Observed:
    def ask(view: View) -> object:
        known = routing.facts(*disputes.log(*own), view=view)
        request = RequestReturn(disputes.FIVE, routing.FANG_YUN, disputes.DUTY, routing.WATER)
        decided = given(ROUTING, *own).when(request, known)
        return [type(one) for one in decided.events], decided.refusal and decided.refusal.code

    return ask


def called_back(view: View) -> object:
    log = (
        *supervision.APPEALED_BY_A_CITIZEN,
        (supervision.NOON, supervision.ACCEPTED),
        (supervision.NOON, supervision.PASSED),
    )
    own: list[Event] = [supervision.ACCEPTED, supervision.PASSED]
    answers = []
    for at in ("2026-11-11 09:00", "2026-11-11 10:00", "2026-11-12 09:00", "2026-11-12 15:00", "2026-11-13 09:00"):
        known = replace(supervision.facts(*log), directory=view)
        decided = given(SUPERVISION, *own).when(RecordCallback(local(at), supervision.XU_JING, None), known)
        own += decided.events
        answers.append(([type(one) for one in decided.events], decided.refusal and decided.refusal.code))
    return answers


def withdrawn(view: View) -> object:
    return given(INTAKE, NO_WATER).when(withdraw(), Facts(None, view)).events


def near(view: View) -> object:
    """A point three hundred metres west of G04, as it is looked for duplicates."""
    return grids_near(Place(None, 1_193_070_000, 321_050_000), view, AT)


def held(digest: bool, channel: Literal["file", "webhook", "email", "sms"] = "sms") -> Observed:
    point = ContactPoint(channel=channel, digest=digest)
    return lambda view: held_until(EVENING, point, "U3", rules_of(view), Naming(view).zone)


def routed(view: View) -> object:
    return propose(case(code="any-matter"), view, AT)


def led(view: View) -> object:
    item, grid = view.catalogue("any-matter"), view.grid("G03")
    assert item
    assert grid
    return lead_candidates(view, item, grid, AT)


def reviewed(view: View) -> object:
    known = supervision.facts(*supervision.APPEALED_BY_A_CITIZEN)
    assert known.case is not None
    here = replace(known, case=known.case.model_copy(update={"class_code": "any-matter"}), directory=view)
    return given(SUPERVISION).when(ReviewFeedback(supervision.NOON, supervision.WU_QIAN, accepted=True), here).events


def reported(view: View) -> object:
    by, place = supervision.LI_FANG_ACTING, Place(None, *supervision.IN_G03)
    command = ReportGridEvent(AT, by, "city_management", ClassCode("any-matter"), "井盖破损", place)
    decided = given(INTAKE).when(command, Facts(None, view))
    return decided.refusal and decided.refusal.code


def endorsed(view: View) -> object:
    own = (disputes.PROPOSED, disputes.SENT)
    known = routing.facts(*disputes.log(*own), view=view)
    assert known.case is not None
    known = replace(known, case=known.case.model_copy(update={"class_code": "any-matter"}))
    request = RequestReturn(disputes.FIVE, routing.FANG_YUN, disputes.DUTY, routing.WATER)
    return [type(one) for one in given(ROUTING, *own).when(request, known).events]


CLOCKS: tuple[Clock, ...] = get_args(Clock)
OF_CASES: tuple[Stage, ...] = ("dispatch", "sign", "first_contact", "rework", "return_decision", "arbitration")
AFTER_FEEDBACK: tuple[Stage, ...] = ("review", "verification", "callback", "close", "supervision_response")
CLOCKED = OF_CASES + AFTER_FEEDBACK
RULES: dict[str, tuple[object, Observed]] = {
    **{f"limits.{stage}.{urgency}": ("3min", clocks(urgency)) for stage in CLOCKED for urgency in URGENCIES},
    **{f"limits.return_request.{urgency}": ("3min", return_window(urgency)) for urgency in URGENCIES},
    "limits.screening.U4": ("3min", lambda view: received_by(AT, view)),
    **{f"handling.{kind}.{urgency}": ("3min", handled(kind, urgency)) for kind in KINDS for urgency in URGENCIES},
    "version": (0, found_at_publication),
    "levels": (["CITY", "COUNTY", "TOWN"], found_at_publication),
    "separation.strength": ("compatible", village_restricted),
    "separation.dual_hat_max": ("30d", found_at_publication),
    "clock.tz": ("Asia/Tokyo", counted),
    "clock.windows": (["08:00-10:00", "14:00-20:00"], counted),
    "clock.hours_per_workday": (7, counted),
    "clock.minutes_per_workday": (30, counted),
    "clock.day_end": ("COB", counted),
    "returns.per_unit": (2, returned(disputes.PROPOSED, disputes.SENT, disputes.ASKED, disputes.REJECTED)),
    "returns.per_case": (0, returned(disputes.PROPOSED, disputes.SENT)),
    "callback.attempts": (2, called_back),
    "callback.distinct_half_days": (False, called_back),
    "callback.within": ("3min", clocks("U3")),
    "restore_window": ("5h", withdrawn),
    **{f"lamp.{name}": (share, lamps_and_ladder) for name, share in (("yellow_ratio", "1/2"), ("long_red_ratio", "3"))},
    **{f"{name}.L{n}": (99, lamps_and_ladder) for name in ("ladder_wd", "ladder_h") for n in (2, 3, 4, 5)},
    "cluster.cluster": (3, lambda view: mass_of(2, view)),
    "cluster.radius_m": (900, near),
    "messages.quiet.begins": ("22:00", held(digest=False)),
    "messages.quiet.ends": ("06:30", held(digest=False)),
    "messages.quiet.channels": (["email"], held(digest=False)),
    "messages.digest_at": (["22:30"], held(digest=True)),
    "messages.late_after_minutes": (45, lambda view: patience(rules_of(view))),
    "messages.reporter": (["sms"], lambda view: points_of("reporter", view)),
    "messages.without_contact": ("email", lambda view: points_of("person:li-fang", view)),
}
"""Setting of the rulebook → another value, and what changes with it."""
SERVED: tuple[Stage, ...] = (*CLOCKED, "return_request")
CONDITION = "manhole-broken"
OF_CLASSES: dict[str, tuple[object, Observed]] = {
    "code": ("another-matter", lambda view: view.catalogue("any-matter") == ANY),
    "name_zh": ("别的", lambda view: Naming(view).matter("any-matter")),
    "name_en": ("Another", lambda view: Naming(view).matter("any-matter")),
    "kinds": (["help"], handled("complaint", "U3", "any-matter")),
    "self_governance": (True, found_at_publication),
    "dispatch": ("auto", routed),
    "endorsement": (["return"], endorsed),
    "leads.unit": ("county-urban", led),
    "leads.of_grid": ("town", led),
    "leads.area": ("32", led),
    "powers.unit": ("county-urban", routed),
    "powers.basis": ("另一依据", routed),
    "powers.since": ("2027-01-01T00:00:00Z", routed),
    "powers.until": ("2026-01-01T00:00:00Z", routed),
    "verification": (False, reviewed),
    "callback": (False, reviewed),
    "photo_exempt": (True, reported),
    "safety": (True, lambda view: is_public(State(class_code=ClassCode("any-matter")), view)),
    "until": ("2026-01-01T00:00:00Z", reported),
    "succeeded_by": ("manhole", lambda view: view.living_class("any-matter", AT)),
    "filing_conditions.id": ("other", handled("complaint", "U3", "any-matter", CONDITION)),
    "filing_conditions.limit": ("3min", handled("complaint", "U3", "any-matter", CONDITION)),
    **{f"limits.{stage}.{urgency}": ("3min", own_limit(stage, urgency)) for stage in SERVED for urgency in URGENCIES},
    **{
        f"handling.{kind}.{urgency}": ("3min", handled(kind, urgency, "any-matter"))
        for kind in KINDS
        for urgency in URGENCIES
    },
}
"""The same of a class of matter."""


@pytest.mark.parametrize("path", RULES)
def test_a_setting_of_the_rulebook_changes_what_is_done(path: str) -> None:
    value, observed = RULES[path]
    book = QUIET if path.startswith("messages.quiet") else VIEW.rulebook
    assert observed(with_facts(PLAIN, changed(book, path, value))) != observed(with_facts(PLAIN, book))


@pytest.mark.parametrize("path", OF_CLASSES)
def test_a_setting_of_a_class_changes_what_is_done(path: str) -> None:
    value, observed = OF_CLASSES[path]
    item = ANY
    if path == "self_governance":
        item = changed(changed(ANY, "leads", [{"of_grid": "village"}]), "powers", [])
    if path == "succeeded_by":
        item = changed(ANY, "until", "2026-01-01T00:00:00Z")
    if path == "leads.of_grid":
        item = changed(ANY, "leads", [{"of_grid": "village"}])
    assert observed(with_facts(changed(item, path, value))) != observed(with_facts(item))


# All settings


def leaves(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every setting of a fact by its path; one that can have one value only is none."""
    for name, kind in get_type_hints(model).items():
        if name in model.model_fields:
            yield from _of(kind, f"{path}{name}")


def _of(kind: Any, path: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from leaves(kind, f"{path}.")
    elif get_origin(kind) is dict:
        keys, values = get_args(kind)
        for key in get_args(keys):
            yield from _of(values, f"{path}.{key}")
    elif models := [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)]:
        yield from leaves(models[0], f"{path}.")
    elif get_origin(kind) is not Literal or len(get_args(kind)) > 1:
        yield path


OLDER = ("returns.window.",)
"""Read from older logs, and refused in documents."""
# Who drafted and published a rulebook is said by their acts (rulebook.md b.1): SIGNED are no settings.
SHOWN = {"filing_conditions.name_zh", "filing_conditions.name_en"}
"""Names that the operator chooses by (the console's `choices`), and no rule reads."""


@pytest.mark.parametrize(
    ("fact", "effective", "table"),
    [(RulebookPublished, RULES, no_effect.RULEBOOK), (CatalogueItemPublished, OF_CLASSES, no_effect.CLASSES)],
)
def test_every_setting_has_an_effect_or_says_that_it_has_none(fact: type[Event], effective: Any, table: Any) -> None:
    all_of_them = {path for path in leaves(fact) if not path.startswith(OLDER)} - SHOWN - set(SIGNED)
    in_vain = {path for path in all_of_them if no_effect.waits_for(table, path)}

    assert in_vain & set(effective) == set(), "what has an effect is not said to have none"
    assert all_of_them - in_vain == set(effective)


def test_the_table_names_settings_that_there_are() -> None:
    for fact, table in ((RulebookPublished, no_effect.RULEBOOK), (CatalogueItemPublished, no_effect.CLASSES)):
        known = list(leaves(fact))
        assert [path for path in table if not any(f"{leaf}.".startswith(f"{path}.") for leaf in known)] == []
