"""Somebody at a screen: signs in, types, looks; and what axe finds wrong with what he sees."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, expect

from operations.embedded.stack import Stack
from trials.town import Town

AXE = Path(__file__).parent / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def picture() -> bytes:
    """A photo, as small as it can be."""
    made = BytesIO()
    Image.new("RGB", (96, 64), (90, 130, 90)).save(made, "PNG")
    return made.getvalue()


@dataclass
class Desk:
    """One browser window and the town behind it."""

    page: Page
    stack: Stack
    town: Town
    shots: Path | None

    async def hand_in(self, token: str) -> None:
        """Into the form that asks for it."""
        await self.page.fill("#token", token)
        await self.page.get_by_role("button", name="登录").click()

    async def sign_in(self, person: str, post: str | None = None, at: str = "/") -> None:
        """As after the form of the first test, with a token of his own; who holds several posts chooses one."""
        await self.page.context.clear_cookies()
        url, token = self.stack.api_url("console"), self.stack.token(person=person)
        await self.page.context.add_cookies(
            [{"name": "xunban_token", "value": token, "url": url, "httpOnly": True, "sameSite": "Strict"}]
        )
        await self.page.goto(at)
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
        """Id or text of what has the focus; nothing while it is nowhere, and the page as a whole would answer."""
        found: str = await self.page.evaluate(
            "(one => one === document.body ? '' : one.id || one.innerText || '')(document.activeElement)"
        )
        return found

    async def tab_to(self, wanted: str) -> None:
        """Tab until the element with this id, or this text in it, has the focus."""
        for _ in range(80):
            if wanted in await self.focused():
                return
            await self.press("Tab")
        raise AssertionError(f"Tab never reaches {wanted!r}")

    async def ready(self) -> None:
        """Until the page's own scripts listen: a link leads to a page, and the next act needs them."""
        await self.page.wait_for_load_state("domcontentloaded")

    async def attach(self, field: str) -> None:
        """Choose a photo; it is sent at once and then stands in the form."""
        await self.ready()
        await self.page.set_input_files(f"#{field}", {"name": "a.png", "mimeType": "image/png", "buffer": picture()})
        await expect(self.page.locator(f"#{field}-taken input[name=photos]")).to_be_checked()

    async def download(self, link: str) -> tuple[str, list[str]]:
        """Name and lines of a file."""
        async with self.page.expect_download() as begun:
            await self.page.get_by_role("link", name=link).click()
        file = await begun.value
        return file.suggested_filename, (await file.path()).read_text(encoding="utf-8-sig").splitlines()

    async def stand_at(self, longitude: float, latitude: float) -> None:
        """The browser may say where it is."""
        await self.page.context.grant_permissions(["geolocation"])
        await self.page.context.set_geolocation({"longitude": longitude, "latitude": latitude})

    async def act(self, form: str, button: str, **typed: str) -> None:
        """Fill in a form of the case page and send it."""
        shown = self.page.locator(f"form[action$='/{form}']")
        summary = self.page.locator("details", has=shown).locator("summary")
        if not await shown.is_visible():
            await summary.click()
        for name, value in typed.items():
            field = shown.locator(f"#{form.replace('/', '-')}-{name}")
            is_list = await field.evaluate("field => field.tagName === 'SELECT'")
            await (field.select_option(value) if is_list else field.fill(value))
        await shown.get_by_role("button", name=button, exact=True).click()
        await expect(self.page.locator("p.done, .problem")).to_be_visible()

    async def serious(self) -> list[str]:
        """What axe calls serious or critical on this page."""
        # Over the debugging protocol, which the page's own policy does not bind.
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        wanted = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
        options = {**wanted, "preload": False, "iframes": False}
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
