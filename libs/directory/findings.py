"""What is wrong, or worth knowing, about published documents: codes and two languages. Pure: no I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from libs.events.errors import Malformed

CHINESE = {
    "missing": "缺少必填字段",
    "extra_forbidden": "未知字段",
    "literal_error": "取值不在允许范围内",
    "string_pattern_mismatch": "格式不符合规定",
    "timezone_aware": "时间必须带时区",
    "date_from_datetime_parsing": "日期无效",
    "too_short": "数量不足",
}
"""Kinds of pydantic errors in Chinese; the English text is pydantic's own."""


@dataclass(frozen=True)
class Finding:
    """One remark on the documents: `refused` stops publication, `notice` is for the supervisor's list."""

    severity: Literal["refused", "notice"]
    code: str
    path: str
    """Where: `appointments.wang-jianguo-grid`, or `units.3.level` for something that could not be read."""
    zh: str
    en: str


class DocumentsRefused(Malformed):
    """The documents cannot be published; every reason is in `findings`."""

    code = "E-DIRECTORY"
    zh = "目录文件未通过校验, 未发布任何内容"
    en = "the directory documents are not valid; nothing was published"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__()
        self.findings = findings

    def document(self) -> dict[str, Any]:
        """The problem document, with the findings beside the usual fields."""
        return {**super().document(), "findings": [asdict(one) for one in self.findings]}


def refused(code: str, path: str, zh: str, en: str) -> Finding:
    """A finding that stops publication."""
    return Finding("refused", code, path, zh, en)


def notice(code: str, path: str, zh: str, en: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding("notice", code, path, zh, en)


def of_validation(error: ValidationError) -> tuple[Finding, ...]:
    """The findings in a pydantic error, without the values that were given."""
    return tuple(_of_detail(detail) for detail in error.errors(include_url=False, include_input=False))


def _of_detail(detail: ErrorDetails) -> Finding:
    zh = CHINESE.get(detail["type"], "取值无效")
    return refused("E-INPUT", path_text(detail["loc"]), zh, detail["msg"])


def path_text(path: tuple[Any, ...]) -> str:
    """`("units", 3, "level")` → `units.3.level`."""
    return ".".join(str(part) for part in path)
