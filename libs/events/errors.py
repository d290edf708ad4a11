"""What can be refused, and the handful of bases every refusal derives from. HTTP status is decided in libs/service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from libs.events.event import Event


class Rejected(Exception):
    """A command that the rules do not allow. Carries ids, never personal data.

    Subclasses set `code` (stable; an instance may set its own before `__init__`), `zh` and `en` (one sentence each);
    an instance names the rule, the evidence (event ids) and what is allowed instead.
    """

    code: str = "E-STATE"
    zh: ClassVar[str] = "当前状态不允许此操作"
    en: ClassVar[str] = "the state of the case does not allow this"

    def __init__(
        self,
        *,
        rule: str | None = None,
        evidence: Sequence[str] = (),
        allowed: Sequence[str] = (),
        zh: str | None = None,
        en: str | None = None,
    ) -> None:
        super().__init__(self.code, rule)
        self.rule = rule
        self.evidence = tuple(evidence)
        self.allowed = tuple(allowed)
        self.message_zh = zh or self.zh
        self.message_en = en or self.en

    def document(self) -> dict[str, object]:
        """The members of the problem document that say what was refused and why (rulebook.md c.3)."""
        return {
            "code": self.code,
            "message_zh": self.message_zh,
            "message_en": self.message_en,
            "rule_id": self.rule,
            "evidence_event_ids": list(self.evidence),
            "allowed_actions": list(self.allowed),
        }


class Refused(Rejected):
    """A refusal that an auditor would ask about: its events go to the stream `access-<case>` (architecture.md §4)."""

    def __init__(self, *, events: Sequence[Event], rule: str | None = None, **details: object) -> None:
        super().__init__(rule=rule, **details)  # type: ignore[arg-type]
        self.events = tuple(events)


class Malformed(Rejected):
    """The input can never be accepted, whatever the state: unknown code, place outside any grid, wrong shape."""

    code = "E-INPUT"
    zh = "输入有误"
    en = "the input is not valid"


class NotFound(Rejected):
    """There is no such thing, or the caller may not know of it."""

    code = "E-NOT-FOUND"
    zh = "没有找到"
    en = "not found"


class Forbidden(Rejected):
    """No such role, or not the caller's unit, grid or scope; no separation rule names the actor."""

    code = "E-ROLE"
    zh = "您的岗位没有此项权限"
    en = "your appointment does not hold this power"


class TooMany(Rejected):
    """Tried too often; `retry_after` in whole seconds."""

    code = "E-RATE"
    zh = "尝试次数过多, 请稍后再试"
    en = "too many attempts; try again later"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooLarge(Rejected):
    """A file above the limit."""

    code = "E-TOO-LARGE"
    zh = "文件过大"
    en = "the file is too large"


class WrongType(Rejected):
    """A file whose content is of none of the accepted types."""

    code = "E-TYPE"
    zh = "不支持的文件类型"
    en = "a file of this type is not accepted"


class StreamConflict(Rejected):
    """Somebody else moved the stream on between reading and writing."""

    code = "E-VERSION"
    zh = "案件已被他人更新, 请刷新后重试"
    en = "the case has moved on; read it again"


class IdempotencyMismatch(Rejected):
    """The same Idempotency-Key came with another body."""

    code = "E-IDEM"
    zh = "同一幂等键对应了不同的请求内容"
    en = "this Idempotency-Key was used for another request"


class Erased(Rejected):
    """The key of the case is destroyed: nothing personal can be written to it any more."""

    code = "E-ERASED"
    zh = "该案件的个人信息已依法清除, 不能再写入"
    en = "the personal data of this case are erased; nothing can be sealed for it"


class Unavailable(Rejected):
    """A store that the request needs does not answer; the caller may try again."""

    code = "unavailable"
    zh = "服务暂不可用, 请稍后重试"
    en = "temporarily unavailable; try again"


class Stale(Unavailable):
    """The read model is older than the caller or the configuration allows."""

    code = "stale"
    zh = "数据尚未同步到所要求的位置, 请稍后重试"
    en = "the read model is older than allowed; try again"


class UnknownEvent(Exception):
    """A type, version or shape that this code does not know. Halts the partition's projection; nothing is skipped."""


class ChainBroken(Exception):
    """A gap, a fork or a foreign record in a (source, lane): the reader halts that partition and alarms."""
