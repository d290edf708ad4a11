"""The cases that routing's tests are about: who reported what, in the demo town, on literal days."""

from datetime import datetime

from libs.case.facts import Facts
from libs.case.testing import case_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import AppealReceived, CaseRegistered, GridEventReported
from libs.events.contracts.routing import CaseDispatched
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import AppointmentId, ClassCode, GridCode, PersonId, UnitId
from tests.unit.directory.town import VIEW, local

NINE = local("2026-11-03 09:00")
TEN = local("2026-11-03 10:00")
NOON = local("2026-11-03 12:00")

VILLAGE = UnitId("shiqiao-committee")
SANITATION = UnitId("suishan-sanitation")
HOUSING = UnitId("county-housing")
URBAN = UnitId("county-urban")
WATER = UnitId("county-water")
ENFORCEMENT = UnitId("suishan-enforcement")

LITTER_FOUND_BY_WANG = GridEventReported(
    discoverer=PersonId("wang-jianguo"),
    kind="grid_livelihood",
    class_code=ClassCode("village-litter"),
    grid=GridCode("G04"),
    content="村口垃圾堆积",
    location="1193150000,321050000",
    photos=("a" * 64,),
)
LITTER_REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="grid_livelihood",
    class_code=ClassCode("village-litter"),
    urgency="U3",
    grid=GridCode("G04"),
)
ODOUR_BY_A_CITIZEN = AppealReceived(
    channel="phone",
    kind="complaint",
    content="小区门口下水道异味",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_name="某先生",
    recorded_by=PersonId("zhou-min"),
)
ODOUR_REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="complaint",
    class_code=ClassCode("sewer-odour"),
    urgency="U3",
    grid=GridCode("G03"),
)
LITTER = ((NINE, LITTER_FOUND_BY_WANG), (NINE, LITTER_REGISTERED))
ODOUR = ((NINE, ODOUR_BY_A_CITIZEN), (NINE, ODOUR_REGISTERED))


def registered(class_code: str, grid: str = "G03") -> tuple[tuple[datetime, Event], ...]:
    """A citizen's complaint of this class, registered."""
    return (
        (NINE, ODOUR_BY_A_CITIZEN.model_copy(update={"grid": grid})),
        (NINE, ODOUR_REGISTERED.model_copy(update={"class_code": class_code, "grid": grid})),
    )


def dispatched(unit: UnitId, class_code: str, *, dual_hat: bool = False) -> CaseDispatched:
    """陈立 sent the case to the unit."""
    chen_li = PersonId("chen-li")
    return CaseDispatched(unit=unit, dispatched_by=chen_li, class_code=ClassCode(class_code), dual_hat=dual_hat)


def facts(*log: tuple[datetime, Event], view: View = VIEW) -> Facts:
    """What routing knows when the log says this."""
    return Facts(case_of(*log), view)


def acting(appointment: str) -> Actor:
    """The person of the town who holds this appointment, acting in it."""
    post = VIEW.appointment(appointment)
    assert post is not None
    return Actor(person=post.person, role=post.role, appointment=AppointmentId(appointment), unit=post.unit)


CHEN_LI = acting("chen-li-dispatcher")
ZHOU_MIN = acting("zhou-min-operator")
WANG_JIANGUO = acting("wang-jianguo-clerk")
LIU_GUILAN = acting("liu-guilan-clerk")
LIU_GUILAN_HANDLER = acting("liu-guilan-handler")
FANG_YUN = acting("fang-yun-clerk")
ZHENG_KAI = acting("zheng-kai-handler")
TANG_JING = acting("tang-jing-clerk")
CAO_YING = acting("cao-ying-clerk")
DENG_HUI = acting("deng-hui-arbiter")
LUO_MIN = acting("luo-min-coordinator")
