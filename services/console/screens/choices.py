"""What can be chosen in a form or a filter, by its list's name: classes, units, people, in the visitor's words."""

from __future__ import annotations

from collections.abc import Iterable

from services.console.session.visitor import Visitor

Choice = tuple[str, str]


def choices(visitor: Visitor) -> dict[str, list[Choice]]:
    """The lists of the directory that every form may name; what has ended is offered by filters alone (`all_…`)."""
    if visitor.names is None:
        return {}
    view, ended = visitor.names.view, visitor.names.ended
    every = {
        "classes": named(visitor, "matter", (one.code for one in view.classes)),
        "units": named(visitor, "unit", (one.id for one in view.units)),
        "grids": named(visitor, "grid", (one.code for one in view.grids)),
    }
    return {
        **{name: [one for one in of if one[0] not in ended.get(name, ())] for name, of in every.items()},
        **{f"all_{name}": of for name, of in every.items()},
        "conditions": [
            (one.id, f"{visitor.name('matter', item.code)} · {visitor.say(one.name_zh, one.name_en)} ({one.limit})")
            for item in view.classes
            if item.code not in ended.get("classes", ())
            for one in item.filing_conditions
        ],
        "verifiers": people_with(visitor, "GRID_WORKER"),
    }


def named(visitor: Visitor, kind: str, keys: Iterable[str]) -> list[Choice]:
    """Ids with their names."""
    return [(key, visitor.name(kind, key)) for key in keys]


def handlers_of(visitor: Visitor, unit: str | None) -> list[Choice]:
    """Who may be named as handler in a unit."""
    return people_with(visitor, "DEPT_HANDLER", unit)


def people_with(visitor: Visitor, role: str, unit: str | None = None) -> list[Choice]:
    """Everybody who holds a role, in one unit or anywhere."""
    posts = visitor.names.posts if visitor.names else {}
    return [
        (person, visitor.name("person", person))
        for person, held in posts.items()
        if any(one["role"] == role and unit in (None, one["unit"]) for one in held)
    ]
