"""The route of a case (rulebook.md d.4): R5 catalogue, R6 power, R7 level, R8 separation, R11 none, R12 why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.directory.rules.leads import LeadCandidate, lead_candidates
from libs.directory.rules.naming import Naming
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.routing import RouteRejected, RuleStep
from libs.events.ids import UnitId
from libs.separation.routes import Dispatchable, UnitRejected, dispatchable
from libs.separation.rules import is_village


@dataclass(frozen=True)
class Route:
    """The unit that the rules choose, or none; every candidate skipped with its reason, and the chain of rules."""

    unit: UnitId | None
    candidates: tuple[UnitId, ...] = ()
    rejected: tuple[RouteRejected, ...] = ()
    chain: tuple[RuleStep, ...] = ()
    dispatch: Literal["auto", "confirm"] = "confirm"


@dataclass
class _Search:
    """Candidates are tried best first; each one skipped leaves its reason."""

    case: Case
    view: View
    at: datetime
    returned: tuple[UnitId, ...]
    rejected: list[RouteRejected] = field(default_factory=list)

    def first_fit(self, candidates: tuple[LeadCandidate, ...]) -> tuple[LeadCandidate, Dispatchable] | None:
        for candidate in candidates:
            if candidate.ended:
                self.rejected.append(no_more(self.view, candidate.unit))
                continue
            if candidate.unit in self.returned or candidate.instead_of in self.returned:
                self.rejected.append(given_back(self.view, candidate.unit))
                continue
            if not candidate.holds_power:
                self.rejected.append(without_power(self.view, candidate))
                continue
            answer = dispatchable(candidate.unit, self.case, self.view, self.at)
            if isinstance(answer, Dispatchable):
                return candidate, answer
            self.rejected.append(separated(self.view, answer))
        return None


def propose(
    case: Case, view: View, at: datetime, *, returned: tuple[UnitId, ...] = (), named: UnitId | None = None
) -> Route:
    """Where the case should go, and why; deterministic: more specific area, lower level, smaller unit code first.

    Units in `returned` have given the case back with a ground; `named` is whom the last of them held responsible,
    and comes first where the catalogue knows it for the class (RET-2).
    """
    item = view.catalogue(case.class_code or "")
    grid = view.grid(case.grid or "")
    if item is None or grid is None:
        return Route(None, chain=(_step("R5", "事项或网格不在目录中", "class or grid is not in the directory"),))
    found = lead_candidates(view, item, grid, at)
    named = view.living_unit(named, at) if named else None
    candidates = (*(one for one in found if one.unit == named), *(one for one in found if one.unit != named))
    search = _Search(case, view, at, returned)
    chosen = search.first_fit(candidates)
    skipped = tuple(_step(one.rule, one.zh, one.en) for one in search.rejected)
    reasons = tuple(_why(view, item, *chosen)) if chosen else (_nowhere(),)
    return Route(
        unit=chosen[0].unit if chosen else None,
        candidates=tuple(one.unit for one in candidates),
        rejected=tuple(search.rejected),
        chain=(_catalogue(view, item, candidates), *skipped, *reasons, _versions(view)),
        dispatch=item.dispatch,
    )


def without_power(view: View, candidate: LeadCandidate) -> RouteRejected:
    """POW-1: a unit leads a case only if it holds the power for the class at that time."""
    zh, en = f"{_zh(view, candidate.unit)}没有此项职权", f"{_en(view, candidate.unit)} does not hold the power"
    for power in candidate.expired:
        until = Naming(view).last_day(power.until)
        zh, en = f"{zh}: {power.basis} 已于 {until} 到期", f"{en}: {power.basis} expired on {until}"
    return RouteRejected(unit=candidate.unit, rule="POW-1", zh=zh, en=en)


def given_back(view: View, unit: UnitId) -> RouteRejected:
    """RET-2: the unit showed that the matter is not its own."""
    zh, en = f"{_zh(view, unit)}已依据退单", f"{_en(view, unit)} has returned the case with a ground"
    return RouteRejected(unit=unit, rule="RET-2", zh=zh, en=en)


def no_more(view: View, unit: UnitId) -> RouteRejected:
    """SUC-1: the unit has ended, and nobody has succeeded it."""
    known = Naming(view).unit(unit)
    zh, en = f"{known.zh}: 已撤并, 没有承接单位", f"{known.en}: it has ended, and nobody has succeeded it"
    return RouteRejected(unit=unit, rule="SUC-1", zh=zh, en=en)


def succeeded(view: View, ended: UnitId, heir: UnitId) -> RuleStep:
    """SUC-1: another unit stands in the place of one that has ended."""
    known = Naming(view).unit(ended)
    return _step("SUC-1", f"{known.zh}由{_zh(view, heir)}承接", f"{_en(view, heir)} has succeeded {known.en}")


def separated(view: View, answer: UnitRejected) -> RouteRejected:
    """SEP-07 and its neighbours: nobody there could take the case without breaking 巡办分离."""
    zh, en = f"{_zh(view, answer.unit)}: {answer.zh}", f"{_en(view, answer.unit)}: {answer.en}"
    return RouteRejected(unit=answer.unit, rule=answer.rule, zh=zh, en=en)


def overridden(view: View, unit: UnitId) -> RuleStep:
    """The dispatcher chose another unit than the rules; his reason stands in the order."""
    zh, en = f"分办员改派{_zh(view, unit)}, 并说明理由", f"the dispatcher chose {_en(view, unit)} and gave a reason"
    return _step("OVERRIDE", zh, en)


def ruled(view: View, unit: UnitId) -> RuleStep:
    """An arbitration named the unit; it may not return the case (RET-4)."""
    zh, en = f"经会商裁定由{_zh(view, unit)}承办, 不得再退单", f"an arbitration named {_en(view, unit)}; no return"
    return _step("RET-4", zh, en)


def _catalogue(view: View, item: CatalogueItemPublished, candidates: tuple[LeadCandidate, ...]) -> RuleStep:
    zh = "、".join(_zh(view, one.unit) for one in candidates) or "无"
    en = ", ".join(_en(view, one.unit) for one in candidates) or "none"
    return _step("R5", f"事项“{item.name_zh}”的候选主办单位: {zh}", f'candidates to lead "{item.name_en}": {en}')


def _why(
    view: View, item: CatalogueItemPublished, candidate: LeadCandidate, answer: Dispatchable
) -> Iterator[RuleStep]:
    if candidate.instead_of:
        yield succeeded(view, candidate.instead_of, candidate.unit)
    yield _power(view, item, candidate)
    where = f"{_zh(view, candidate.unit)} ({candidate.level})"
    lowest = f"{_en(view, candidate.unit)} ({candidate.level})"
    yield _step("R7", f"具备职权的最低层级: {where}", f"lowest level that holds the power: {lowest}")
    clerks, handlers = len(answer.clerks), len(answer.handlers)
    zh = f"巡办分离检查通过: 可签收 {clerks} 人, 可经办 {handlers} 人"
    yield _step("R8", zh, f"free to sign: {clerks}, to handle: {handlers}")
    if answer.dual_hats:
        yield _step(
            "SEP-06",
            "发现人在该单位兼任: 本人回避, 由其他网格或镇中心核实",
            "a finder also serves in the unit: barred himself, verified from another grid or the centre",
        )


def _power(view: View, item: CatalogueItemPublished, candidate: LeadCandidate) -> RuleStep:
    zh, en = _zh(view, candidate.unit), _en(view, candidate.unit)
    if item.self_governance and is_village(view, candidate.unit):
        return _step("R6", f"自治事项, {zh}可以主办", f"a self-governance matter, which {en} may lead")
    if not candidate.powers:
        return _step("R6", f"此事项无须专门职权, {zh}可以主办", f"no special power is needed; {en} may lead")
    power = candidate.powers[0]
    until = f" ({Naming(view).last_day(power.until)} 止)" if power.until else ""
    return _step("R6", f"{zh}具有职权: {power.basis}{until}", f"{en} holds the power: {power.basis}{until}")


def _nowhere() -> RuleStep:
    return _step("R11", "没有可派单位, 由分办员指定", "no unit fits; the dispatcher names one")


def _versions(view: View) -> RuleStep:
    book, at = view.rulebook.version, view.version
    return _step("R12", f"依据规则库第 {book} 版, 目录版本 {at}", f"rulebook {book}, directory {at}")


def _zh(view: View, unit: UnitId) -> str:
    known = view.unit(unit)
    return known.name_zh if known else unit


def _en(view: View, unit: UnitId) -> str:
    known = view.unit(unit)
    return known.name_en if known else unit


def _step(rule: str, zh: str, en: str) -> RuleStep:
    return RuleStep(rule=rule, zh=zh, en=en)
