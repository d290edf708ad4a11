"""The console in a real browser: one day of a town, each act by the person whose work it is."""

import re
from datetime import datetime, timedelta

from playwright.async_api import Locator, Page, expect

from deploy.town import Town
from tests.browser.desk import Desk

DAY = "2026-11-02"


async def registered(town: Town, at: str, **how: str) -> str:
    """A complaint about a sewer, taken and registered by the operator."""
    case = await town.appeal(f"{DAY} {at}", "zhou-min", "G03", "complaint", how.get("content", "小区门口下水道异味"))
    await town.register(f"{DAY} {at}", case, "sewer-odour", "U3")
    return case


async def due(town: Town, case: str) -> datetime:
    """When the handling of a case is due."""
    clocks = (await town.line.get("supervision", f"/cases/{case}", person="han-feng"))["clocks"]
    return datetime.fromisoformat(next(one["due_at"] for one in clocks if one["clock"] == "handling"))


def row(page: Page, case: str) -> Locator:
    """A case in a list."""
    return page.locator(f"#row-{case}")


async def test_a_wrong_token_is_refused_and_a_right_one_is_kept_where_no_script_reads_it(desk: Desk) -> None:
    await desk.page.goto("/overdue")
    await expect(desk.page).to_have_url(re.compile(r"/sign-in"))
    await desk.page.fill("#token", "not.a.token")
    await desk.page.get_by_role("button", name="登录").click()
    await expect(desk.page.get_by_role("alert")).to_contain_text("令牌无效")
    await desk.shoot("sign-in")

    await desk.sign_in("han-feng")

    (kept,) = [one for one in await desk.page.context.cookies() if one["name"] == "xunban_token"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
    assert kept["value"] not in desk.page.url
    assert kept["value"] not in await desk.page.content()
    assert await desk.page.evaluate("document.cookie") == ""


async def test_an_operator_takes_and_registers_an_appeal_with_the_keyboard_alone(desk: Desk) -> None:
    await desk.sign_in("zhou-min")
    assert await desk.focused() == "reporter_phone"
    await desk.page.keyboard.type("13800000000")
    await desk.choose("grid", "G03")
    await desk.tab_to("content")
    await desk.page.keyboard.type("小区门口下水道异味, 已有三天")
    await desk.tab_to("接收诉求")
    await desk.shoot("intake")
    await desk.press("Enter")

    await expect(desk.page.get_by_role("heading", name="已接收")).to_be_visible()
    await desk.tab_to("去立案")
    await desk.press("Enter")
    await expect(desk.page.locator(".content")).to_have_text("小区门口下水道异味, 已有三天")
    await desk.choose("register-class_code", "sewer-odour")
    await desk.choose("register-urgency", "U3")
    await desk.tab_to("register-filing_condition")
    await desk.press("Tab", "Enter")

    await expect(desk.page.get_by_role("status")).to_contain_text("立案")
    await expect(desk.page.locator(".case-head")).to_contain_text("待派遣")


async def test_earlier_cases_of_the_caller_and_similar_ones_appear_beside_the_form(desk: Desk, town: Town) -> None:
    who = {"reporter_phone": "13900000000", "reporter_name": "周示例"}
    case = await town.appeal(f"{DAY} 08:10", "zhou-min", "G03", "complaint", "路灯不亮, 夜间看不清", **who)
    await desk.sign_in("zhou-min")

    await desk.page.fill("#reporter_phone", "13900000000")
    await desk.access("e")
    await expect(desk.page.locator("#caller")).to_contain_text(case[-6:])
    await desk.page.select_option("#kind", "complaint")
    await desk.page.select_option("#grid", "G03")
    await desk.page.fill("#content", "路灯不亮, 夜间看不清路")
    await desk.press("Tab")

    await expect(desk.page.locator("#duplicates")).to_contain_text(case[-6:])


async def test_what_was_typed_is_kept_when_the_command_is_refused(desk: Desk, town: Town) -> None:
    case = await town.appeal(f"{DAY} 08:15", "zhou-min", "G03", "help", "示例")
    await desk.sign_in("zhou-min")
    await desk.page.goto(f"/cases/{case}")
    await desk.page.select_option("#register-class_code", "manhole")
    await desk.page.select_option("#register-urgency", "U3")
    await desk.page.get_by_role("button", name="立案").click()

    await expect(desk.page.get_by_role("alert")).to_contain_text("未能执行")
    await expect(desk.page.locator("#register-class_code")).to_have_value("manhole")
    await expect(desk.page.locator("#register-urgency")).to_have_value("U3")


async def test_the_dispatcher_sees_why_and_dispatches(desk: Desk, town: Town) -> None:
    case = await registered(town, "08:20")
    await desk.sign_in("chen-li")
    await expect(row(desk.page, case)).to_contain_text("R5")
    await desk.shoot("queue")
    await row(desk.page, case).get_by_role("button", name="派给").click()

    await expect(desk.page.get_by_role("status")).to_contain_text("派遣")
    await expect(row(desk.page, case)).to_have_count(0)


async def test_a_double_click_signs_once(desk: Desk, town: Town) -> None:
    case = await registered(town, "08:25")
    await town.dispatch(f"{DAY} 08:26", case)
    await desk.sign_in("fang-yun")
    await desk.shoot("work")
    await row(desk.page, case).get_by_role("button", name="签收").dblclick()
    await expect(row(desk.page, case)).to_contain_text("办理中")
    await town.line.settle()
    await desk.page.goto(f"/cases/{case}")

    await expect(desk.page.locator(".line li", has_text="签收, 由")).to_have_count(1)


async def test_a_forbidden_act_is_shown_with_its_rule_the_evidence_and_who_may_instead(desk: Desk, town: Town) -> None:
    case = await town.report(
        f"{DAY} 08:30", "wang-jianguo", "G04", "village-litter", "村口垃圾堆积",
        kind="grid_livelihood", appointment="wang-jianguo-grid",
    )  # fmt: skip
    await town.register(f"{DAY} 08:31", case, "village-litter", "U3")
    await town.dispatch(f"{DAY} 08:32", case)
    await desk.sign_in("wang-jianguo", post="联络员")
    await row(desk.page, case).get_by_role("button", name="签收").click()

    refused = desk.page.get_by_role("alert")
    await expect(refused).to_contain_text("SEP-01")
    await expect(refused).to_contain_text("王建国(wang-jianguo) 巡查发现并上报")
    await expect(refused).to_contain_text("刘桂兰(liu-guilan)")
    await desk.shoot("refused")
    assert await desk.serious() == []


async def test_the_case_page_tells_the_story_in_words(desk: Desk, town: Town) -> None:
    case = await registered(town, "08:40")
    await town.dispatch(f"{DAY} 08:41", case)
    await town.accept(f"{DAY} 08:42", case, "fang-yun")
    await town.assign(f"{DAY} 08:43", case, "fang-yun", "zheng-kai")
    await desk.sign_in("zheng-kai")
    await desk.page.goto(f"/cases/{case}")

    line = desk.page.locator(".line")
    await expect(line).to_contain_text("接收诉求: 投诉, 渠道")
    await expect(line).to_contain_text("派给 县住建局 办理 (第 1 轮)")
    await expect(line).to_contain_text("县住建局 指定经办人 郑凯(zheng-kai)")
    await expect(line).to_contain_text("办理时限开始")
    await expect(desk.page.get_by_role("heading", name="为何派到这里")).to_be_visible()
    await desk.shoot("case")


async def test_the_board_shows_a_new_overdue_by_itself_and_how_fresh_it_is(desk: Desk, town: Town) -> None:
    case = await registered(town, "08:50")
    await town.dispatch(f"{DAY} 08:51", case)
    await desk.sign_in("han-feng")
    await expect(desk.page.locator("#board")).not_to_contain_text(case[-6:])
    before = await desk.page.locator("#board").get_attribute("data-as-of")

    await town.line.run_to(await due(town, case) + timedelta(hours=1))

    await expect(desk.page.locator("#board")).to_contain_text(case[-6:], timeout=20_000)
    assert await desk.page.locator("#board").get_attribute("data-as-of") != before
    await expect(desk.page.locator("#board tr", has_text=case[-6:])).to_contain_text("■ 红灯")
    await expect(desk.page.locator("#board .fresh")).to_contain_text("数据截至 2026-")
    await desk.shoot("overdue")


async def test_a_board_that_lost_its_connection_says_so(desk: Desk) -> None:
    await desk.sign_in("han-feng")
    await desk.page.context.set_offline(offline=True)

    await expect(desk.page.locator("#lost")).to_be_visible(timeout=15_000)


async def test_the_switch_makes_the_page_english_and_keeps_it(desk: Desk) -> None:
    await desk.sign_in("han-feng")
    await desk.page.goto("/overdue?lamp=RED")
    await desk.access("l")

    await expect(desk.page.get_by_role("heading", name="Overdue board")).to_be_visible()
    assert desk.page.url.endswith("/overdue?lamp=RED")
    assert await desk.page.locator("html").get_attribute("lang") == "en"
    await desk.shoot("overdue-english")


async def test_every_page_fits_at_twice_the_size_and_axe_finds_nothing_serious(desk: Desk, town: Town) -> None:
    found = {}
    cases = (await town.line.get("supervision", "/overdue", person="han-feng"))["items"]
    for person, paths in {
        "zhou-min": ("/intake", f"/cases/{cases[0]['case_id']}"),
        "chen-li": ("/queue", "/work"),
        "han-feng": ("/overdue", "/overdue?lamp=GREEN"),
    }.items():
        await desk.sign_in(person)
        for path in ("/sign-in", *paths):
            await desk.page.goto(path)
            found[path] = await desk.serious()
            # 1280 pixels at 200 % leave 640 for the page.
            await desk.page.set_viewport_size({"width": 640, "height": 400})
            found[f"{path} at 200 %"] = [*await desk.serious(), *(["too wide"] if await desk.overflows() > 0 else [])]
            await desk.page.set_viewport_size({"width": 1280, "height": 800})

    assert {path: wrong for path, wrong in found.items() if wrong} == {}
