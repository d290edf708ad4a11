"""The effect of an erasure: keys and sealed files go when intake's worker reads the decision back. Idempotent."""

from __future__ import annotations

from libs.events.contracts.intake import PersonalDataErased
from libs.events.envelope import Recorded
from libs.service.runtime import Runtime
from services.intake.api import files


async def destroy_keys(running: Runtime, event: Recorded) -> None:
    """Before the reader's progress commits, so a crash in between only destroys them again (architecture.md §8)."""
    if isinstance(event.data, PersonalDataErased):
        await running.vault.destroy(event.subject, event.data.kinds)
        if "case" in event.data.kinds:
            await running.pool.execute(files.FORGET, event.subject)
