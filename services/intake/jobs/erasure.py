"""The effect of an erasure: keys and sealed files go when intake's worker reads the decision back. Idempotent."""

from __future__ import annotations

from libs.events.contracts.intake import PersonalDataErased
from libs.events.envelope import Recorded
from libs.service.runtime import Runtime

FORGET_FILES = "update attachments.attachment set sealed = null where case_id = $1 and sealed is not null"


async def destroy_keys(running: Runtime, event: Recorded) -> None:
    """Before the reader's progress commits, so a crash in between only destroys them again (architecture.md §8)."""
    if isinstance(event.data, PersonalDataErased):
        await running.vault.destroy(event.subject, event.data.kinds)
        if "case" in event.data.kinds:
            await running.pool.execute(FORGET_FILES, event.subject)
