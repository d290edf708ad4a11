"""YAML files: merged over files and includes, with the line of every field, and no key twice."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.directory import app
from libs.directory.findings import DocumentsRefused
from libs.directory.publish.documents import read_documents
from libs.directory.publish.files import read_files
from tests.unit.directory.town import EXAMPLES

BASIS = ("--basis", "x")


def test_lists_of_several_files_are_joined_and_keep_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("people:\n- {id: a, name_zh: 甲, name_en: A}\n")
    (tmp_path / "b.yaml").write_text("# second\npeople:\n- id: b\n  name_zh: 乙\n")
    sources = read_files(tmp_path)
    assert [one["id"] for one in sources.raw["people"]] == ["a", "b"]
    assert sources.place("people.1.name_zh") == f"{tmp_path}/b.yaml:4"
    assert sources.place("people.b.same_as") == f"{tmp_path}/b.yaml:3"
    assert sources.place("people.1.name_en") == f"{tmp_path}/b.yaml:3"


def test_a_finding_deep_in_an_entry_has_its_own_line(tmp_path: Path) -> None:
    conditions = "  filing_conditions:\n    - {id: broken,\n       limit: 0wd}\n"
    text = f"catalogue:\n- code: manhole\n{conditions}  limits:\n    sign: 0h\n"
    (tmp_path / "a.yaml").write_text(text)
    sources = read_files(tmp_path)
    assert sources.place("catalogue.manhole.filing_conditions.broken.limit") == f"{tmp_path}/a.yaml:5"
    assert sources.place("catalogue.manhole.limits.sign.U3") == f"{tmp_path}/a.yaml:7"


def test_an_included_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "years.yaml").write_text("years:\n  2026: {}\n")
    (tmp_path / "a.yaml").write_text("include: [shared/years.yaml]\n")
    (tmp_path / "b.yaml").write_text("include: [shared/years.yaml]\n")
    assert read_files(tmp_path).raw == {"years": {2026: {}}}


def test_dates_and_the_word_off_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "years: {2026: {off: [01-01], provisional: true}}\npeople: [{since: 2026-01-01}]\n"
    )
    assert read_files(tmp_path).raw == {
        "years": {2026: {"off": ["01-01"], "provisional": True}},
        "people": [{"since": "2026-01-01"}],
    }


def test_the_town_includes_the_calendar_of_the_country() -> None:
    years = read_documents(read_files(EXAMPLES / "town").raw).years
    assert "10-10" in years[2026].work
    assert (years[2026].provisional, years[2027].provisional) == (False, True)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("people: [", "E-INPUT bad.yaml:1"),
        ("- just\n- a list\n", "E-INPUT bad.yaml"),
        ("units: []\npeople:\n- {id: a, id: b}\n", "E-DUPLICATE bad.yaml:3 people.0.id"),
        ("rulebook: {version: 1}\ninclude: [other.yaml]\n", "E-DUPLICATE bad.yaml:1 rulebook"),
        ("include: [missing.yaml]\n", "E-INPUT missing.yaml"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, refusal: str) -> None:
    (tmp_path / "other.yaml").write_text("rulebook: {version: 2}\n")
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(DocumentsRefused) as error:
        read_files(tmp_path / "bad.yaml")
    assert [f"{one.code} {one.path.removeprefix(f'{tmp_path}/')}" for one in error.value.findings] == [refusal]


def test_the_command_says_where_a_document_is_wrong_and_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "units.yaml").write_text("units:\n- id: a\n  name_zh: 甲\n  name_en: A\n  kind: SHOP\n  level: TOWN\n")
    ran = CliRunner().invoke(app, ["apply", str(tmp_path), "--url", "http://127.0.0.1:9", "--token", "t", *BASIS])
    assert ran.exit_code == 1
    assert "units.yaml:5 units.0.kind: 取值不在允许范围内" in ran.output
    assert "E-DIRECTORY" in ran.output


def test_the_command_says_when_routing_cannot_be_reached() -> None:
    # Port 9 (discard) on loopback: nothing listens there.
    ran = CliRunner().invoke(
        app, ["apply", str(EXAMPLES / "town"), "--url", "http://127.0.0.1:9", "--token", "t", *BASIS]
    )
    assert ran.exit_code == 2
    assert "http://127.0.0.1:9" in ran.output


def test_the_address_of_a_contact_point_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(
        "people:\n  - id: fang-yun\n    contacts:\n      - channel: email\n        address: fang.yun@example.org\n"
        '      - channel: sms\n        address: "1380000000"\n',
        encoding="utf-8",
    )
    assert read_files(file).place("people.fang-yun.contacts.1.address") == f"{file}:7"
