"""What the pages link to or name as a path exists, and so does each section cited; records have one form."""

import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = (
    *("bench", "cli", "deploy", "docs", "examples", "importing", "libs"),
    *("operations", "services", "tests", "trials"),
)
RECORDS = ROOT / "docs/adr"
FORM = ["Status", "Context", "Decision", "Consequences"]
COMING: frozenset[str] = frozenset()
"""Named before it is written; taken out once it is."""

LINK = r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)"
NAMED = r"(?<!`)`([^`\s]+)`(?!`)"
FILE = r"[\w*./-]+\.(?:py|sql|md|ya?ml|json|toml|sh|html|js|lock|png)"
FOLDER = rf"(?:{'|'.join(FOLDERS)})/[\w*./-]*"
SECTION = r"architecture\.md §([0-9]+)"


@cache
def paths() -> frozenset[str]:
    """Every file and folder of the repository, from its root."""
    top = [path for path in ROOT.iterdir() if path.is_file() or path.name in FOLDERS]
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return frozenset(path.relative_to(ROOT).as_posix() for path in (*top, *below))


PAGES = sorted(path for path in paths() if path.endswith(".md"))


def text(name: str) -> str:
    return (ROOT / name).read_text()


def without_code(page: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", page, flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """What a heading is called in a link, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_nowhere(name: str) -> list[str]:
    """Links of a page whose file or heading is not there."""
    lost = []
    for target, anchor in re.findall(LINK, without_code(text(name))):
        found = (ROOT / name).parent / target if target else ROOT / name
        if found.resolve().relative_to(ROOT).as_posix() in COMING:
            continue
        if not found.exists() or (anchor and anchor not in anchors(found.read_text())):
            lost.append(f"{target}#{anchor}")
    return lost


def named_in(page: str) -> set[str]:
    """What stands in backticks and looks like a path of this repository; below `.local` is what runs make."""
    named = set(re.findall(NAMED, without_code(page)))
    ours = {one.rstrip("/") for one in named if re.fullmatch(f"{FILE}|{FOLDER}", one)}
    return {one for one in ours if not one.startswith(".local/")} - COMING


def exists(path: str) -> bool:
    """From the root, or from some folder on the way: `faults/test_owners.py`."""
    if "*" in path:
        return any(fnmatch(one, path) or fnmatch(one, f"*/{path}") for one in paths())
    return path in paths() or any(one.endswith(f"/{path}") for one in paths())


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    assert links_nowhere(name) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_path_that_is_named_exists(name: str) -> None:
    assert [path for path in sorted(named_in(text(name))) if not exists(path)] == []


@pytest.mark.parametrize("record", sorted(RECORDS.glob("0*.md")), ids=lambda path: path.stem)
def test_every_record_has_the_one_form_and_stands_in_the_index(record: Path) -> None:
    page, number = record.read_text(), record.name[:4]
    title = page.partition("\n")[0]

    assert re.fullmatch(rf"# {number} \S.*", title)
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == FORM
    assert f"| [{number}]({record.name}) | {title.removeprefix(f'# {number} ')} |" in text("docs/adr/README.md")


def test_every_section_of_the_architecture_that_is_cited_exists() -> None:
    known = set(re.findall(r"^## §([0-9]+) ", text("docs/architecture.md"), re.MULTILINE))
    sources = [name for name in paths() if name.endswith((".py", ".sql", ".md"))]
    cited = {(name, section) for name in sources for section in re.findall(SECTION, text(name))}

    assert {section for _, section in cited} >= {"2", "5", "8"}, "the pattern finds something"
    assert {(name, section) for name, section in cited if section not in known} == set()


def test_the_patterns_find_something() -> None:
    """A pattern that matches nothing would let everything pass."""
    page = "[gone](gone.md) [here](#Nowhere) `libs/nowhere.py` `no_such_module.py` `libs/` `GET /cases`"
    assert [target for target, _ in re.findall(LINK, page)] == ["gone.md", ""]
    assert {path for path in named_in(page) if not exists(path)} == {"libs/nowhere.py", "no_such_module.py"}
    assert len(PAGES) > 20
    assert sum(len(re.findall(LINK, text(name))) for name in PAGES) > 80
    assert sum(len(named_in(text(name))) for name in PAGES) > 200
