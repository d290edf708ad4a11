"""Names of things: typed ids, and the one place that makes new ones."""

from typing import NewType

import uuid_utils.compat

CaseId = NewType("CaseId", str)
"""UUID of a case, lower case, 36 characters."""
EventId = NewType("EventId", str)
PersonId = NewType("PersonId", str)
UnitId = NewType("UnitId", str)
AppointmentId = NewType("AppointmentId", str)
GridCode = NewType("GridCode", str)
ClassCode = NewType("ClassCode", str)
ClockId = NewType("ClockId", str)
"""`<event id of the starting fact>/<clock>`."""
MessageId = NewType("MessageId", str)
DraftId = NewType("DraftId", str)
"""UUID of a draft of the directory."""
ExternalId = NewType("ExternalId", str)
"""How another system calls a case; where it comes in, it is held to `EXTERNAL_ID`."""
EXTERNAL_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$"
"""An id and no text: in it nobody can be named, for it is never sealed."""


SPACE = uuid_utils.compat.uuid5(uuid_utils.compat.NAMESPACE_URL, "xunban")


def derived_id(*names: str) -> str:
    """An id that follows from what it stands for; the same names always have the same one."""
    return str(uuid_utils.compat.uuid5(SPACE, "/".join(names)))


def new_id() -> str:
    """A new UUIDv7 as text: sorts by creation time, never repeats."""
    return str(uuid_utils.compat.uuid7())
