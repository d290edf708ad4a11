"""Lanes and the hash chain, without a database."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.events.lanes import CASE_LANES, decode_meta, encode_meta, genesis, lane_of, leaf_hash, link_hash

HEADERS = st.lists(st.tuples(st.text(max_size=40), st.binary(max_size=400)), max_size=12)


def test_a_case_keeps_its_lane_whatever_case_its_letters_have() -> None:
    assert lane_of("0199A5B0-7C1E-7D3A-9F00-2B6C1D5E8A01") == lane_of("0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01") == 2


@given(st.uuids())
def test_every_case_has_one_of_the_64_lanes(case_id: UUID) -> None:
    assert 0 <= lane_of(str(case_id)) < CASE_LANES


@given(HEADERS)
def test_headers_come_back_from_the_hashed_bytes_as_they_were(headers: list[tuple[str, bytes]]) -> None:
    assert decode_meta(encode_meta(headers)) == headers


@given(HEADERS, HEADERS)
def test_different_headers_never_give_the_same_bytes(
    one: list[tuple[str, bytes]], other: list[tuple[str, bytes]]
) -> None:
    assert (encode_meta(one) == encode_meta(other)) == (one == other)


def test_each_source_and_lane_starts_its_own_chain() -> None:
    starts = {genesis(source, lane) for source in ("/xunban/intake", "/xunban/routing") for lane in range(64)}
    assert len(starts) == 128


def test_every_part_of_an_event_moves_the_hash() -> None:
    leaf = leaf_hash(2, 1, 1, 1_000, b"meta", b"body")
    others = {
        leaf_hash(3, 1, 1, 1_000, b"meta", b"body"),
        leaf_hash(2, 2, 1, 1_000, b"meta", b"body"),
        leaf_hash(2, 1, 2, 1_000, b"meta", b"body"),
        leaf_hash(2, 1, 1, 1_001, b"meta", b"body"),
        leaf_hash(2, 1, 1, 1_000, b"metab", b"ody"),
        leaf_hash(2, 1, 1, 1_000, b"meta", b"bodY"),
    }
    assert len({leaf, *others}) == 7


def test_the_chain_goes_on_from_what_came_before() -> None:
    leaf = leaf_hash(2, 1, 1, 1_000, b"meta", b"body")
    assert link_hash(b"\x00" * 32, leaf) != link_hash(b"\x01" * 32, leaf)
