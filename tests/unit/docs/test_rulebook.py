"""Whatever number of a rule, section, scenario or error code the code cites stands in docs/rulebook.md."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RULEBOOK = (ROOT / "docs/rulebook.md").read_text()
FOLDERS = ("libs", "services", "cli", "operations", "importing", "trials", "deploy", "tests", "examples", "bench")
SUFFIXES = {".py", ".sql", ".md", ".yaml", ".yml", ".html", ".txt"}

BEGINS = r"^(?:\| |\* |#+ |\*\*)+"
"""A line or table row that defines what follows."""
RULE = r"\b(?:(?:SEP|CLK|RET|SUC|POW|GRD|PRV|REP|HLP|KNK|INV|DUP)-[0-9]+|R[0-9]{1,2}|M[0-9]{2})\b"
SECTION = r"(?<![\w./-])[a-l]\.[0-9]\b"
CITED = rf"({SECTION})(?:\)?,? (#[0-9]+a?(?:(?:,| and|, and) #[0-9]+a?)*))?"
SCENARIO = r"(?:\b[Ss]cenarios? |场景)([0-9]+(?: and [0-9]+)?)"
COMMAND = r"\bcommands? ([0-9]+a?)\b"
CODE = r"[\"'](E-[A-Z0-9-]*[A-Z0-9])[\"']"


@cache
def texts() -> dict[str, str]:
    """Everything that may cite the rulebook, by its path; vendored files do not."""
    found = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    named = {str(path.relative_to(ROOT)): path for path in found if path.suffix in SUFFIXES and path.is_file()}
    own = str(Path(__file__).relative_to(ROOT))
    return {name: path.read_text() for name, path in named.items() if "/axe/" not in name and name != own}


def cited(pattern: str, *folders: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Where a pattern occurs, as `path:line`."""
    for name, text in texts().items():
        if not folders or name.startswith(folders):
            for found in re.finditer(pattern, text):
                yield f"{name}:{text.count(chr(10), 0, found.start()) + 1}", found


def defined(pattern: str, text: str = RULEBOOK) -> set[str]:
    """What stands at the beginning of a line or row of the rulebook."""
    return set(re.findall(rf"{BEGINS}({pattern})(?=[ |*:,(]|$)", text, re.MULTILINE))


def numbers(section: str) -> set[str]:
    """The numbers defined below the heading of a section: `c.3`, `(i)`."""
    below = RULEBOOK.partition(f"# {section} ")[2]
    return {number.lstrip("#") for number in defined("#?[0-9]+a?", re.split(r"^##", below, flags=re.MULTILINE)[0])}


def test_every_rule_that_is_cited_stands_in_the_rulebook() -> None:
    known = defined(RULE)
    assert [(where, rule[0]) for where, rule in cited(RULE) if rule[0] not in known] == []


def test_every_section_and_number_that_is_cited_exists() -> None:
    known = defined(r"[a-l]\.[0-9]")
    assert [(where, found[0]) for where, found in cited(CITED) if found[1] not in known] == []
    missing = [
        (where, found[0])
        for where, found in cited(CITED)
        if not set(re.findall(r"[0-9]+a?", found[2] or "")) <= numbers(found[1])
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("pattern", "sections"), [(SCENARIO, ["(i)"]), (COMMAND, ["c.3", "(l)"])], ids=["scenario", "command"]
)
def test_every_scenario_and_command_that_is_cited_exists(pattern: str, sections: list[str]) -> None:
    known = {number for section in sections for number in numbers(section)}
    found = [(where, number) for where, one in cited(pattern) for number in re.findall(r"[0-9]+a?", one[1])]
    assert [(where, number) for where, number in found if number not in known] == []


def test_every_error_code_stands_in_the_table() -> None:
    known = defined("E-[A-Z0-9-]+")
    assert [(where, code[1]) for where, code in cited(CODE, "libs/", "services/") if code[1] not in known] == []


def test_the_patterns_find_something() -> None:
    """A pattern that matches nothing would let everything pass."""
    for pattern in (RULE, CITED, SCENARIO, COMMAND, CODE):
        assert list(cited(pattern)), pattern
    assert {"6a", "41a"} <= numbers("c.3")
    assert {"1", "20"} <= numbers("d.2")
    assert {"55", "71"} <= numbers("(l)")
