"""Whatever rulebook is published, supervision carries it out: from the first fact to the last step of the ladder."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from libs.directory.findings import DocumentsRefused
from libs.events.contracts.supervision import SupervisionIssued
from libs.events.ids import PersonId
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import RAW, published, ruled
from tests.unit.examples import examples
from tests.unit.supervision.cases import APPEALED_BY_A_CITIZEN, HOUSING, Worker

BOOK = RAW["rulebook"]
AMOUNTS = st.sampled_from((1, 1, 2, 7, 300, 9_999, 99_999, 0))
UNITS = st.sampled_from(("min", "h", "wh", "wd", "d"))
TEXTS = st.one_of(
    st.sampled_from(("none", "refused")), st.builds(lambda amount, unit: f"{amount}{unit}", AMOUNTS, UNITS)
)
STEPS = st.sampled_from((0, 1, 5, 24, 500, 10_000))
RATIOS = st.sampled_from(("1/9999", "1/3", "2/3", "1"))
LONG = st.sampled_from(("1", "1.0000001", "2", "17/5", "40", "4000"))
LADDERS = st.fixed_dictionaries(dict.fromkeys(("L2", "L3", "L4", "L5"), STEPS))
ORDERED = SupervisionIssued(level=2, issued_by=PersonId("han-feng"), unit=HOUSING, order="请尽快办理")
LATER = china("2027-06-01 08:00")


@examples(60)
@given(
    dispatch=TEXTS,
    sign=TEXTS,
    response=TEXTS,
    handling=TEXTS,
    ladder=LADDERS,
    hours=LADDERS,
    yellow=RATIOS,
    long_red=LONG,
    urgency=st.sampled_from(("U1", "U2", "U3", "U4")),
)
def test_what_is_published_is_carried_out(**drawn: Any) -> None:
    limits = {"dispatch": drawn["dispatch"], "sign": drawn["sign"], "supervision_response": drawn["response"]}
    raw = ruled(
        limits=BOOK["limits"] | limits,
        handling=BOOK["handling"] | {"complaint": drawn["handling"]},
        lamp={"yellow_ratio": drawn["yellow"], "long_red_ratio": drawn["long_red"]},
        ladder_wd=drawn["ladder"],
        ladder_h=drawn["hours"],
    )
    try:
        town = published(raw)
    except DocumentsRefused:
        return

    (found, registered, *others) = APPEALED_BY_A_CITIZEN
    urgent = registered[0], registered[1].model_copy(update={"urgency": drawn["urgency"], "filing_condition": None})
    desk = Worker(town).read(found, urgent, *others[:2], (others[1][0] + timedelta(hours=1), ORDERED))

    desk.elapse(LATER)
    assert desk.next_step is None or desk.next_step.instant >= LATER
