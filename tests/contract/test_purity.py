"""Whoever says "Pure" in the first line of its docstring is held to it by an import contract."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
NEVER = {"asyncpg", "sqlalchemy", "aiokafka", "fastapi"}
"""What a contract of purity forbids at any distance, among others."""
FOLDERS = ("libs", "services", "importing", "operations", "trials", "cli")


def says_pure(path: Path) -> bool:
    """Whether the first line of the docstring has the word."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return bool(re.search(r"\bPure\b", docstring.split("\n\n")[0]))


MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if says_pure(path)
]
PURE = [
    re.compile(rf"{re.escape(source).replace(re.escape('*'), '[^.]+')}(\.|$)")
    for contract in CONTRACTS
    if set(contract.get("forbidden_modules", ())) >= NEVER and not contract.get("allow_indirect_imports")
    for source in contract["source_modules"]
]


def test_the_contracts_of_purity_are_found() -> None:
    assert len(PURE) > 5
    assert len(MODULES) > 80


@pytest.mark.parametrize("module", MODULES)
def test_who_says_pure_is_inside_a_contract(module: str) -> None:
    assert any(pattern.match(module) for pattern in PURE), f"no import contract holds {module} to its word"
