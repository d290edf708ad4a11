"""A signed head shows what a chain alone cannot: a cut tail, and a tail that was forged with a valid chain."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.audit.checks.chain import Checker
from libs.audit.checks.findings import Fault
from libs.audit.checks.signatures import Signatures
from libs.events.checkpoint import FIRST, Checkpoint, digest
from tests.keys import KEY, PUBLIC, STRANGER
from tests.unit.audit.logs import WrittenRecord, sound_log

ROUTING = "/xunban/routing"
AT = "2026-11-02T09:00:00.000000Z"


def heads_of(log: list[WrittenRecord]) -> Checker:
    checker = Checker()
    checker.check_all(log)
    return checker


def signed(seq: int, head: str, previous: str = FIRST, by: Ed25519PrivateKey = KEY) -> WrittenRecord:
    body = Checkpoint(ROUTING, AT, {2: (seq, head)}, previous).body()
    return WrittenRecord("audit.checkpoints", 0, 0, ROUTING.encode(), body, [("signature", by.sign(body))])


def faults(log: list[WrittenRecord], *checkpoints: WrittenRecord) -> list[tuple[Fault, int | None, int | None]]:
    signatures = Signatures(PUBLIC.proves)
    signatures.take_all(checkpoints)
    signatures.judge(heads_of(log).heads)
    return [(found.fault, found.lane, found.seq) for found in signatures.findings]


LOG = sound_log()
HEAD = heads_of(LOG).heads[ROUTING, 2]


def test_a_log_that_holds_what_was_signed_has_no_findings() -> None:
    first = signed(HEAD.seq, HEAD.hash.hex())
    second = signed(HEAD.seq, HEAD.hash.hex(), digest(first.value or b""))

    assert faults(LOG, first, second) == []


def test_a_cut_tail_is_found_though_the_rest_of_the_chain_holds() -> None:
    cut = [record for record in LOG if heads_of([record]).heads.keys() != {(ROUTING, 2)}]

    assert heads_of(cut).findings == []
    assert faults(cut, signed(HEAD.seq, HEAD.hash.hex())) == [(Fault.CUT, 2, HEAD.seq)]


def test_an_event_other_than_the_signed_one_is_found() -> None:
    assert faults(LOG, signed(HEAD.seq, "ab" * 32)) == [(Fault.FORK, 2, HEAD.seq)]


def test_a_checkpoint_of_a_stranger_is_found_and_believed_in_nothing() -> None:
    assert faults(LOG, signed(99, "ab" * 32, by=STRANGER)) == [(Fault.SIGNATURE, None, None)]


def test_a_checkpoint_that_was_taken_out_of_the_row_is_missed() -> None:
    first = signed(1, HEAD.known(1).hex() + "0" * (64 - 2 * len(HEAD.known(1))))
    third = signed(HEAD.seq, HEAD.hash.hex(), "cd" * 32)

    assert faults(LOG, first, third) == [(Fault.CHAIN, None, None)]
