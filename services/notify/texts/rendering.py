"""Template + values → the text of a message, Chinese first. Local time, names beside ids; nothing personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from libs.directory.facts.view import View
from libs.directory.rules.naming import Bilingual, Naming, code

FOLDER = Path(__file__).with_name("templates")
Language = Literal["zh", "en", "both"]
OF_A_CASE, OF_A_DRAFT = Bilingual("案件编号", "Case"), Bilingual("草案编号", "Draft")
TITLES = ("【巡办】", "[Xunban] ")


@cache
def templates(own: Path | None = None) -> Environment:
    """The sandbox; a template of the deployment's `own` folder stands before ours of the same name."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([own, FOLDER] if own else FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@dataclass(frozen=True)
class Letter:
    """What a message is made of; `dues` are the clocks that run now."""

    template: str
    case_id: str
    recipient: str
    values: Mapping[str, str]
    dues: Mapping[str, datetime]
    channel: str = "file"
    language: Language = "both"
    late: datetime | None = None
    """When it should have been sent, where it comes late."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What somebody wrote and the template prints, opened for this letter alone."""
    mass: int = 0
    """How many alike there are today, where this is the last single message of them."""

    @property
    def number(self) -> Bilingual:
        """What the id of its matter is called."""
        return OF_A_DRAFT if "drafted_by" in self.values else OF_A_CASE


class Text(NamedTuple):
    """A message as people read it; the subject is its first line."""

    subject: str
    body: str


@dataclass(frozen=True)
class Rendering:
    """Renders by one version of the directory; raises `jinja2.TemplateError` where an event did not say a value."""

    view: View
    own: Path | None = None

    def letter(self, letter: Letter) -> Text:
        """One message in the recipient's languages, in the form of its channel."""
        return _joined([self._part(letter, language) for language in _languages(letter.language)])

    def digest(self, letters: Sequence[Letter], language: Language) -> Text:
        """Several messages to one recipient as one, each with its title, its sentence and its case."""
        parts = []
        for one in _languages(language):
            entries = [_entry(self._long(letter, one), letter) for letter in letters]
            parts.append(templates(self.own).get_template(f"{one}/_digest.txt").render(entries=entries))
        return _joined(parts)

    def _part(self, letter: Letter, language: str) -> str:
        known, said = templates(self.own), self._said(letter)
        notes = known.get_template(f"{language}/_notes.txt").render(**said)
        try:
            return known.get_template(f"{letter.channel}/{language}/{letter.template}.txt").render(**said) + notes
        except TemplateNotFound:
            long = self._long(letter, language)
        try:
            short = known.get_template(f"{letter.channel}/{language}/_short.txt")
        except TemplateNotFound:
            return long + notes
        title, sentence = long.splitlines()[:2]
        inline = "".join(f" {line}" for line in notes.splitlines())
        number = {"number": letter.number, "case_id": letter.case_id}
        return short.render(title=title, sentence=sentence, notes=inline, **number)

    def _long(self, letter: Letter, language: str) -> str:
        return templates(self.own).get_template(f"{language}/{letter.template}.txt").render(**self._said(letter))

    def _said(self, letter: Letter) -> dict[str, object]:
        naming, values = Naming(self.view), letter.values
        said: dict[str, object] = {name: Bilingual(text, text) for name, text in letter.texts.items()}
        said |= {name: code(value) for name, value in values.items()}
        if due_at := values.get("due_at"):
            said["due_at"] = naming.due(datetime.fromisoformat(due_at))
        said |= {name: naming.person(values[name]) for name in ("drafted_by", "ended_by") if name in values}
        if "unit" in values:
            said["unit"] = naming.unit(values["unit"])
        if "class_code" in values:
            said["matter"] = naming.matter(values["class_code"])
        if "grid" in values:
            said["grid"] = naming.grid(values["grid"])
        return {
            **said,
            "case_id": letter.case_id,
            "to": _addressed(letter.recipient, naming),
            "dues": {clock: naming.due(at) for clock, at in letter.dues.items()},
            "late": naming.moment(letter.late) if letter.late else None,
            "mass": letter.mass,
        }


def _languages(language: Language) -> tuple[str, ...]:
    return ("zh", "en") if language == "both" else (language,)


def _joined(parts: Sequence[str]) -> Text:
    body = "\n".join(parts)
    return Text(body.partition("\n")[0], body)


def _entry(text: str, letter: Letter) -> dict[str, object]:
    title, sentence = text.splitlines()[:2]
    for mark in TITLES:
        title = title.removeprefix(mark)
    return {"title": title, "sentence": sentence, "number": letter.number, "case_id": letter.case_id}


def _addressed(recipient: str, naming: Naming) -> Bilingual:
    kind, _, key = recipient.partition(":")
    match kind:
        case "person":
            known = naming.view.person(key)
            return Bilingual(known.name_zh, known.name_en) if known else Bilingual(key, key)
        case "unit":
            return naming.unit(key)
        case _:
            return Bilingual("诉求人", "reporter")
