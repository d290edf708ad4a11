"""What people do under load: an appeal's life in eight commands and two photos, and what is asked. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trials.photo import PHOTO, PHOTO_FORM, Form
from trials.town import place


@dataclass(frozen=True)
class Act:
    """One command: who does it, at which service, and what is said. `{case}` stands for the case id."""

    name: str
    zh: str
    service: str
    path: str
    person: str
    body: Mapping[str, Any] | Form

    @property
    def is_photo(self) -> bool:
        """Sent for the next act, which shows it."""
        return isinstance(self.body, Form)


def photo(name: str, person: str) -> Act:
    """What a report shows is sent before it."""
    return Act(name, "照片", "intake", "/cases/{case}/attachments", person, PHOTO_FORM)


KINDS = {"channel": "phone", "kind": "complaint", "place": {"grid": "G03"}}
LIFE = (
    Act("appeal", "受理", "intake", "/appeals", "zhou-min", {**KINDS, "content": "{n} 号灯杆路灯不亮"}),
    Act(
        "register",
        "立案",
        "intake",
        "/cases/{case}/register",
        "zhou-min",
        {"class_code": "street-light", "urgency": "U3"},
    ),
    Act("dispatch", "派遣", "routing", "/cases/{case}/dispatch", "chen-li", {}),
    Act("accept", "签收", "routing", "/cases/{case}/accept", "tang-jing", {}),
    photo("photo of the work", "song-tao"),
    Act(
        "feedback",
        "反馈",
        "routing",
        "/cases/{case}/feedback",
        "song-tao",
        {"result": "SOLVED", "reply": "已更换灯具", "photos": [PHOTO]},
    ),
    Act("review", "审核", "supervision", "/cases/{case}/review", "wu-qian", {"accepted": True}),
    photo("photo on the spot", "li-fang"),
    Act(
        "verify",
        "核实",
        "supervision",
        "/cases/{case}/verification/result",
        "li-fang",
        {"passed": True, "photos": [PHOTO], **place("G03")},
    ),
    Act("close", "结案", "supervision", "/cases/{case}/close", "wu-qian", {}),
)
ASKED = (
    ("overdue", "supervision", "/overdue", "han-feng"),
    ("work", "routing", "/work", "tang-jing"),
    ("due soon", "supervision", "/due-soon", "han-feng"),
    ("queue", "routing", "/queue", "chen-li"),
    ("counts", "supervision", "/counts?by=unit", "han-feng"),
)
PEOPLE = tuple(sorted({act.person for act in LIFE} | {person for *_, person in ASKED}))


def body_of(act: Act, number: int) -> dict[str, Any] | Form:
    """What is said; no two appeals say the same."""
    if isinstance(act.body, Form):
        return act.body
    return {name: value.format(n=number) if name == "content" else value for name, value in act.body.items()}
