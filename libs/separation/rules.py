"""SEP-01 … SEP-04, 06, 09, 12, 14, 15 in words of code: every reason why a person may not use a power. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from libs.directory.facts.view import View, appointment_evidence
from libs.events.ids import PersonId, UnitId
from libs.separation.acts import Act, Breach, CaseParties, Used

Breaches = Iterator[Breach]
Closing = Literal["review", "callback", "close"]


def discovering(act: Act) -> Breaches:
    """Reporting, screening, pre-checking."""
    yield from _did(
        act, act.case.handlers, "SEP-01", "办理过本案的人员不得再任发现人", "a handler may not become a finder"
    )


def dispatching(act: Act) -> Breaches:
    """Proposing by hand, dispatching, deciding a return, ruling on a dispute."""
    case = act.case
    yield from _did(act, case.handlers, "SEP-09", "办理过本案的人员不得派遣", "a handler may not dispatch")
    yield from _did(act, case.verifiers, "SEP-09", "核实过本案的人员不得派遣", "a verifier may not dispatch")
    yield from _did(act, case.discoverers, "SEP-09", "不得派遣本人上报的案件", "nobody dispatches what he reported")
    if act.strength == "strict":
        yield from _did(act, case.closers, "SEP-09", "审核结案过本案的人员不得派遣", "a closer may not dispatch")


def deciding(act: Act, unit: UnitId, asked_by: PersonId | None) -> Breaches:
    """Deciding what `unit` asked for: nobody approves his own request or that of a unit he serves in (SEP-15)."""
    yield from dispatching(act)
    if asked_by is not None and act.view.natural(asked_by) == act.view.natural(act.actor):
        yield Breach("SEP-15", "不得审批本人的申请", "nobody decides his own request")
    zh, en = "申请单位的人员不得审批本单位的申请", "staff of the unit may not decide what the unit asked for"
    yield from _serves(act, (unit,), "SEP-15", zh, en)


def ruling(act: Act, parties: tuple[str, ...]) -> Breaches:
    """Ruling on disputed responsibility: the arbiter's unit is no party (SEP-09)."""
    yield from dispatching(act)
    zh, en = "裁定人所在单位不得为争议一方", "the arbiter's unit may not be a party"
    yield from _serves(act, parties, "SEP-09", zh, en)


def handling(act: Act, units: tuple[UnitId, ...]) -> Breaches:
    """Signing, assigning, contacting as handler, acting, reporting, asking and endorsing – for `units`."""
    case = act.case
    yield from _did(act, case.discoverers, "SEP-01", "发现人不得办理本人发现的案件", "a finder may not handle")
    yield from _patrols(act, units)
    yield from _did(act, case.verifiers, "SEP-03", "核实过本案的人员不得办理", "a verifier may not handle")
    yield from _did(act, case.closers, "SEP-04", "审核、回访或结案过本案的人员不得办理", "a closer may not handle")
    yield from _did(act, case.dispatchers, "SEP-09", "派遣过本案的人员不得办理", "a dispatcher may not handle")


def endorsing(act: Act, units: tuple[UnitId, ...], asked_by: PersonId | None) -> Breaches:
    """A leader's word for what his unit sends: a handling power, and never for his own draft (SEP-15)."""
    yield from handling(act, units)
    if asked_by is not None and act.view.natural(asked_by) == act.view.natural(act.actor):
        yield Breach("SEP-15", "不得审签本人起草的退单或反馈", "nobody endorses what he drafted himself")


def verifying(act: Act) -> Breaches:
    """Checking on site. The discoverer may (d.2 #1), but not with a dual hat."""
    case = act.case
    yield from _did(act, case.handlers, "SEP-03", "办理过本案的人员不得核实", "a handler may not verify")
    yield from _belongs(act, "SEP-03", "承办单位的人员不得核实", "staff of a handling unit may not verify")
    yield from _dual_hatted(act)
    yield from _did(act, case.dispatchers, "SEP-09", "派遣过本案的人员不得核实", "a dispatcher may not verify")


def closing(act: Act, power: Closing) -> Breaches:
    """Reviewing feedback, calling back, closing. A dispatcher never closes; `strict` keeps him from all three."""
    zh, en = "办理过本案的人员不得审核、回访或结案", "a handler may not review, call back or close"
    yield from _did(act, act.case.handlers, "SEP-04", zh, en)
    zh, en = "承办单位的人员不得审核、回访或结案", "staff of a handling unit may not review, call back or close"
    yield from _belongs(act, "SEP-04", zh, en)
    if power == "close" or act.strength == "strict":
        zh, en = "派遣过本案的人员不得审核或结案", "a dispatcher may not review or close"
        yield from _did(act, act.case.dispatchers, "SEP-09", zh, en)


def dual_hats(case: CaseParties, units: tuple[str, ...], view: View, at: datetime) -> tuple[PersonId, ...]:
    """SEP-06: discoverers who hold an appointment in a handling unit; the case is flagged, its check goes elsewhere."""
    finders = {view.natural(PersonId(person)) for person in case.discoverers}
    return tuple(sorted(person for person in finders if view.units_of(person, at) & set(units)))


def village_restricted(view: View) -> bool:
    """Under `strict` and `standard` a village committee leads 自治事项 only, by people without a grid post."""
    return view.rulebook.separation.strength != "compatible"


def is_village(view: View, unit: str) -> bool:
    """Whether the unit is a village committee 村委会."""
    known = view.unit(unit)
    return known is not None and known.kind == "VILLAGE_COMMITTEE"


def first(breaches: Breaches) -> Breach | None:
    """The first breach in the order of the rules; it names the others and carries everybody's evidence."""
    found = [*breaches]
    if not found:
        return None
    also = dict.fromkeys(one.rule for one in found if one.rule != found[0].rule)
    evidence = dict.fromkeys(event for one in found for event in one.evidence)
    return Breach(found[0].rule, found[0].zh, found[0].en, tuple(evidence), tuple(also))


def _patrols(act: Act, units: tuple[UnitId, ...]) -> Breaches:
    """SEP-02: no handling in the own grid; under `strict` of no case; for a village committee with no grid post."""
    posts = act.view.grid_posts(act.actor, act.at)
    own = [post for post in posts if act.case.grid in act.view.grids_in(post, act.at)]
    worker = [post for post in posts if post.role == "GRID_WORKER"]
    evidence = tuple(event for post in own or posts for event in appointment_evidence(act.view, post.id))
    if own:
        yield Breach("SEP-02", "不得办理本人网格内的案件", "nobody handles cases of his own grid", evidence)
    elif worker and act.strength == "strict":
        yield Breach("SEP-02", "网格员不得办理任何案件", "a grid worker handles no case", evidence)
    elif posts and village_restricted(act.view) and any(is_village(act.view, unit) for unit in units):
        zh, en = "村委会须由无网格职务的人员办理", "a village committee handles through people without a grid post"
        yield Breach("SEP-02", zh, en, evidence)


def _dual_hatted(act: Act) -> Breaches:
    if not act.case.dual_hat and not dual_hats(act.case, act.case.units, act.view, act.at):
        return
    yield from _did(act, act.case.discoverers, "SEP-06", "兼任的发现人不得核实", "a dual-hatted finder may not verify")
    if act.case.grid in act.view.grids_of(act.actor, act.at):
        zh, en = "兼任案件须由其他网格或镇中心核实", "a dual-hat case is verified from another grid or the centre"
        yield Breach("SEP-06", zh, en)


def _did(act: Act, power: Used, rule: str, zh: str, en: str) -> Breaches:
    """The same natural person already used a power that excludes this one."""
    if evidence := act.used(power):
        yield Breach(rule, zh, en, evidence)


def _belongs(act: Act, rule: str, zh: str, en: str) -> Breaches:
    """The actor holds any appointment in a unit that handles the case."""
    yield from _serves(act, act.case.units, rule, zh, en)


def _serves(act: Act, units: tuple[str, ...], rule: str, zh: str, en: str) -> Breaches:
    """The actor holds any appointment in one of these units."""
    held = [one for one in act.view.appointments_of(act.actor, act.at) if one.unit in units]
    if held:
        yield Breach(rule, zh, en, tuple(event for one in held for event in appointment_evidence(act.view, one.id)))
