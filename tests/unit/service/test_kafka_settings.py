"""Where Kafka is and as whom: said once, found again in the environment, never shown."""

from pathlib import Path

import pytest

from libs.log.kafka.broker import Broker, reach
from libs.service.settings import broker_at, kafka_settings

SECURED = Broker(
    "kafka-1:9093,kafka-2:9093", "SASL_SSL", "SCRAM-SHA-512", "xunban-auditor", "not to be shown", Path("/etc/ca.pem")
)


def test_a_process_finds_the_broker_that_its_environment_was_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kafka_settings(SECURED).items():
        monkeypatch.setenv(name, value)
    assert broker_at(SECURED.servers) == SECURED


def test_a_password_is_shown_nowhere() -> None:
    assert "not to be shown" not in f"{SECURED} {SECURED!r}"


def test_an_address_alone_is_a_broker_without_tls_and_login() -> None:
    assert reach("127.0.0.1:19092") == {"bootstrap_servers": "127.0.0.1:19092"}


def test_a_broker_without_a_login_is_given_none() -> None:
    assert "sasl_mechanism" not in reach(Broker("127.0.0.1:19092", username="xunban-intake"))
