"""Places in 1e-7 degrees and the grid that holds them. Pure geometry: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import cos, radians
from statistics import median_low
from typing import TYPE_CHECKING, Any

from libs.events.contracts.directory import GridPublished
from libs.events.ids import GridCode

if TYPE_CHECKING:
    from shapely import Polygon

# Imported where a place is looked up: geometry and numpy cost memory and time that most processes never use.

E7 = Decimal(10_000_000)


def e7(degrees: str | int | float | Decimal) -> int:
    """Degrees → integer 1e-7 degrees, by the decimal text of the number; further digits are rounded half to even."""
    return int((Decimal(str(degrees)) * E7).to_integral_value())


class GridIndex:
    """General and dedicated grids share one layer and never overlap; micro grids lie inside them and are left out."""

    def __init__(self, grids: Iterable[GridPublished]) -> None:
        from shapely import STRtree  # noqa: PLC0415

        layer = [grid for grid in grids if grid.kind != "MICRO"]
        self._codes = [grid.code for grid in layer]
        self._tree = STRtree([polygon(grid) for grid in layer])

    def grids_at(self, longitude: int, latitude: int) -> list[GridCode]:
        """The grids at a place, by code: on a border several, and one that has ended beside what follows on it."""
        from shapely import Point  # noqa: PLC0415

        found = self._tree.query(Point(longitude, latitude), predicate="intersects")
        return sorted(self._codes[index] for index in found)


def polygon(grid: GridPublished) -> Polygon:
    """The grid's boundary as geometry, in 1e-7 degrees."""
    from shapely import Polygon  # noqa: PLC0415

    return Polygon(grid.polygon)


def broken(grids: Iterable[GridPublished]) -> tuple[GridCode, ...]:
    """Grids whose boundary leaves the earth, crosses itself or encloses nothing."""
    return tuple(
        grid.code for grid in grids if not _on_earth(grid) or not polygon(grid).is_valid or not polygon(grid).area
    )


def _on_earth(grid: GridPublished) -> bool:
    return all(abs(longitude) <= 180 * E7 and abs(latitude) <= 90 * E7 for longitude, latitude in grid.polygon)


@dataclass(frozen=True)
class Overlap:
    """Two grids of one layer that share more than a border; `share` of the smaller one."""

    first: GridCode
    second: GridCode
    share: float
    square_metres: int


@dataclass(frozen=True)
class Gap:
    """Ground that grids enclose, or almost touch across, and none of them holds."""

    beside: tuple[GridCode, ...]
    square_metres: int


DRAWN_TWICE = 0.2
"""Share of the smaller grid above which an overlap is no edge of a survey."""
NARROW_METRES = 30.0
"""Grids that are nearer to each other than this are meant to touch."""
LEAST_SQUARE_METRES = 100
"""Less is the rounding of corners along a border."""
METRES_PER_E7 = 0.011_119_5
CHINA = (73e7, 3e7, 136e7, 54e7)
"""West, south, east, north."""
NEAR, FAR = 2e7, 10e7
"""Of a town: within, and surely beyond, what it may stretch over."""


def overlaps(grids: Sequence[GridPublished]) -> tuple[Overlap, ...]:
    """Pairs of grids of one layer that share more than a border (E-GRID-OVERLAP); boundaries must be valid."""
    from shapely import STRtree  # noqa: PLC0415

    found: list[Overlap] = []
    for micro in (False, True):
        layer = [grid for grid in grids if (grid.kind == "MICRO") == micro]
        shapes = _on_a_plane(layer)
        pairs = STRtree(shapes).query(shapes, predicate="intersects").T.tolist() if shapes else []
        for one, other in sorted(pairs):
            shared = shapes[one].intersection(shapes[other]).area if one < other else 0.0
            if shared > 0:
                share = shared / min(shapes[one].area, shapes[other].area)
                if share > DRAWN_TWICE or shared >= LEAST_SQUARE_METRES:
                    found.append(Overlap(layer[one].code, layer[other].code, share, round(shared)))
    return tuple(found)


def gaps(grids: Iterable[GridPublished]) -> tuple[Gap, ...]:
    """What general and dedicated grids leave between them; boundaries must be valid."""
    from shapely import STRtree, unary_union  # noqa: PLC0415

    layer = [grid for grid in grids if grid.kind != "MICRO"]
    if len(layer) < 2:
        return ()
    shapes = _on_a_plane(layer)
    whole, tree = unary_union(shapes), STRtree(shapes)
    # Out and in again closes what is narrow; corners stay as they are, or every bend would seem to have one.
    half = NARROW_METRES / 2
    closed = whole.buffer(half, join_style="mitre").buffer(-half, join_style="mitre")
    found: list[Gap] = []
    left = _filled(closed).difference(whole)
    for part in getattr(left, "geoms", [left]):
        beside = tuple(sorted(layer[at].code for at in tree.query(part.buffer(1.0), predicate="intersects")))
        if part.area >= LEAST_SQUARE_METRES and len(beside) > 1:
            found.append(Gap(beside, round(part.area)))
    return tuple(sorted(found, key=lambda gap: (gap.beside, gap.square_metres)))


def swapped(grids: Iterable[GridPublished], *, china: bool) -> tuple[GridCode, ...]:
    """Grids that would lie among the others, or in China, if their latitudes were their longitudes."""
    middles = {grid.code: _middle(grid) for grid in grids}
    here = tuple(median_low(axis) for axis in zip(*middles.values(), strict=True)) if len(middles) > 2 else ()
    return tuple(
        code
        for code, at in middles.items()
        if (china and not _in_china(at) and _in_china(at[::-1]))
        or (here and _apart(at, here) > FAR and _apart(at[::-1], here) < NEAR)
    )


def _middle(grid: GridPublished) -> tuple[int, ...]:
    return tuple(sum(axis) // len(axis) for axis in zip(*grid.polygon, strict=True))


def _apart(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _in_china(at: tuple[int, ...]) -> bool:
    west, south, east, north = CHINA
    return west <= at[0] <= east and south <= at[1] <= north


def _on_a_plane(grids: Sequence[GridPublished]) -> list[Polygon]:
    """Boundaries in metres on one plane, good to a part in a hundred over a city."""
    from shapely import Polygon  # noqa: PLC0415

    narrow = cos(radians(median_low(_middle(grid)[1] for grid in grids) / 1e7)) if grids else 1.0
    return [Polygon((x * METRES_PER_E7 * narrow, y * METRES_PER_E7) for x, y in grid.polygon) for grid in grids]


def _filled(shape: Any) -> Any:
    """The shape without holes."""
    from shapely import Polygon, unary_union  # noqa: PLC0415

    return unary_union([Polygon(part.exterior) for part in getattr(shape, "geoms", [shape])])
