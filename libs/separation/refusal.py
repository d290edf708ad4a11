"""The refusal of an act that 巡办分离 forbids, and the attempt that each service records in its own words. Pure."""

from __future__ import annotations

from typing import Protocol

from libs.events.errors import Refused
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from libs.separation.acts import Breach


class Attempted(Protocol):
    """A service's own `SeparationViolationAttempted`."""

    def __call__(
        self,
        *,
        person: PersonId,
        unit: UnitId | None,
        command: str,
        rule: str,
        also: tuple[str, ...],
        evidence: tuple[str, ...],
    ) -> Event: ...


class SeparationForbids(Refused):
    """巡办分离 forbids it: the code names the rule, the attempt is recorded in the access stream."""

    def __init__(
        self, breach: Breach, command: str, person: PersonId, unit: UnitId | None, *, attempted: Attempted
    ) -> None:
        self.code = breach.code
        self.also = breach.also
        event = attempted(
            person=person, unit=unit, command=command, rule=breach.rule, also=breach.also, evidence=breach.evidence
        )
        super().__init__(
            events=[event],
            rule=breach.rule,
            evidence=breach.evidence,
            allowed=breach.allowed,
            zh=breach.zh,
            en=breach.en,
        )

    def document(self) -> dict[str, object]:
        """With the other rules that the act breaks too."""
        return {**super().document(), "also": list(self.also)}
