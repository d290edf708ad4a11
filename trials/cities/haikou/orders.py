"""Haikou 12345: rules learned from the orders before May 2018, tried on later ones by the running system.

Holds no row of the file; what the rules are is known only while it runs. People and posts are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from importing.loading import load
from importing.rows import Row
from importing.rows import read as read_rows
from operations.installation import ROOT
from trials.cities.haikou.learned_rules import (
    Category,
    Order,
    Rules,
    learn,
)

FILE = "haikou_12345_labelled_2018.csv.gz"
MAPPING = ROOT / "examples" / "mappings" / "haikou.yaml"
LIMITS = ROOT / "examples" / "boston" / "rulebook.yaml"
"""Every limit `none`: nothing is judged here but the route."""
NUMBER, TEXT, UNIT = "工单编号", "诉求内容", "处置单位"
# 单位类别 is not compared: most units stand under several groups there, so it says nothing of a unit.
LEVELS = ("行业分类1级", "行业分类2级", "行业分类3级", "行业分类4级")
LEARNED_BEFORE = "201805"
OPERATOR, SUPERVISOR = "operator", "supervisor"
NO_RULE = "no-rule"
ELSEWHERE = "0"
"""An area in which no grid lies: whoever leads there leads nothing."""


def read(folder: Path) -> list[tuple[Order, Row]]:
    """Every order of the file by its number, which begins with its date."""
    mapping, _ = load(MAPPING)
    rows = sorted(read_rows(folder / FILE, mapping), key=lambda row: row.values[NUMBER])
    return [(_order(row), row) for row in rows]


def _order(row: Row) -> Order:
    category = tuple(row.values[level] for level in LEVELS)
    return Order(row.values[NUMBER], category, row.values[TEXT], row.values[UNIT])


@dataclass(frozen=True)
class Catalogue:
    """Learned rules as classes of matter: one per category that has a rule, one per unit that words speak for."""

    rules: Rules
    units: dict[str, str]
    """Name of a unit → its id in the directory."""
    categories: dict[Category, str]
    """Category → class code."""

    @staticmethod
    def of(orders: Sequence[Order]) -> Catalogue:
        """Learn from orders in the order of their time."""
        rules = learn(orders)
        named = sorted({*rules.categories.values(), *rules.keywords})
        return Catalogue(
            rules,
            {name: f"unit-{number:03}" for number, name in enumerate(named, start=1)},
            {category: f"category-{number:04}" for number, category in enumerate(sorted(rules.categories), start=1)},
        )

    def class_of(self, order: Order) -> str:
        """The class code that an operator would choose with these rules at hand."""
        proposal = self.rules.propose(order)
        if proposal is None:
            return NO_RULE
        return self.categories[proposal.rule] if proposal.rule else f"words-{self.units[proposal.unit]}"

    def documents(self) -> dict[str, Any]:
        """What the city is founded with."""
        return {**self.people(), "catalogue": [*self.classes()]}

    def people(self) -> dict[str, Any]:
        """The rulebook, the units and two invented people in each."""
        book = yaml.safe_load(LIMITS.read_text(encoding="utf-8"))["rulebook"]
        book |= {"clock": {**book["clock"], "tz": "Asia/Shanghai"}}
        centre = [("drafter", "ADMIN"), ("approver", "ADMIN"), (OPERATOR, "OPERATOR"), (SUPERVISOR, "SUPERVISOR")]
        # The trial ends with the dispatch; a city has somebody who would review.
        centre.append(("reviewer", "REVIEWER"))
        posts = [(person, "centre", role) for person, role in centre]
        for unit in self.units.values():
            posts += [(f"{unit}-clerk", unit, "DEPT_CLERK"), (f"{unit}-handler", unit, "DEPT_HANDLER")]
        city = {"id": "city", "name_zh": "市", "name_en": "City", "kind": "GOVERNMENT", "level": "CITY"}
        hotline = {
            "id": "centre",
            "name_zh": "热线中心",
            "name_en": "Hotline centre",
            "kind": "CENTRE",
            "level": "CITY",
        }
        return {
            "rulebook": book,
            "units": [city, {**hotline, "parent": "city"}, *(_unit(name, code) for name, code in self.units.items())],
            "people": [{"id": person, "name_zh": person, "name_en": person} for person, _, _ in posts],
            "appointments": [_post(*post) for post in posts],
            "grids": [GRID],
        }

    def classes(self) -> Iterator[dict[str, Any]]:
        """Who leads what; a matter without a rule has nobody, so the dispatcher names a unit (d.4 R11)."""
        for category, code in self.categories.items():
            yield _class(code, " > ".join(category), {"unit": self.units[self.rules.categories[category]]})
        for name in self.rules.keywords:
            yield _class(f"words-{self.units[name]}", f"{name}: 关键词", {"unit": self.units[name]})
        yield _class(NO_RULE, "没有规则适用", {"unit": "city", "area": ELSEWHERE})


GRID = {
    "code": "HK",
    "name_zh": "全市",
    "name_en": "The whole city",
    "kind": "GENERAL",
    "setting": "URBAN",
    "town": "city",
    "area": "",
    "polygon": [[110.1, 19.5], [110.8, 19.5], [110.8, 20.2], [110.1, 20.2]],
}


def _unit(name: str, code: str) -> dict[str, Any]:
    return {"id": code, "name_zh": name, "name_en": code, "kind": "DEPARTMENT", "level": "CITY", "parent": "city"}


def _post(person: str, unit: str, role: str) -> dict[str, Any]:
    post = {"id": f"{person}-post", "person": person, "unit": unit, "role": role}
    return {**post, "since": "2018-01-01", "basis": "assigned"}


def _class(code: str, name: str, lead: dict[str, str]) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": name,
        "name_en": code,
        "matter_type": "APPEAL",
        "kinds": ["help"],
        "dispatch": "auto",
        "leads": [lead],
        "verification": False,
        "callback": False,
        "photo_exempt": True,
    }


@dataclass(frozen=True)
class Trial:
    """What routing made of later orders; shares are of the orders that a rule sent somewhere."""

    orders: int
    by_category: int
    by_keywords: int
    queued: int
    agree_unit: int
    agree_unit_by_category: int
    agree_unit_by_keywords: int
    largest_unit: int
    """How many orders the largest unit of the earlier orders handled: what naming it always would have agreed."""


def judge(tried: Sequence[Order], catalogue: Catalogue, sent: dict[str, str | None], largest: str) -> Trial:
    """`sent`: order number → unit id to which routing dispatched it, None where it waits for the dispatcher."""
    names = {code: name for name, code in catalogue.units.items()}
    chosen = [(order, names[unit]) for order in tried if (unit := sent[order.number])]
    words = {order.number for order, _ in chosen if catalogue.class_of(order).startswith("words-")}
    agreed = {order.number for order, name in chosen if name == order.unit}
    return Trial(
        orders=len(tried),
        by_category=len(chosen) - len(words),
        by_keywords=len(words),
        queued=len(tried) - len(chosen),
        agree_unit=len(agreed),
        agree_unit_by_category=len(agreed - words),
        agree_unit_by_keywords=len(agreed & words),
        largest_unit=sum(order.unit == largest for order in tried),
    )
