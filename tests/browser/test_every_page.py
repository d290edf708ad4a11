"""Every page for everybody's eyes: at twice the size, and as axe sees it."""

from tests.browser.cases import PAGES
from tests.browser.desk import Desk
from trials.town import Town


async def test_every_page_fits_at_twice_the_size_and_axe_finds_nothing_serious(desk: Desk, town: Town) -> None:
    found = {}
    cases = (await town.line.get("supervision", "/overdue", person="han-feng"))["items"]
    for person, paths in PAGES.items():
        await desk.sign_in(person)
        for path in (one.format(case=cases[0]["case_id"]) for one in paths):
            await desk.page.goto(path)
            if path == "/cases":
                await desk.shoot("cases")
            found[path] = await desk.serious()
            # 1280 pixels at 200 % leave 640 for the page; tables become cards, which is looked at once for all.
            await desk.page.set_viewport_size({"width": 640, "height": 400})
            found[f"{path} at 200 %"] = ["too wide"] if await desk.overflows() > 0 else []
            found["cards"] = await desk.serious() if path == "/overdue" else found.get("cards", [])
            await desk.page.set_viewport_size({"width": 1280, "height": 800})

    assert {path: wrong for path, wrong in found.items() if wrong} == {}
