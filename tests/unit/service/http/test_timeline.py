"""What the time line of a case says of its texts."""

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.events.contracts.intake import AppealReceived
from libs.events.event import Event
from libs.log.write.seal import MASKED, CaseKeys
from libs.service.http.timeline import texts

CASE = "0191f2a0-0000-7000-8000-000000000001"
APPEAL = AppealReceived(
    channel="phone",
    kind="complaint",
    content="三天没有人来收垃圾",
    grid="G03",
    reporter_kind="NAMED",
    reporter_name="示例张",
    reporter_phone="13800000000",
    received_by="zhou-min",
)


def keys() -> CaseKeys:
    return CaseKeys(CASE, {kind: AESGCM(AESGCM.generate_key(256)) for kind in ("reporter", "case")})


def as_stored(event: Event, held: CaseKeys) -> Event:
    return type(event).model_validate(orjson.loads(held.seal(event)))


def test_the_matter_is_told_and_who_reported_it_is_not() -> None:
    held = keys()

    assert texts(as_stored(APPEAL, held), held) == {"content": "三天没有人来收垃圾"}


def test_what_was_erased_stays_masked() -> None:
    held = keys()

    assert texts(as_stored(APPEAL, held), held.without(["case"])) == {"content": MASKED}
