"""The settings of one process, read from the environment. Nothing else reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.log.kafka.broker import Address, Broker, Mechanism, Protocol
from libs.service.callers import AUDIENCE, MOST_HOURS


class KafkaSettings(BaseSettings):
    """Where Kafka is and as whom to speak to it; the auditor's commands read the same names."""

    kafka_bootstrap_servers: str = Field(description="host:port of Kafka; several are separated by commas.")
    kafka_security_protocol: Protocol = Field(default="PLAINTEXT", description="Outside one machine: SASL_SSL.")
    kafka_sasl_mechanism: Mechanism = Field(default="SCRAM-SHA-512", description="Where the protocol is a SASL one.")
    kafka_sasl_username: str | None = Field(default=None, description="The process's own principal (deploy/README.md).")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="Of that principal.")
    kafka_ca_file: Path | None = Field(default=None, description="PEM; unset: the authorities this machine trusts.")

    @property
    def broker(self) -> Broker:
        """What every client is made with."""
        password = self.kafka_sasl_password
        return Broker(
            self.kafka_bootstrap_servers,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_sasl_username,
            password.get_secret_value() if password else None,
            self.kafka_ca_file,
        )


def broker_at(servers: str) -> Broker:
    """The broker at an address that was given on a command line; login and TLS are the environment's."""
    return KafkaSettings(kafka_bootstrap_servers=servers).broker


def kafka_settings(kafka: Address) -> dict[str, str]:
    """The environment in which a process finds this broker."""
    if isinstance(kafka, str):
        return {"KAFKA_BOOTSTRAP_SERVERS": kafka}
    said = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.servers,
        "KAFKA_SECURITY_PROTOCOL": kafka.protocol,
        "KAFKA_SASL_MECHANISM": kafka.mechanism,
        "KAFKA_SASL_USERNAME": kafka.username,
        "KAFKA_SASL_PASSWORD": kafka.password,
        "KAFKA_CA_FILE": kafka.ca_file and str(kafka.ca_file),
    }
    return {name: value for name, value in said.items() if value}


class Settings(KafkaSettings):
    """Environment of a process of any service; the names are those of the deployment (deploy/).

    What only one service reads, its `config.py` adds.
    """

    # What is said of a wrong setting goes to the log, which must not show the others: addresses carry passwords.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    service: str = Field(description="Which service this is: the name of its folder in `services/`.")
    database_url: str = Field(
        description="The service's own database, application role; `?sslmode=verify-full&sslrootcert=…` for TLS."
    )
    keys_database_url: str = Field(
        description="The vault; the service that opens cases has a role that may write, all others only read."
    )
    jwks_file: Path = Field(description="Public keys that callers' tokens are signed with.")
    token_audience: str = Field(default=AUDIENCE, description="`aud` of callers' tokens: for whom they were issued.")
    token_most_hours: float = Field(default=MOST_HOURS, description="Longest life of a token that is believed.")
    master_key_file: Path = Field(description="32 bytes that wrap every case key.")
    idempotency_key_file: Path = Field(description="Key of the HMAC over requests.")
    checkpoint_key_file: Path = Field(
        description="Ed25519 key that signs this service's events, heartbeats and checkpoints."
    )
    public_keys_file: Path = Field(
        description="JSON: service → its public key, or several, hex; what none of them signed is applied by nobody."
    )
    mode: Literal["real", "manual"] = Field(default="real", description="Business time; must be that of the log.")
    host: str = Field(default="127.0.0.1", description="Address that the worker listens on.")
    worker_port: int = Field(default=0, description="Port of the worker: health, clock and metrics.")
    worker_name: str | None = Field(default=None, description="A name that survives a restart; unique in its service.")
    worker_session_seconds: float = Field(default=10.0, description="Silence after which others take its lanes.")
    pool_size: int = Field(default=8, description="Most connections of one process to its database.")
    relay_idle_ms: int = Field(
        default=200, description="Longest pause of the relay between two looks, but for a town at rest."
    )
    answer_hours: float = Field(
        default=168.0,
        ge=1.0,
        description="How long an Idempotency-Key keeps its answer (real time); repeated later it is a new request.",
    )
    stale_after_seconds: float = Field(default=60.0, description="Lag above which lists and final powers answer 503.")
    api_docs: bool = Field(
        default=False,
        description="Whether an API shows its page and its OpenAPI document: in a trial, not in production.",
    )
    max_in_flight: int = Field(default=64, description="Requests an API works on at once; above it answers 503.")
    max_receiving_per_address: int = Field(
        default=16, ge=1, description="Requests of one address whose bodies are still coming; above it answers 503."
    )
    pool_wait_seconds: float = Field(default=3.0, description="Longest wait of a request for a database connection.")
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None, description="Where traces go (OTLP/HTTP); none = off. Other `OTEL_…` variables are the SDK's own."
    )

    @property
    def source(self) -> str:
        """`ce_source` of everything this service appends."""
        return f"/xunban/{self.service}"
