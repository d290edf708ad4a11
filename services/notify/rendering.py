"""Template + values → the text of a message, Chinese first. Local time, names beside ids; nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from libs.directory.naming import Naming, Said, code
from libs.directory.view import View

FOLDER = Path(__file__).with_name("templates")
TEMPLATES = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(FOLDER),
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


def render(letter: Letter, view: View) -> str:
    """The text; raises `jinja2.TemplateError` where the template prints what the event did not say."""
    naming, values = Naming(view), letter.values
    said: dict[str, object] = {name: code(value) for name, value in values.items()}
    if due_at := values.get("due_at"):
        said["due_at"] = naming.due(datetime.fromisoformat(due_at))
    if "unit" in values:
        said["unit"] = naming.unit(values["unit"])
    if "class_code" in values:
        said["matter"] = naming.matter(values["class_code"])
    if "grid" in values:
        said["grid"] = naming.grid(values["grid"])
    clocks = {clock: naming.due(at) for clock, at in letter.dues.items()}
    to = _addressed(letter.recipient, naming)
    template = TEMPLATES.get_template(f"{letter.template}.txt")
    return template.render(**said, case_id=letter.case_id, to=to, dues=clocks)


def _addressed(recipient: str, naming: Naming) -> Said:
    kind, _, key = recipient.partition(":")
    match kind:
        case "person":
            known = naming.view.person(key)
            return Said(known.name_zh, known.name_en) if known else Said(key, key)
        case "unit":
            return naming.unit(key)
        case _:
            return Said("诉求人", "reporter")
