"""Places in 1e-7 degrees and the grid that holds them. Pure geometry: no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

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

    def grid_of(self, longitude: int, latitude: int) -> GridCode | None:
        """The grid at a place; on a shared border the smaller code, so that every replay finds the same one."""
        from shapely import Point  # noqa: PLC0415

        found = self._tree.query(Point(longitude, latitude), predicate="intersects")
        return min((self._codes[index] for index in found), default=None)


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


def overlaps(grids: Iterable[GridPublished]) -> tuple[tuple[GridCode, GridCode], ...]:
    """Pairs of grids of one layer that share more than a border (E-GRID-OVERLAP); boundaries must be valid."""
    shapes = [(grid, polygon(grid)) for grid in grids]
    return tuple(
        (one.code, other.code)
        for (one, area), (other, second) in combinations(shapes, 2)
        if (one.kind == "MICRO") == (other.kind == "MICRO") and area.intersection(second).area > 0
    )
