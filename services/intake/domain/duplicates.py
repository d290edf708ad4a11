"""Whether two matters are one: distance, address, class, and how alike their words are. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from math import cos, hypot, radians

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.errors import NotFound, Rejected
from libs.events.ids import GridCode
from services.intake.domain.reception import Place

METRES_PER_E7 = 111_320 / 10_000_000
"""Metres of a 1e-7 degree along a meridian."""
HASHED = 4
MOST_WORDS = 500
ALIKE = 0.25
"""From this share of common words on a case in the same grid is worth a look [P]."""
ONE_MATTER = 0.3
"""From this share of the pairs of the shorter text on the same caller speaks of the same thing [P]."""
NO_ADDRESS = re.compile(
    "|".join((
        r".?",
        r"(暂|均|都|尚)?(无|没有?|未|不)(提供|说明|告知|留下?|填写?|详|明|知道?|清楚|确定|便透露|愿透露|方便(透露)?)?(具体|详细)?(地址|位置|地点|住址)?",
        r"(具体|详细)?(地址|位置|地点|住址)(不详|不明|未知|不清楚?|保密|略)",
        r"未知|不明|同(上|前)|如(题|上|下)|略|其他|其它|某(地|处|村|小区)|保密|待定|待补充",
        r"(详?见|按)(内容|附件|正文|诉求|描述|工单|照片|图片?|上)|电话(联系|沟通)|来电(反映|人处)",
        r"(本人)?(家(中|里)?|住处|住址|户籍地|现场|当地|本地)|家?附近|路(上|边)|(本|我们?|该)(小区|村|社区|单位|地|镇|县|市)|(小区|村|社区|镇)(内|里)",
        r"(线上|网上|网络)|全(省|市|县|区|镇|村)",
        r"na|none|no|nil|null|unknown|same|sameasabove|tbd|test|xx+|0+|nowhere|home|here",
    ))
)  # fmt: skip
"""What is written where there is no address, as `_letters` leaves it."""


class MatterUnclear(Rejected):
    """The caller has open cases of this kind at this place, and speaks of something else, as it seems."""

    code = "E-MATTER"
    zh = "该诉求人在此处有未结的同类诉求, 内容似乎不同: 请确认并入其中一件, 还是另立一件"
    en = "this caller has open cases of this kind here, about something else as it seems: say which one, or a new one"

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__(rule="d.5", allowed=["same_case", "new_case"])
        self.cases = tuple(cases)

    def document(self) -> dict[str, object]:
        """With the cases that may be meant, newest first."""
        names = ("case_id", "received_at", "kind", "class_code", "state", "unit", "contacts")
        shown = [one.model_dump(mode="json", include=set(names)) for one in self.cases]
        return {**super().document(), "open_cases": [{name: one[name] for name in names} for one in shown]}


def metres(one: Place, other: Place) -> float | None:
    """The distance of two points; None where one of them is known by its grid or address only."""
    if one.longitude is None or one.latitude is None or other.longitude is None or other.latitude is None:
        return None
    shrink = cos(radians(one.latitude / 10_000_000))
    return METRES_PER_E7 * hypot((one.longitude - other.longitude) * shrink, one.latitude - other.latitude)


def grids_near(place: Place, directory: View, at: datetime) -> frozenset[GridCode]:
    """The grid of a place and those within the rulebook's radius of it, for a border is no end of a matter."""
    grids, radius_m = {place.grid}, directory.rulebook.cluster.radius_m
    if place.longitude is not None and place.latitude is not None:
        north = round(radius_m / METRES_PER_E7)
        east = round(north / cos(radians(place.latitude / 10_000_000)))
        for longitude, latitude in ((east, 0), (-east, 0), (0, north), (0, -north)):
            grids.add(directory.grid_of(place.longitude + longitude, place.latitude + latitude, at))
    return frozenset(grid for grid in grids if grid)


def same_address(one: Place, other: Place) -> bool:
    """The same written address in the same grid, whatever its spaces, widths and signs; 不详 is none."""
    address = written_address(one.address)
    return address is not None and one.grid == other.grid and address == written_address(other.address)


def written_address(address: str | None) -> str | None:
    """Letters and digits of an address; None where it is none."""
    letters = _letters(address)
    return None if NO_ADDRESS.fullmatch(letters) else letters


def same_place(one: Place, other: Place, radius_m: int) -> bool:
    """At most so far apart, or at the same address (rulebook.md d.5). A grid alone is no place."""
    distance = metres(one, other)
    return (distance is not None and distance <= radius_m) or same_address(one, other)


def words(text: str | None, key: bytes) -> bytes | None:
    """A keyed sketch of a text: the sorted hashes of its letter pairs, four bytes each. It cannot be read back."""
    letters = _letters(text)[: MOST_WORDS + 1]
    pairs = {letters[at : at + 2] for at in range(max(len(letters) - 1, 1))} - {""}
    hashes = {blake2b(pair.encode(), key=key, digest_size=HASHED, person=b"words").digest() for pair in pairs}
    return b"".join(sorted(hashes)) or None


def likeness(one: bytes | None, other: bytes | None) -> float:
    """Common share of two sketches, 0 to 1."""
    first, second = _hashes(one), _hashes(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _hashes(sketch: bytes | None) -> frozenset[bytes]:
    return frozenset((sketch or b"")[at : at + HASHED] for at in range(0, len(sketch or b""), HASHED))


def _letters(text: str | None) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text or "").lower() if sign.isalnum())


@dataclass(frozen=True)
class Matter:
    """What is compared: the place, what it is about, and a sketch of the words."""

    place: Place
    kind: str | None
    class_code: str | None
    words: bytes | None


def is_one_matter(one: bytes | None, other: bytes | None) -> bool:
    """Whether the same caller at the same place with the same kind speaks of the same thing, by the words of both.

    Noise at night and yellow water are two, though one person called twice about one house: then he is asked. Whoever
    urges says less than at first, so it is the shorter text that counts.
    """
    first, second = _hashes(one), _hashes(other)
    return bool(first and second) and len(first & second) / min(len(first), len(second)) >= ONE_MATTER


def meant(his: Sequence[tuple[Case, bytes | None]], said: str | None, now: bytes | None) -> str | None:
    """Which of the caller's open cases here, each with its words, a call belongs to; None where he has none.

    The one that the operator names, else the newest in whose words he speaks. Raises `MatterUnclear` where neither is,
    and `NotFound` where the one that is named is none of them.
    """
    if said and said not in {case.case_id for case, _ in his}:
        raise NotFound(
            zh="该诉求人在此处没有这件未结的同类诉求", en="this caller has no such open case of this kind here"
        )
    alike = [case.case_id for case, words in his if is_one_matter(words, now)]
    if his and not said and not alike:
        raise MatterUnclear([case for case, _ in his])
    return said or next(iter(alike), None)


@dataclass(frozen=True)
class Hint:
    """An open case that may be the same matter, and why."""

    case: Case
    distance_m: int | None
    near: bool
    same_address: bool
    same_class: bool
    likeness: float

    @property
    def strength(self) -> tuple[bool, bool, float, int]:
        """Place first, then class, then words."""
        return self.near or self.same_address, self.same_class, self.likeness, -(self.distance_m or 0)

    def reasons(self) -> tuple[str, str]:
        """Why it is shown, Chinese and English."""
        apart = self.distance_m
        said = [
            ("同一地址", "same address") if self.same_address else None,
            (f"相距约{apart}米", f"about {apart} m apart") if apart is not None else ("同一网格", "same grid"),
            ("同一类别", "same class") if self.same_class else ("同类诉求", "same kind"),
            (f"内容相似{self.likeness:.0%}", f"words alike {self.likeness:.0%}") if self.likeness else None,
        ]
        return "，".join(zh for zh, _ in filter(None, said)), ", ".join(en for _, en in filter(None, said))


def hint(new: Matter, case: Case, known: Matter, radius_m: int) -> Hint | None:
    """What makes an open case of the same class or kind worth a look; None where nothing does."""
    same_class = new.class_code is not None and new.class_code == case.class_code
    if not same_class and new.kind not in (case.kind, known.kind):
        return None
    distance = metres(new.place, known.place)
    found = Hint(
        case=case,
        distance_m=None if distance is None else round(distance),
        near=distance is not None and distance <= radius_m,
        same_address=same_address(new.place, known.place),
        same_class=same_class,
        likeness=round(likeness(new.words, known.words), 2),
    )
    return found if found.near or found.same_address or found.likeness >= ALIKE else None


def ranked(hints: Iterable[Hint | None], most: int) -> list[Hint]:
    """The strongest first."""
    return sorted((one for one in hints if one), key=lambda one: one.strength, reverse=True)[:most]
