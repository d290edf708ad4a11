"""Receipts 回执: a number that may be read aloud, a secret that only its holder knows, and what they show. No I/O."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from libs.directory.rules.naming import Bilingual
from libs.events.errors import Malformed, NotFound
from libs.events.text import as_number

DIGITS = 14
"""Of the number; two check digits follow. Two cases may share a number, their secrets tell them apart."""
SECRET_DIGITS = 10
NOBODY = "00000000-0000-0000-0000-000000000000"

STATES: Mapping[str, Bilingual] = {
    "RECEIVED": Bilingual("已接收, 等待登记", "received, waiting to be registered"),
    "REGISTERED": Bilingual("已登记, 正在确定承办单位", "registered, the responsible unit is being chosen"),
    "DISPATCHED": Bilingual("已派给承办单位, 等待签收", "sent to the responsible unit, waiting for it to sign"),
    "RETURN_PENDING": Bilingual("正在确定承办单位", "the responsible unit is being chosen"),
    "ARBITRATION": Bilingual("正在确定承办单位", "the responsible unit is being chosen"),
    "IN_PROGRESS": Bilingual("正在办理", "being handled"),
    "SUSPENDED": Bilingual("因客观原因暂缓办理", "on hold for a reason outside the unit"),
    "FEEDBACK": Bilingual("承办单位已答复, 正在审核", "the unit has answered, the answer is being reviewed"),
    "VERIFYING": Bilingual("正在现场核实", "the result is being checked on site"),
    "CALLBACK": Bilingual("等待回访", "you will be called back"),
    "CLOSED": Bilingual("已办结", "closed"),
    "ARCHIVED": Bilingual("已办结并归档", "closed and archived"),
    "MERGED": Bilingual("已并入同一事项的案件办理", "joined with another case on the same matter"),
    "NOT_ACCEPTED": Bilingual("不予受理", "not accepted"),
    "DIVERTED": Bilingual("已移交其他渠道", "handed over to another service"),
    "WITHDRAWN": Bilingual("已按您的要求撤回", "withdrawn at your request"),
    "VOID": Bilingual("已作废", "void"),
}


class ReceiptMistyped(Malformed):
    """The check digits do not fit."""

    code = "E-RECEIPT-FORM"
    zh = "回执号有误, 请核对后重新输入"
    en = "the receipt number is mistyped"


class NoSuchReceipt(NotFound):
    """No receipt with this number and this secret; which of the two is wrong is not said."""

    code = "E-RECEIPT"
    zh = "回执号或查询密码不正确"
    en = "the receipt number or the secret is not right"


def number_of(case_id: str) -> str:
    """`1234-5678-9012-3456`: the same for ever, and nothing but the case id goes into it."""
    body = int.from_bytes(sha256(f"xunban:receipt:{case_id}".encode()).digest()[:8], "big") % 10**DIGITS
    # ISO 7064 MOD 97-10, as in bank account numbers: finds every single mistyped and every swapped digit.
    digits = f"{body:0{DIGITS}}{98 - body * 100 % 97:02}"
    return "-".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def read_number(typed: str) -> str:
    """A number as somebody typed it, in its own form; raises `ReceiptMistyped`."""
    digits = as_number(typed).replace("-", "").replace(" ", "")
    if len(digits) != DIGITS + 2 or not digits.isascii() or not digits.isdecimal() or int(digits) % 97 != 1:
        raise ReceiptMistyped()
    return "-".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def secret_of(key: bytes, case_id: str) -> str:
    """`12345-67890`; follows from the case id and the key of the instance, so it is stored nowhere."""
    digest = hmac.digest(key, f"xunban:receipt-secret:{case_id}".encode(), "sha256")
    digits = f"{int.from_bytes(digest[:8], 'big') % 10**SECRET_DIGITS:0{SECRET_DIGITS}}"
    return f"{digits[:5]}-{digits[5:]}"


def opened(case_ids: Iterable[str], secret: str, key: bytes) -> str:
    """Which of the cases behind a number the secret opens; raises `NoSuchReceipt`.

    Where there is none, a case of nobody's is compared, so that an unknown number takes as long as a wrong secret.
    """
    typed = secret.replace("-", "").replace(" ", "")
    fitting = [
        case_id
        for case_id in list(case_ids) or [NOBODY]
        if hmac.compare_digest(secret_of(key, case_id).replace("-", "").encode(), typed.encode())
    ]
    if not fitting or fitting == [NOBODY]:
        raise NoSuchReceipt()
    return fitting[0]
