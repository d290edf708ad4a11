"""Points as maps in China give them, on the datum that grids are drawn in. Pure.

GCJ-02 (国测局坐标, of most maps on telephones) is WGS 84 moved by up to 700 m. By the public description of it the
shift is undone here to within a millimetre. CGCS2000, in which grids are surveyed, differs from WGS 84 by centimetres.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import Literal

Datum = Literal["WGS84", "GCJ02"]
RADIUS = 6_378_245.0
"""Metres; of Krassovsky's ellipsoid, as the shift uses it."""
FLATNESS = 0.006_693_421_622_965_943
E7 = 10_000_000
ROUNDS = 8
"""Each brings the point a hundred times nearer."""


def on_wgs84(longitude: int, latitude: int, datum: Datum) -> tuple[int, int]:
    """The point in 1e-7 degrees; outside China, and on WGS 84 already, as it is."""
    if datum == "WGS84" or not _is_shifted(longitude / E7, latitude / E7):
        return longitude, latitude
    east, north = longitude / E7, latitude / E7
    for _ in range(ROUNDS):
        by_east, by_north = _shift(east, north)
        east, north = longitude / E7 - by_east, latitude / E7 - by_north
    return round(east * E7), round(north * E7)


def _is_shifted(longitude: float, latitude: float) -> bool:
    return 72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271


def _shift(longitude: float, latitude: float) -> tuple[float, float]:
    """By how many degrees GCJ-02 moves a point of WGS 84."""
    x, y = longitude - 105, latitude - 35
    waves = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves + _long_waves(x, 150, 300)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    curve = 1 - FLATNESS * sin(latitude / 180 * pi) ** 2
    by_east = east * 180 / (RADIUS / sqrt(curve) * cos(latitude / 180 * pi) * pi)
    by_north = north * 180 / (RADIUS * (1 - FLATNESS) / (curve * sqrt(curve)) * pi)
    return by_east, by_north


def _long_waves(x: float, first: float, second: float) -> float:
    near = (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    return near + (first * sin(x / 12 * pi) + second * sin(x / 30 * pi)) * 2 / 3
