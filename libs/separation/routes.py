"""SEP-06 and SEP-07: which unit can take a case without breaking 巡办分离, and who can check it afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.directory.facts.view import View
from libs.events.contracts.directory import Role
from libs.events.ids import GridCode, PersonId, UnitId
from libs.separation.acts import Act, Breach, CaseParties
from libs.separation.rules import dual_hats, first, handling, is_village, verifying, village_restricted


@dataclass(frozen=True)
class Dispatchable:
    """The unit can take the case: through these people; `dual_hats` not empty = flag the case (SEP-06)."""

    unit: UnitId
    clerks: tuple[PersonId, ...]
    handlers: tuple[PersonId, ...]
    dual_hats: tuple[PersonId, ...] = ()


@dataclass(frozen=True)
class UnitRejected:
    """The router must skip the unit, with the reason in words and the evidence (event ids)."""

    unit: UnitId
    rule: str
    zh: str
    en: str
    evidence: tuple[str, ...] = ()

    @property
    def breach(self) -> Breach:
        """The same, for a dispatcher who would choose the unit by hand."""
        return Breach(self.rule, self.zh, self.en, self.evidence)


def dispatchable(unit: UnitId, case: CaseParties, view: View, at: datetime) -> Dispatchable | UnitRejected:
    """Whether the router may choose the unit: somebody there must be free to sign, and somebody to handle (SEP-07)."""
    if rejected := _village(unit, case, view) or _judges(unit, case, view, at):
        return rejected
    clerks = able(unit, "DEPT_CLERK", case, view, at)
    handlers = able(unit, "DEPT_HANDLER", case, view, at)
    if not clerks or not handlers:
        return _nobody(unit, case, view, at)
    return Dispatchable(unit, clerks, handlers, dual_hats(case, (unit,), view, at))


def contributing(unit: UnitId, case: CaseParties, view: View, at: datetime) -> UnitRejected | None:
    """Why the unit cannot help to handle the case, or None: somebody there must be free to do so (SEP-07)."""
    if rejected := _judges(unit, case, view, at):
        return rejected
    roles: tuple[Role, ...] = ("DEPT_CLERK", "DEPT_HANDLER")
    return None if any(able(unit, role, case, view, at) for role in roles) else _nobody(unit, case, view, at)


def able(unit: UnitId, role: Role, case: CaseParties, view: View, at: datetime) -> tuple[PersonId, ...]:
    """Holders of a role in the unit whom no separation rule bars from handling the case, by id."""
    held = view.holders(role, unit, at)
    return tuple(person for person in held if first(handling(Act(case, person, view, at), (unit,))) is None)


def verifiers(case: CaseParties, view: View, at: datetime) -> tuple[PersonId, ...]:
    """Grid workers who may check the case: of its own grid, then of the village, then of the town; empty = the centre.

    A dual-hat case skips its own grid (SEP-06).
    """
    home = view.grid(case.grid) if case.grid else None
    if home is None:
        return ()
    village, town = (view.living_unit(unit or "", at) for unit in (home.village, home.town))
    of_village = [one.code for one in view.grids if village and village == view.living_unit(one.village or "", at)]
    of_town = [one.code for one in view.grids if town and town == view.living_unit(one.town, at)]
    codes: dict[GridCode, None] = dict.fromkeys([home.code, *of_village, *of_town])
    people = dict.fromkeys(person for code in codes for person in view.grid_workers(code, at))
    return tuple(person for person in people if first(verifying(Act(case, person, view, at))) is None)


def _village(unit: UnitId, case: CaseParties, view: View) -> UnitRejected | None:
    item = view.catalogue(case.class_code) if case.class_code else None
    if not is_village(view, unit) or not village_restricted(view) or (item and item.self_governance):
        return None
    return UnitRejected(
        unit, "SEP-07", "村委会只主办自治事项", "a village committee leads self-governance matters only"
    )


def _judges(unit: UnitId, case: CaseParties, view: View, at: datetime) -> UnitRejected | None:
    """Who verified or closed an earlier round judges the work; his unit cannot then do it (SEP-03, SEP-04)."""
    for rule, power in (("SEP-03", case.verifiers), ("SEP-04", case.closers)):
        for person, evidence in power.items():
            if unit in view.units_of(PersonId(person), at):
                zh, en = "该单位人员核实或审核过本案", "somebody of the unit verified or reviewed this case"
                return UnitRejected(unit, rule, zh, en, evidence)
    return None


def _nobody(unit: UnitId, case: CaseParties, view: View, at: datetime) -> UnitRejected:
    """Why nobody is left: nobody is appointed, or everybody who is, is barred."""
    barred = [
        breach
        for role in ("DEPT_CLERK", "DEPT_HANDLER")
        for person in view.holders(role, unit, at)
        if (breach := first(handling(Act(case, person, view, at), (unit,))))
    ]
    if not barred:
        return UnitRejected(unit, "SEP-07", "该单位没有联络员或经办人", "the unit has no clerk or no handler")
    evidence = tuple(dict.fromkeys(event for breach in barred for event in breach.evidence))
    zh = "该单位可签收、可办理的人员均为发现人或须回避"
    return UnitRejected(unit, "SEP-07", zh, "everybody who could sign or handle there is a finder or barred", evidence)
