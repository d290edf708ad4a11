"""Where Kafka is and as whom we speak to it: the one place that makes the arguments of its clients. No connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from libs.tuned.kafka_records import read_leniently

read_leniently()

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256"]


@dataclass(frozen=True)
class Broker:
    """A cluster that wants TLS, a login, or both."""

    servers: str
    """host:port, several separated by commas."""
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """PEM; None: the authorities that this machine trusts."""

    def __str__(self) -> str:
        return self.servers

    def arguments(self) -> dict[str, Any]:
        """Of any aiokafka client. The broker's certificate must bear the name that it is reached by."""
        found: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            found["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.protocol.startswith("SASL"):
            found["sasl_mechanism"] = self.mechanism
            found["sasl_plain_username"] = self.username
            found["sasl_plain_password"] = self.password
        return found


Address: TypeAlias = str | Broker
"""A plain host:port is a broker without TLS and login: one machine, on loopback."""


def reach(kafka: Address) -> dict[str, Any]:
    """The arguments with which any client of ours is made."""
    return kafka.arguments() if isinstance(kafka, Broker) else {"bootstrap_servers": kafka}
