"""The settings of a process: every one is explained, and a wrong one is named without showing the others."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from libs.service.settings import Settings
from services.console.config import Settings as OfConsole

SECRET = "postgresql://intake:geheim@127.0.0.1/intake"


@pytest.mark.parametrize("settings", [Settings, OfConsole], ids=["services", "console"])
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
