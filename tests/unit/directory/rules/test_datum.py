"""A point that a telephone's map gives is found in the grid in which it lies."""

from hypothesis import given
from hypothesis import strategies as st

from libs.directory.rules.datum import _shift, on_wgs84

E7 = 10_000_000


def test_the_gate_of_the_forbidden_city_lies_where_surveyors_have_it() -> None:
    """Both readings of 天安门 are published; they are four hundred metres apart."""
    longitude, latitude = on_wgs84(1_163_975_000, 399_087_000, "GCJ02")
    assert (round(longitude / E7, 3), round(latitude / E7, 3)) == (116.391, 39.907)


@given(st.floats(73.6, 134.7), st.floats(18.2, 53.5))
def test_what_was_shifted_comes_back_to_within_a_centimetre(longitude: float, latitude: float) -> None:
    by_east, by_north = _shift(longitude, latitude)
    back = on_wgs84(round((longitude + by_east) * E7), round((latitude + by_north) * E7), "GCJ02")
    assert abs(back[0] - longitude * E7) <= 2
    assert abs(back[1] - latitude * E7) <= 2


def test_outside_china_and_on_wgs84_nothing_moves() -> None:
    assert on_wgs84(-710_600_000, 423_600_000, "GCJ02") == (-710_600_000, 423_600_000)
    assert on_wgs84(1_193_050_000, 321_050_000, "WGS84") == (1_193_050_000, 321_050_000)
