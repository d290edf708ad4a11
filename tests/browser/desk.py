"""Somebody at a screen: signs in, types, looks; and what axe finds wrong with what he sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from deploy.embedded.stack import Stack
from deploy.town import Town

AXE = Path(__file__).parent / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TEXT_AREA = "textarea#token"


@dataclass
class Desk:
    """One browser window and the town behind it."""

    page: Page
    stack: Stack
    town: Town
    shots: Path | None

    async def sign_in(self, person: str, post: str | None = None) -> None:
        """With a token of his own; who holds several posts chooses one."""
        await self.page.goto("/sign-in")
        await self.page.fill(TEXT_AREA, self.stack.token(person=person))
        await self.page.get_by_role("button", name="登录").click()
        if post:
            await self.page.get_by_role("button", name=post).click()
        await expect(self.page.locator("header .who")).to_be_visible()

    async def press(self, *keys: str) -> None:
        """Keys one after another."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def access(self, key: str) -> None:
        """Alt and an access key, as a keyboard sends it: Playwright's own key presses bear no letter under Alt."""
        session = await self.page.context.new_cdp_session(self.page)
        said = {"key": key, "code": f"Key{key.upper()}", "modifiers": 1}
        await session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": key, "unmodifiedText": key, **said})
        await session.send("Input.dispatchKeyEvent", {"type": "keyUp", **said})

    async def choose(self, field: str, value: str) -> None:
        """Tab to a list and move down in it until this value is chosen."""
        await self.tab_to(field)
        chosen = self.page.locator(f"#{field}")
        for _ in range(60):
            if await chosen.input_value() == value:
                return
            await self.press("ArrowDown")
        raise AssertionError(f"{field} has no {value}")

    async def focused(self) -> str:
        """Id or text of what has the focus."""
        found: str = await self.page.evaluate("document.activeElement.id || document.activeElement.innerText || ''")
        return found

    async def tab_to(self, wanted: str) -> None:
        """Tab until the element with this id, or this text in it, has the focus."""
        for _ in range(80):
            if wanted in await self.focused():
                return
            await self.press("Tab")
        raise AssertionError(f"Tab never reaches {wanted!r}")

    async def serious(self) -> list[str]:
        """What axe calls serious or critical on this page."""
        # Over the debugging protocol, which the page's own policy does not bind.
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
        found: dict[str, Any] = await self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    async def overflows(self) -> int:
        """By how many CSS pixels the page is wider than its window."""
        sizes: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return sizes

    async def shoot(self, name: str) -> None:
        """A picture for the documentation, where they are asked for."""
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=self.shots / f"{name}.png")
