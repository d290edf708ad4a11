"""The settings of one process, read from the environment. Nothing else reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Environment of a service process; the names are those of the deployment (deploy/)."""

    service: Literal["intake", "routing", "supervision", "notify"]
    database_url: str = Field(description="The service's own database, application role.")
    keys_database_url: str = Field(description="The vault; intake's role may write, all others only read.")
    kafka_bootstrap_servers: str
    jwks_file: Path = Field(description="Public keys that callers' tokens are signed with.")
    master_key_file: Path = Field(description="32 bytes that wrap every case key.")
    idempotency_key_file: Path = Field(description="Key of the HMAC over requests.")
    receipt_key_file: Path | None = Field(default=None, description="Key of the secrets of receipts; intake only.")
    search_key_file: Path | None = Field(default=None, description="Key of blind indexes and search copies; intake.")
    receipt_tries_per_address: str = Field(default="30/minute", description="How often one address may try receipts.")
    receipt_tries_per_receipt: str = Field(default="30/hour", description="How often one receipt may be tried.")
    checkpoint_key_file: Path = Field(description="Ed25519 key that signs this service's lane heads.")
    outbox_dir: Path | None = Field(default=None, description="Where notify's file channel puts messages.")
    mode: Literal["real", "manual"] = "real"
    host: str = Field(default="127.0.0.1", description="Address that the worker listens on.")
    worker_port: int = Field(default=0, description="Health and clock of the worker.")
    pool_size: int = 8
    relay_idle_ms: int = Field(default=200, description="Longest pause of the relay between two looks.")
    stale_after_seconds: float = Field(default=60.0, description="Lag above which lists and final powers answer 503.")
    max_body_bytes: int = 262_144

    @property
    def source(self) -> str:
        """`ce_source` of everything this service appends."""
        return f"/xunban/{self.service}"
