"""Telephone numbers as people write them: which numbers, which extension, and whether two are one line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import phonenumbers

from libs.events.errors import Malformed
from libs.events.text import as_number

Kind = Literal["MOBILE", "LANDLINE", "LOCAL", "SERVICE", "OTHER"]
"""`LOCAL`: without its area code. `SERVICE`: 12345, 95588, 10086, dialled by everybody. `OTHER`: 400 and 800."""
LONGEST = 100
"""Signs of one field: two numbers, each with an extension and a remark."""
ASIDE = re.compile(r"[(\[【][^()\[\]【】]*[^\d\s()+.\-][^()\[\]【】]*[)\]】]")
"""A remark in brackets; (0512) is none."""
BETWEEN = re.compile(r"[/\\、,;。|&\r\n]|或|和|及")
DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}([-./年])(?:0?[1-9]|1[0-2])[-./月](?:0?[1-9]|[12]\d|3[01])(?!\d)日?")
"""Of a day somebody may have been called: eight digits that are no number."""
FRACTION = re.compile(r"(?<=\d{7})\.0+(?!\d)")
"""What a spreadsheet writes behind a number that it took for an amount."""
RUN = re.compile(r"\+?\(?\d[\d\s().\-]*")
"""Digits that stand together, in groups."""
GROUP = re.compile(r"\+?\d+")
EXTENSION = re.compile(r"[\s\-]*(?:转分机|转接|分机号?|转|ext\.?|x|[#*])[\s:.\-]*(\d{1,6})(?!\d)", re.IGNORECASE)
AFTERWARDS = re.compile(r"\d{1,6}")
"""A last group that is too short for a number: 0512-66660000-802."""
SAYS_WHAT = re.compile(r"[^\W\d_]")
"""A letter: what it touches is no number but a house, a room."""
MOBILE = re.compile(r"1[3-9]\d{9}")
"""By its shape: libraries learn of new ranges long after people have them."""
SERVICE = re.compile(r"1\d{4,5}|9[56]\d{3,6}")
LOCAL = re.compile(r"[2-8]\d{6,7}")
HOME = frozenset({"", "0", "86", "860", "+86", "+860"})
"""What stands before a number of China."""
NEIGHBOURS = (852, 853, 886)
"""Hong Kong, Macau, Taiwan: their code is often written without a plus."""


class NoTelephone(Malformed):
    """Nobody can be called, or looked up, by it."""

    code = "E-TELEPHONE"
    zh = "电话号码无法识别: 请写 11 位手机号, 或带区号的固定电话; 分机写“转801”, 两个号码用“/”隔开, 说明写在括号内"
    en = (
        "not a telephone number: write a mobile number, or a landline with its area code; an extension as ext. 801,"
        " / between two numbers, a remark in brackets"
    )


@dataclass(frozen=True)
class Telephone:
    """One number: digits as they are dialled in China, abroad with country code and without plus."""

    digits: str
    kind: Kind
    subscriber: str | None = None
    """A landline's digits without its area code."""
    country: int = 86
    extension: str | None = None

    @property
    def is_somebodys(self) -> bool:
        """Whether it tells one caller from another."""
        return self.kind != "SERVICE"

    def is_line_of(self, other: Telephone) -> bool:
        """Whether both are one line: with no area code it may be in any area, with no extension any behind it."""
        extensions = {self.extension, other.extension} - {None}
        return len(extensions) < 2 and bool(self.sought_as & other.indexed_as)

    @property
    def indexed_as(self) -> frozenset[str]:
        """Names of the entries under which a blind index keeps it."""
        behind = {f"subscriber|{self.subscriber}"} if self.subscriber else set()
        return frozenset({f"telephone|{self.digits}", *behind})

    @property
    def sought_as(self) -> frozenset[str]:
        """Names of the entries of every number that may be the same."""
        written = {f"telephone|{self.subscriber}"} if self.subscriber else set()
        behind = {f"subscriber|{self.digits}"} if self.kind == "LOCAL" else set()
        return frozenset({f"telephone|{self.digits}", *written, *behind})

    @property
    def dialled(self) -> str:
        """As a gateway of messages takes it."""
        return self.digits if self.country == 86 else f"+{self.digits}"


def read(written: str) -> tuple[Telephone, ...]:
    """Every number of a field, in its order; raises `NoTelephone` where one of them, or all, cannot be read.

    A number may stand in a remark, in brackets, too; what else stands there is passed over.
    """
    if len(written) > LONGEST:
        raise NoTelephone()
    plain = DATE.sub(" ", FRACTION.sub("", as_number(written)))
    asides = ASIDE.findall(plain)
    found = [one for piece in BETWEEN.split(ASIDE.sub(" ", plain)) for one in _numbers(piece)]
    found += [one for aside in asides for one in _told_beside(aside)]
    if not found:
        raise NoTelephone()
    return tuple(dict.fromkeys(found))


def find(written: str | None) -> tuple[Telephone, ...]:
    """The numbers of what was stored; none where nobody can read it, as in what older versions took."""
    try:
        return read(written or "")
    except NoTelephone:
        return ()


def same_caller(known: str | None, calling: str | None) -> bool:
    """Whether one number of the one is a line of the other; a service number tells nobody from anybody."""
    lines = [one for one in find(known) if one.is_somebodys]
    return any(one.is_line_of(other) for one in lines for other in find(calling))


def _numbers(piece: str) -> Iterator[Telephone]:
    """The numbers of one piece; a row of digits that is none must be part of a word."""
    at, last = 0, None
    while run := RUN.search(piece, at):
        at, number = _first(run, part_of_word=bool(SAYS_WHAT.match(piece[run.end() :].lstrip()[:1])))
        if number is None:
            _pass_over(piece, run, after_number=last is not None)
            continue
        if last:
            yield last
        last = number
        if extension := EXTENSION.match(piece, at):
            last, at = replace(last, extension=extension[1]), extension.end()
    if last:
        yield last


def _first(run: re.Match[str], *, part_of_word: bool = True) -> tuple[int, Telephone | None]:
    """The longest row of groups from the first on that is a number, and where it ends.

    A short group behind it is its extension, unless it begins another number or is `part_of_word`: 3 in 3号楼.
    """
    groups = list(GROUP.finditer(run[0]))
    count, number = _longest(groups)
    if number is None:
        return run.end(), None
    rest = groups[count:]
    short = rest and AFTERWARDS.fullmatch(rest[0][0]) and _longest(rest)[1] is None
    if short and not (part_of_word and len(rest) == 1):
        return run.start() + rest[0].end(), replace(number, extension=rest[0][0])
    return run.start() + groups[count - 1].end(), number


def _longest(groups: Sequence[re.Match[str]]) -> tuple[int, Telephone | None]:
    """How many of the groups are the number with which they begin, and it."""
    for count in range(len(groups), 0, -1):
        if number := _number("".join(group[0] for group in groups[:count])):
            return count, number
    return 0, None


def _pass_over(piece: str, run: re.Match[str], *, after_number: bool) -> None:
    """Raises `NoTelephone` for what is no number and no part of a word: a digit too few, a short form like /61."""
    digits = re.sub(r"\D", "", run[0])
    beside = piece[: run.start()].rstrip()[-1:] + piece[run.end() :].lstrip()[:1]
    if len(digits) > 4 or not (after_number or SAYS_WHAT.search(beside)):
        raise NoTelephone()


def _told_beside(aside: str) -> Iterator[Telephone]:
    """Whole numbers inside a remark, where dates and rooms stand too."""
    for run in RUN.finditer(aside):
        _, number = _first(run)
        if number and number.kind in ("MOBILE", "LANDLINE"):
            yield number


def _number(row: str) -> Telephone | None:
    """One number from its digits, perhaps with a plus before them."""
    row = f"+{row[2:]}" if row.startswith("00") else row
    if MOBILE.fullmatch(home := row.removeprefix("+86")) or MOBILE.fullmatch(home := row.removeprefix("86")):
        return Telephone(home, "MOBILE")
    if SERVICE.fullmatch(row):
        return Telephone(row, "SERVICE")
    if LOCAL.fullmatch(row):
        return Telephone(row, "LOCAL")
    return _parsed(row) or _parsed(f"+{row}", NEIGHBOURS)


def _parsed(row: str, countries: tuple[int, ...] = ()) -> Telephone | None:
    try:
        number = phonenumbers.parse(row, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or (countries and number.country_code not in countries):
        return None
    national = phonenumbers.national_significant_number(number)
    landline = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
    if number.country_code != 86:
        return Telephone(f"{number.country_code}{national}", "LANDLINE" if landline else "MOBILE", country=0)
    if row.removesuffix(national) not in HOME:
        return None  # The library also takes away what was once dialled before a number.
    if not landline:
        return Telephone(national, "MOBILE" if MOBILE.fullmatch(national) else "OTHER")
    area = phonenumbers.length_of_geographical_area_code(number)
    return Telephone(f"0{national}", "LANDLINE", subscriber=national[area:] if area else None)
