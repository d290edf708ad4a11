"""尚未生效: the settings that may be published and that nothing carries out yet, and what each waits for. Pure data.

Whoever gives a setting its effect takes its line out of here; a test holds every setting to one side or the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.rules.naming import Bilingual
from libs.events.contracts.directory import Power, RulebookPublished
from libs.events.contracts.parts.rulebook import Separation
from libs.events.event import Event
from libs.events.ids import UnitId

RULEBOOK: Mapping[str, Bilingual] = {
    "limits.intake_phone": Bilingual("受理环节的时限", "a clock of taking calls"),
    "limits.intake_web": Bilingual("受理环节的时限", "a clock of taking what is written"),
    "limits.screening.U1": Bilingual(
        "初审的时限 (#4); 目前只用 U4 一档告警", "a clock of screening (#4); the alarm asks U4"
    ),
    "limits.screening.U2": Bilingual(
        "初审的时限 (#4); 目前只用 U4 一档告警", "a clock of screening (#4); the alarm asks U4"
    ),
    "limits.screening.U3": Bilingual(
        "初审的时限 (#4); 目前只用 U4 一档告警", "a clock of screening (#4); the alarm asks U4"
    ),
    "limits.precheck": Bilingual("立案前核查 (#5)", "the check before registering (#5)"),
    "limits.archive": Bilingual("归档 (#42)", "archiving (#42)"),
    "separation.self_handle": Bilingual("自行处置 (#40)", "self-handling (#40)"),
    "separation.self_handle_whitelist": Bilingual("自行处置 (#40)", "self-handling (#40)"),
    "separation.self_handle_sample": Bilingual("自行处置的抽查 (#40)", "samples of what was self-handled (#40)"),
    "separation.closing_sample": Bilingual("结案的抽查 (#52)", "samples of what was closed (#52)"),
    "extension": Bilingual("延期 (#28, #29)", "extensions (#28, #29)"),
    "suspension": Bilingual("挂账 (#30)", "suspensions (#30)"),
    "auto_supervise_at_round": Bilingual("按轮次自动督办", "orders that follow on rounds by themselves"),
    "reopen_window": Bilingual("重新打开 (#39)", "reopening (#39)"),
    "cluster.watch": Bilingual("重复诉求的统计 (#11)", "counting repeated matters (#11)"),
    "cluster.mass": Bilingual("群体诉求的统计 (#11)", "counting mass incidents (#11)"),
    "cluster.leader_brief": Bilingual("领导专报 (#11)", "the leader's brief (#11)"),
    "three_rates": Bilingual("月报告、季通报、年考核 (#68)", "monthly, quarterly and yearly reports (#68)"),
}
"""Setting of the rulebook, or the part of it above some, → what it waits for."""
CLASSES: Mapping[str, Bilingual] = {
    **{path: why for path, why in RULEBOOK.items() if path.startswith("limits.")},
    "limits.screening.U4": Bilingual("按事项的初审时限 (#4)", "screening by class (#4)"),
    "matter_type": Bilingual("部件、事件分类统计 (#68)", "reports by component and event (#68)"),
    "line": Bilingual("条线统计, 兼职审核 (SEP-17)", "reports by line, side posts (SEP-17)"),
    "powers.kind": Bilingual("放权的命令和统计 (#62)", "commands and reports of delegation (#62)"),
}
"""The same of a class of matter."""


def waits_for(table: Mapping[str, Bilingual], path: str) -> Bilingual | None:
    """Why a setting has no effect yet; None where it has."""
    steps = path.split(".")
    return next((table[above] for n in range(len(steps), 0, -1) if (above := ".".join(steps[:n])) in table), None)


def stated_in_vain(event: Event, earlier: Event | None) -> list[str]:
    """Of a rulebook or a class: the settings without effect that say what they did not before, nor by default."""
    table, default = (RULEBOOK, PLAIN) if isinstance(event, RulebookPublished) else (CLASSES, PLAIN_CLASS)
    before = earlier or default
    return [path for path in table if _values(event, path) - _values(before, path)]


PLAIN: Mapping[str, object] = {"separation": Separation(strength="standard")}
PLAIN_CLASS: Mapping[str, object] = {"powers": (Power(unit=UnitId(""), basis=""),)}
"""What holds where nothing is said; what must be said is not there."""


def _values(event: object, path: str) -> set[str]:
    """What stands at a path, in any entry of a list."""
    step, _, rest = path.partition(".")
    found = event.get(step) if isinstance(event, Mapping) else getattr(event, step, None)
    if not rest or found is None:
        return set() if found is None else {str(found)}
    return {value for one in (found if isinstance(found, tuple) else (found,)) for value in _values(one, rest)}
