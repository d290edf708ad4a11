"""Clients that work through the public APIs, repeat what was not answered, and remember what they were answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from time import monotonic
from typing import Any

import httpx

from libs.events.ids import new_id
from trials.clock_driver import Timeline, Unexpected
from trials.faults.checker import Acknowledged
from trials.photo import PHOTO, PHOTO_FORM, Form, encoded

PATIENCE = 150.0
"""Seconds in which a request is answered once nobody does harm any more."""
PAUSE = 0.25
"""Between two cases of a desk: every event is read by four services now and by four rebuilds afterwards."""
APPEAL = {"channel": "phone", "kind": "complaint", "content": "小区门口下水道异味", "place": {"grid": "G03"}}
SEWER = {"class_code": "sewer-odour", "urgency": "U3"}


@dataclass
class Clients:
    """People and machines at their desks. A request without an answer is repeated under the same key."""

    line: Timeline
    answers: list[Acknowledged] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    patience: float = PATIENCE
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Service → where a second API of it listens. Whoever is not answered at one address asks at the other."""
    refused: Counter[str] = field(default_factory=Counter)
    """How often a request got no answer, by what it got instead: `cut` or the code of a 503."""
    _turn: int = 0

    async def post(
        self, service: str, path: str, body: Mapping[str, Any] | Form, person: str, key: str | None = None
    ) -> dict[str, Any]:
        """One command, carried out once."""
        headers = self.headers(person) | {"Idempotency-Key": key or new_id()}
        form = encoded(body)
        headers["Content-Type"] = form.content_type
        answer = await self._answered("POST", service, path, headers=headers, content=form.content)
        if not answer.is_success:
            raise Unexpected(f"{service} {path}: {answer.status_code} {answer.text}")
        document: dict[str, Any] = answer.json()
        self.promised(document)
        return document

    def promised(self, document: Mapping[str, Any]) -> None:
        """Remember what was answered."""
        if document["events"]:
            self.answers.append(Acknowledged(document["position"], tuple(document["events"])))

    async def once(self, service: str, path: str, body: Mapping[str, Any], person: str, key: str) -> httpx.Response:
        """One request, whatever is answered."""
        headers = self.headers(person) | {"Idempotency-Key": key}
        answer = await self.line.client.post(self.line.apis[service] + path, headers=headers, json=body)
        if answer.is_success:
            self.promised(answer.json())
        return answer

    async def visible(self, service: str, position: str) -> None:
        """Wait until a service has applied what another one answered."""
        headers = self.headers("han-feng")
        answer = await self._answered("GET", service, "/freshness", headers=headers, params={"min_position": position})
        if not answer.is_success:
            raise Unexpected(f"{answer.request.url.path}: {answer.status_code} {answer.text}")

    async def get(self, service: str, path: str, person: str) -> Any:
        """One answer of a read model."""
        answer = await self._answered("GET", service, path, headers=self.headers(person))
        if not answer.is_success:
            raise Unexpected(f"{answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()

    async def _answered(self, method: str, service: str, path: str, **request: Any) -> httpx.Response:
        until, said = monotonic() + self.patience, ""
        for address in cycle(self._addresses(service)):
            try:
                answer = await self.line.client.request(method, address + path, **request)
            except httpx.TransportError as cut:
                said = repr(cut)
                self.refused["cut"] += 1
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return answer
                said = answer.text
                self.refused[answer.json()["code"]] += 1
            if monotonic() > until:
                break
            await asyncio.sleep(0.05)
        raise Unexpected(f"{service} {path}: not answered in {self.patience:.0f} s, the last time {said}")

    def _addresses(self, service: str) -> list[str]:
        """In the order in which the next request tries them."""
        known = [self.line.apis[service], *filter(None, [self.elsewhere.get(service)])]
        self._turn += 1
        return known if self._turn % 2 else known[::-1]

    def headers(self, person: str) -> dict[str, str]:
        self.tokens.setdefault(person, self.line.sign(person))
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    # Work ----------------------------------------------------------------------------------------------------------

    async def appealed(self, **fields: Any) -> dict[str, Any]:
        """Somebody calls; the answer."""
        return await self.post("intake", "/appeals", {**APPEAL, **fields}, "zhou-min")

    async def registered(self, **fields: Any) -> dict[str, Any]:
        """A case that routing knows, its unit proposed; the answer to its registration."""
        case = (await self.appealed(**fields))["case_id"]
        answer = await self.post("intake", f"/cases/{case}/register", SEWER, "zhou-min")
        await self.visible("routing", answer["position"])
        return answer

    async def dispatched(self, *, shown: bool = False, **fields: Any) -> str:
        """A case that lies before its unit; its id. `shown`: whoever handles it has sent his photo already."""
        case = str((await self.registered(**fields))["case_id"])
        sent = await self.post("routing", f"/cases/{case}/dispatch", {}, "chen-li")
        if shown:
            await self.photo(case, "zheng-kai", "routing", sent["position"])
        return case

    async def handle(self, case: str, *, shown: bool = False) -> dict[str, Any]:
        """Sign, call back, report with a photo, which may be sent before; the answer to the report."""
        await self.post("routing", f"/cases/{case}/accept", {}, "fang-yun")
        signed = await self.post("routing", f"/cases/{case}/contact", {"reached": True}, "zheng-kai")
        if not shown:
            await self.photo(case, "zheng-kai", "routing", signed["position"])
        feedback = {"result": "SOLVED", "reply": "已疏通", "photos": [PHOTO]}
        return await self.post("routing", f"/cases/{case}/feedback", feedback, "zheng-kai")

    async def photo(self, case: str, person: str, service: str, seen: str) -> None:
        """Sent once intake knows what its sender has seen, and until the service that he shows it to has heard."""
        await self.visible("intake", seen)
        sent = await self.post("intake", f"/cases/{case}/attachments", PHOTO_FORM, person)
        if sent["position"]:
            await self.visible(service, sent["position"])

    async def whole_case(self) -> None:
        """From the call to the accepted report, and until notify knows of it."""
        report = await self.handle(await self.dispatched())
        await self.visible("supervision", report["position"])
        path = f"/cases/{report['case_id']}/review"
        review = await self.post("supervision", path, {"accepted": True}, "wu-qian")
        await self.visible("notify", review["position"])

    @asynccontextmanager
    async def at_work(self, desks: int = 2) -> AsyncIterator[None]:
        """Meanwhile cases come in and are worked on; what was begun is finished at the end."""
        open_desks = True

        async def desk() -> None:
            while open_desks:
                await self.whole_case()
                await asyncio.sleep(PAUSE)

        working = [asyncio.create_task(desk()) for _ in range(desks)]
        try:
            yield
        except BaseException:
            # What the desks wait for may never come: the failure is told, not their impatience.
            for one in working:
                one.cancel()
            raise
        open_desks = False
        await asyncio.gather(*working)
