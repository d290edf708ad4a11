"""A case that cannot be judged, be it by a rule that nobody can carry out or by our mistake: it alone waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from libs.events.errors import Rejected
from libs.log.transient import TRANSIENT


class NotJudged(Exception):
    """What should have been decided of a case met an error; its cause is the error."""

    def __init__(self, case_id: str, why: str) -> None:
        super().__init__(f"{case_id}: {why}")
        self.case_id = case_id
        self.why = why


@contextmanager
def judging(case_id: str, *, deciding: bool = True) -> Iterator[None]:
    """What fails within is this case's alone; refusals, and what passes by itself, are none of it.

    Where no command is decided on, as at the steps of its clocks, there is nobody to be refused: that fails too.
    """
    try:
        yield
    except (NotJudged, *TRANSIENT):
        raise
    except Exception as why:
        if deciding and isinstance(why, Rejected):
            raise
        # Whatever it is: the fault of a rule or of a decision is never that of the other cases of the lane.
        raise NotJudged(case_id, type(why).__name__) from why
