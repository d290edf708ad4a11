"""The settings of a process: every one is explained, and a wrong one is named without showing the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from libs.service.runtime import WrongService, runtime
from libs.service.settings import Settings
from services.console.config import Settings as OfConsole
from services.intake.config import Settings as OfIntake
from services.intake.main import PARTS
from services.notify.config import Settings as OfNotify

SECRET = "postgresql://intake:geheim@127.0.0.1/intake"
COMMON = {
    "SERVICE": "intake",
    "DATABASE_URL": SECRET,
    "KEYS_DATABASE_URL": SECRET,
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    **dict.fromkeys(("JWKS_FILE", "MASTER_KEY_FILE", "IDEMPOTENCY_KEY_FILE"), "a-file"),
    **dict.fromkeys(("CHECKPOINT_KEY_FILE", "PUBLIC_KEYS_FILE"), "a-file"),
}


@pytest.mark.parametrize("settings", [Settings, OfIntake, OfNotify, OfConsole], ids=lambda kind: kind.__module__)
def test_every_setting_says_what_it_does(settings: type[BaseSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_a_wrong_setting_is_named_and_no_other_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE", "intake")
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv("MAX_IN_FLIGHT", "geheim")
    with pytest.raises(ValidationError) as wrong:
        Settings()
    said = str(wrong.value)
    assert "max_in_flight" in said
    assert "geheim" not in said


def set_all(monkeypatch: pytest.MonkeyPatch, **own: str) -> None:
    """An environment with what every service needs, and these."""
    for name, value in {**COMMON, **own}.items():
        monkeypatch.setenv(name, value)


def test_intake_has_the_keys_that_its_files_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("receipt", "search"):
        (tmp_path / name).write_bytes(name.encode())
    set_all(monkeypatch, RECEIPT_KEY_FILE=str(tmp_path / "receipt"), SEARCH_KEY_FILE=str(tmp_path / "search"))
    settings = OfIntake()
    assert (settings.receipt_key, settings.search_key) == (b"receipt", b"search")


def test_intake_does_not_start_without_its_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_all(monkeypatch, RECEIPT_KEY_FILE=str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError) as wrong:
        OfIntake()
    assert [error["loc"] for error in wrong.value.errors()] == [("receipt_key_file",), ("search_key_file",)]


async def test_a_process_that_is_told_to_be_another_service_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SERVICE="routing")
    with pytest.raises(WrongService, match="this is intake, and SERVICE says routing"):
        async with runtime(Settings(), PARTS, lock_ms=1000, statement_ms=1000):
            pass
