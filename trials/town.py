"""What people do in a town, one call each: the public APIs in the words of the trade. Used by the demo and by tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from trials.clock_driver import Timeline
from trials.photo import PHOTO, Form, form_of, picture

CIVIL = ZoneInfo("Asia/Shanghai")
IN_GRID = {"G03": (1_193_050_000, 321_050_000), "G04": (1_193_150_000, 321_050_000)}


def civil(text: str) -> datetime:
    """`2026-11-02 09:10` on the town's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=CIVIL)


def place(grid: str) -> dict[str, int]:
    """A point inside a grid of the demo town."""
    longitude, latitude = IN_GRID[grid]
    return {"longitude": longitude, "latitude": latitude}


@dataclass
class Town:
    """A town's people at work. Every act happens at its own instant; everything due before has happened then."""

    line: Timeline
    photos: int = 0
    """Taken so far."""

    async def act(
        self, at: str, service: str, path: str, person: str, body: dict[str, Any] | Form, **how: Any
    ) -> dict[str, Any]:
        """Let time pass until `at`, let the person act, and let everybody hear of it."""
        instant = civil(at)
        await self.line.run_to(instant)
        answer = await self.line.post(service, path, body, person=person, at=instant, **how)
        await self.line.settle()
        return answer

    async def report(self, at: str, person: str, grid: str, class_code: str, content: str, **how: Any) -> str:
        """A grid worker reports, with a photo; answers the case id."""
        kind = how.pop("kind", "city_management")
        sent = await self.act(at, "intake", "/attachments", person, self._taken(), **how)
        said = {"kind": kind, "class_code": class_code, "content": content, "place": place(grid)}
        body = {**said, "case_id": sent["case_id"], "photos": [sent["sha256"]]}
        return str((await self.act(at, "intake", "/grid-reports", person, body, **how))["case_id"])

    async def appeal(self, at: str, person: str, grid: str, kind: str, content: str, **fields: Any) -> str:
        """An operator takes a call; answers the case id."""
        body = {"channel": "phone", "kind": kind, "content": content, "place": {"grid": grid}, **fields}
        return str((await self.act(at, "intake", "/appeals", person, body))["case_id"])

    async def register(self, at: str, case: str, class_code: str, urgency: str, **fields: Any) -> dict[str, Any]:
        """立案."""
        body = {"class_code": class_code, "urgency": urgency, **fields}
        return await self.act(at, "intake", f"/cases/{case}/register", "zhou-min", body)

    async def dispatch(self, at: str, case: str, **how: Any) -> dict[str, Any]:
        """派遣: to the proposed unit, or to another one with a reason (`fields`)."""
        person, body = how.pop("person", "chen-li"), how.pop("fields", {})
        return await self.act(at, "routing", f"/cases/{case}/dispatch", person, body, **how)

    async def accept(self, at: str, case: str, person: str, **how: Any) -> dict[str, Any]:
        """签收."""
        return await self.act(at, "routing", f"/cases/{case}/accept", person, {}, **how)

    async def assign(self, at: str, case: str, person: str, handler: str, **how: Any) -> dict[str, Any]:
        """Name the handler."""
        return await self.act(at, "routing", f"/cases/{case}/assign", person, {"handler": handler}, **how)

    async def contact(self, at: str, case: str, person: str, *, reached: bool = True, **how: Any) -> dict[str, Any]:
        """联系诉求人."""
        return await self.act(at, "routing", f"/cases/{case}/contact", person, {"reached": reached}, **how)

    async def photo(self, at: str, case: str, person: str, **how: Any) -> str:
        """上传照片; its SHA-256."""
        sent = await self.act(at, "intake", f"/cases/{case}/attachments", person, self._taken(), **how)
        return str(sent["sha256"])

    def _taken(self) -> Form:
        """A photo that nobody has seen yet."""
        self.photos += 1
        return form_of(picture(self.photos))

    async def feedback(self, at: str, case: str, person: str, reply: str, **how: Any) -> dict[str, Any]:
        """反馈, with a photo of what was done."""
        photos = [PHOTO] if "expect" in how else [await self.photo(at, case, person, **how)]
        body = {"result": "SOLVED", "reply": reply, "photos": photos}
        return await self.act(at, "routing", f"/cases/{case}/feedback", person, body, **how)

    async def ask_return(self, at: str, case: str, person: str, suggested: str, **how: Any) -> dict[str, Any]:
        """退单, on a basis."""
        body = {"basis": "本单位职责清单未列此项", "suggested_unit": suggested}
        return await self.act(at, "routing", f"/cases/{case}/return", person, body, **how)

    async def approve_return(self, at: str, case: str, **how: Any) -> dict[str, Any]:
        """同意退单."""
        return await self.act(at, "routing", f"/cases/{case}/return/approve", how.pop("person", "chen-li"), {}, **how)

    async def rule(self, at: str, case: str, person: str, unit: str, **how: Any) -> dict[str, Any]:
        """裁定."""
        body = {"unit": unit, "reason": "按职责清单", "groundless": how.pop("groundless", [])}
        return await self.act(at, "routing", f"/cases/{case}/arbitration/rule", person, body, **how)

    async def withdraw(self, at: str, case: str, phone: str, **how: Any) -> dict[str, Any]:
        """撤诉, told to an operator who sees the caller's number."""
        return await self.act(at, "intake", f"/cases/{case}/withdraw", "zhou-min", {"phone": phone}, **how)

    async def restore(self, at: str, case: str, phone: str, **how: Any) -> dict[str, Any]:
        """撤诉恢复."""
        return await self.act(at, "intake", f"/cases/{case}/restore", "zhou-min", {"phone": phone}, **how)

    async def review(self, at: str, case: str, *, accept: bool = True, **how: Any) -> dict[str, Any]:
        """审核."""
        person = how.pop("person", "wu-qian")
        body = {"accepted": accept, **({} if accept else {"reason": "答复不完整"})}
        return await self.act(at, "supervision", f"/cases/{case}/review", person, body, **how)

    async def verify(
        self, at: str, case: str, person: str, grid: str, *, passed: bool = True, **how: Any
    ) -> dict[str, Any]:
        """核实, on the spot."""
        photos = [PHOTO] if "expect" in how else [await self.photo(at, case, person, **how)]
        body = {"passed": passed, "photos": photos, **place(grid)}
        return await self.act(at, "supervision", f"/cases/{case}/verification/result", person, body, **how)

    async def close(self, at: str, case: str, **how: Any) -> dict[str, Any]:
        """结案."""
        person = how.pop("person", "wu-qian")
        return await self.act(at, "supervision", f"/cases/{case}/close", person, {}, **how)
