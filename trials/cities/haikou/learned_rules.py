"""A catalogue learned from earlier orders: category → unit by majority, else keywords by log-odds. Deterministic.

Every rule can be read: a category with its share of earlier orders, or a unit with the words that speak for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

SUPPORT = 5
"""A category or a word that stands in fewer earlier orders says nothing."""
MAJORITY = 2 / 3
"""A rule proposes a unit that got at least this share of what it would have proposed before."""
KEYWORDS = 40
"""The strongest words of each unit."""
ENOUGH = 30
"""Orders that a unit needs before words are said to speak for it."""

Category = tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """What a rule may look at, and the unit that handled the order. The text is kept nowhere else."""

    number: str
    category: Category
    text: str
    unit: str

    @property
    def words(self) -> frozenset[str]:
        """Pairs of neighbouring Chinese characters."""
        return frozenset(a + b for a, b in pairwise(self.text) if _han(a) and _han(b))


@dataclass(frozen=True)
class Proposal:
    """A unit, and the rule that names it."""

    unit: str
    rule: Category | None
    """None: by keywords."""


@dataclass(frozen=True)
class Rules:
    """Categories with their unit, and words with their weight per unit."""

    categories: dict[Category, str]
    keywords: dict[str, dict[str, float]]
    """Unit → word → log-odds."""
    margin: float
    """By how much the best unit must lead the second; infinite: words decide nothing."""

    def propose(self, order: Order) -> Proposal | None:
        """The most specific category that has a rule, else the keywords."""
        for depth in range(len(order.category), 0, -1):
            category = order.category[:depth]
            if unit := self.categories.get(category):
                return Proposal(unit, category)
        unit, lead = best_unit(self.keywords, order)
        return Proposal(unit, None) if unit and lead >= self.margin else None


def learn(orders: Sequence[Order]) -> Rules:
    """Rules from orders in the order of their time; how far words must lead is found on the last quarter of them."""
    split = len(orders) * 3 // 4
    trial = Rules(majorities(orders[:split]), weigh(orders[:split]), float("inf"))
    rest = [order for order in orders[split:] if trial.propose(order) is None]
    margin = smallest_margin((*best_unit(trial.keywords, order), order.unit) for order in rest)
    return Rules(majorities(orders), weigh(orders), margin)


def majorities(orders: Sequence[Order]) -> dict[Category, str]:
    """Category, at any depth → the unit that got the majority of its orders."""
    seen: dict[Category, Counter[str]] = defaultdict(Counter)
    for order in orders:
        for depth in range(1, len(order.category) + 1):
            seen[order.category[:depth]][order.unit] += 1
    return {category: unit for category, units in seen.items() if (unit := _majority(units))}


def _majority(units: Counter[str]) -> str | None:
    unit, count = max(units.items(), key=lambda item: (item[1], item[0]))
    total = units.total()
    return unit if total >= SUPPORT and count >= MAJORITY * total else None


def weigh(orders: Sequence[Order]) -> dict[str, dict[str, float]]:
    """Unit → its strongest words with their log-odds, half an order added to every count."""
    sizes = Counter(order.unit for order in orders)
    everywhere: Counter[str] = Counter()
    within: dict[str, Counter[str]] = defaultdict(Counter)
    for order in orders:
        everywhere.update(order.words)
        within[order.unit].update(order.words)
    return {
        unit: _strongest(within[unit], everywhere, size, len(orders))
        for unit, size in sorted(sizes.items())
        if size >= ENOUGH
    }


def _strongest(inside: Counter[str], everywhere: Counter[str], size: int, total: int) -> dict[str, float]:
    odds = {
        word: _logit(count, size) - _logit(everywhere[word] - count, total - size)
        for word, count in inside.items()
        if count >= SUPPORT
    }
    best = sorted(odds.items(), key=lambda item: (-item[1], item[0]))[:KEYWORDS]
    return {word: weight for word, weight in best if weight > 0}


def _logit(count: int, total: int) -> float:
    return log((count + 0.5) / (total - count + 0.5))


def best_unit(keywords: dict[str, dict[str, float]], order: Order) -> tuple[str | None, float]:
    """The unit for which the most words speak, and its lead over the second."""
    words = order.words
    scores = sorted(
        (-sum(weight for word, weight in known.items() if word in words), unit) for unit, known in keywords.items()
    )
    if not scores or scores[0][0] == 0:
        return None, 0.0
    second = -scores[1][0] if len(scores) > 1 else 0.0
    return scores[0][1], -scores[0][0] - second


def smallest_margin(tried: Iterator[tuple[str | None, float, str]]) -> float:
    """The least lead at which the majority of all proposals with that lead or more was right; infinite: there is none.

    `tried`: (unit proposed, its lead, unit that handled the order).
    """
    margin, right = float("inf"), 0
    ranked = sorted((-lead, unit == handled) for unit, lead, handled in tried if unit)
    for count, (lead, agrees) in enumerate(ranked, start=1):
        right += agrees
        if count >= SUPPORT and right >= MAJORITY * count:
            margin = -lead
    return margin


def _han(character: str) -> bool:
    return "一" <= character <= "鿿"
