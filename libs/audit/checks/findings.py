"""What an auditor can find wrong with the log, in words. No reading, no checking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from libs.directory.rules.naming import Bilingual


class Fault(StrEnum):
    """Kinds of findings; each of them means that somebody must look."""

    GAP = "gap"
    ORDER = "order"
    FORK = "fork"
    CONTENT = "content"
    CHAIN = "chain"
    TIME = "time"
    FOREIGN = "foreign"
    CUT = "cut"
    SIGNATURE = "signature"
    UNSIGNED = "unsigned"


WORDS: dict[Fault, Bilingual] = {
    Fault.GAP: Bilingual("缺号", "sequence numbers are missing"),
    Fault.ORDER: Bilingual("次序颠倒", "stands after a later one"),
    Fault.FORK: Bilingual("同号异文", "another event already has this sequence number"),
    Fault.CONTENT: Bilingual("内容被改", "the bytes do not give the hash"),
    Fault.CHAIN: Bilingual("链条断裂", "does not follow the event before it"),
    Fault.TIME: Bilingual("时间倒流", "recorded before its predecessor"),
    Fault.FOREIGN: Bilingual("外来记录", "not a record of this log"),
    Fault.CUT: Bilingual("日志被截", "a part of the log is gone"),
    Fault.SIGNATURE: Bilingual("签名无效", "the signature is not the source's"),
    Fault.UNSIGNED: Bilingual("未经签名", "not signed by the source it names"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, the place of the record that shows it, and what exactly is wrong there."""

    fault: Fault
    topic: str
    partition: int
    offset: int
    detail: str
    source: str | None = None
    lane: int | None = None
    seq: int | None = None

    @property
    def zh(self) -> str:
        """The kind of fault in Chinese."""
        return WORDS[self.fault].zh

    @property
    def en(self) -> str:
        """The kind of fault in English."""
        return WORDS[self.fault].en
