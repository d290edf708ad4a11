"""What intake's processes are told besides what every service's are: receipts, search copies, and their keys."""

from __future__ import annotations

from functools import cached_property
from typing import cast

from pydantic import Field, FilePath

from libs.log.write.seal import Opener
from libs.service import settings
from libs.service.runtime import Runtime


class Settings(settings.Settings):
    """Environment of intake's processes."""

    receipt_key_file: FilePath = Field(description="Key of the secrets of receipts.")
    search_key_file: FilePath = Field(description="Key of blind indexes and search copies.")
    receipt_tries_per_address: str = Field(default="30/minute", description="How often one address may try receipts.")
    receipt_tries_per_receipt: str = Field(
        default="30/hour", description="How often one address may try one receipt; by all together: answers slow down."
    )

    @cached_property
    def receipt_key(self) -> bytes:
        """What the secrets of receipts follow from."""
        return self.receipt_key_file.read_bytes()

    @cached_property
    def search_key(self) -> bytes:
        """What search copies are made and found with."""
        return self.search_key_file.read_bytes()


def of(running: Runtime) -> Settings:
    """The settings of intake's own process."""
    return cast("Settings", running.settings)


def opener(running: Runtime) -> Opener:
    """With what the worker makes search copies."""
    return Opener(running.vault, of(running).search_key)
