"""What can be chosen in a form, by its list's name: classes, units, people, in the visitor's words."""

from __future__ import annotations

from services.console.session.visitor import Visitor

Choice = tuple[str, str]


def choices(visitor: Visitor) -> dict[str, list[Choice]]:
    """The lists of the directory that every form may name."""
    if visitor.names is None:
        return {}
    view = visitor.names.view
    return {
        "classes": [(one.code, visitor.name("matter", one.code)) for one in view.classes],
        "conditions": [
            (one.id, f"{visitor.name('matter', item.code)} · {visitor.say(one.name_zh, one.name_en)} ({one.limit})")
            for item in view.classes
            for one in item.filing_conditions
        ],
        "units": [(one.id, visitor.name("unit", one.id)) for one in view.units],
        "grids": [(one.code, visitor.name("grid", one.code)) for one in view.grids],
        "verifiers": people_with(visitor, "GRID_WORKER"),
    }


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
