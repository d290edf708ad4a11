"""Each service's page names every command that its API takes on a case."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ON_A_CASE = "/cases/{case_id}/"


@pytest.mark.parametrize("service", ["intake", "routing", "supervision", "notify"])
def test_every_command_on_a_case_stands_on_the_page_of_its_service(service: str) -> None:
    page = (ROOT / "services" / service / "README.md").read_text()
    paths = importlib.import_module(f"services.{service}.main").app.openapi()["paths"]
    commands = [path.removeprefix(ON_A_CASE) for path, methods in paths.items() if "post" in methods]

    assert [name for name in commands if not name.startswith("/") and f"/{name.rpartition('}/')[2]}" not in page] == []
