"""What an API says of itself: from here alone, and only where the deployment lets it."""

import importlib
import re
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from libs.service.http import api_page, problems
from libs.service.http.dependencies import get_runtime
from operations.installation import SERVICES
from services.console.main import app as console


def client(*, told: bool) -> TestClient:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    api_page.install(app)
    app.dependency_overrides[get_runtime] = lambda: SimpleNamespace(settings=SimpleNamespace(api_docs=told))
    return TestClient(app)


def test_the_page_of_an_api_loads_nothing_from_elsewhere() -> None:
    there = client(told=True)
    page = there.get("/docs")
    assert page.status_code == 200
    named = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert len(named) == 3
    assert [there.get(one).status_code for one in named] == [200] * 3
    assert "//" not in "".join(named)
    assert there.get("/openapi.json").json()["openapi"].startswith("3.")


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_in_production_an_api_says_nothing_of_itself(path: str) -> None:
    assert client(told=False).get(path).status_code == 404


@pytest.mark.parametrize("service", SERVICES)
def test_no_app_sends_anybody_to_a_host_that_he_names_or_loads_a_page_of_the_frameworks(service: str) -> None:
    for app in (importlib.import_module(f"services.{service}.main").app, console):
        assert not app.router.redirect_slashes
        assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)
