"""The console in a real browser: one day of a town, each act by the person whose work it is."""

import re
from datetime import timedelta

from playwright.async_api import expect

from tests.browser.cases import DAY, dispatched, drafted, due, littered, registered, row
from tests.browser.desk import Desk
from trials.town import Town


async def test_a_wrong_token_is_refused_and_a_right_one_is_kept_where_no_script_reads_it(desk: Desk) -> None:
    await desk.page.goto("/overdue")
    await expect(desk.page).to_have_url(re.compile(r"/sign-in"))
    await desk.hand_in("not.a.token")
    await expect(desk.page.get_by_role("alert")).to_contain_text("令牌无效")
    await desk.shoot("sign-in")

    await desk.hand_in(desk.stack.token(person="han-feng"))
    await expect(desk.page.locator("header .who")).to_be_visible()

    (kept,) = [one for one in await desk.page.context.cookies() if one["name"] == "xunban_token"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
    assert kept["value"] not in desk.page.url + await desk.page.content()
    assert await desk.page.evaluate("document.cookie") == ""


async def test_an_operator_takes_and_registers_an_appeal_with_the_keyboard_alone(desk: Desk) -> None:
    await desk.sign_in("zhou-min")
    assert await desk.focused() == "reporter_phone"
    await desk.page.keyboard.type("13800000000")
    await desk.choose("grid", "G03")
    await desk.tab_to("content")
    await desk.page.keyboard.type("小区门口下水道异味, 已有三天")
    await desk.tab_to("接收诉求")
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


async def test_an_operator_is_asked_which_matter_a_caller_means_and_adds_the_call_to_it(desk: Desk, town: Town) -> None:
    """d.5: the same caller at the same house speaks of something else, as it seems."""
    phone, address = "13600000000", "幸福路9号"
    where = {"place": {"grid": "G03", "address": address}, "reporter_phone": phone}
    case = await town.appeal(f"{DAY} 08:05", "zhou-min", "G03", "complaint", "楼下烧烤店夜间噪音扰民", **where)
    await desk.sign_in("zhou-min")
    await desk.page.fill("#reporter_phone", phone)
    await desk.page.select_option("#kind", "complaint")
    await desk.page.select_option("#grid", "G03")
    await desk.page.fill("#address", address)
    await desk.page.fill("#content", "怎么还没有人来")
    await desk.page.get_by_role("button", name="接收诉求").click()

    await expect(desk.page.get_by_role("alert")).to_contain_text("E-MATTER")
    await expect(desk.page.get_by_role("alert")).to_contain_text("另立一件")
    await expect(desk.page.locator("#content")).to_have_value("怎么还没有人来")
    assert await desk.serious() == []
    await desk.page.select_option("#same_case", case)
    await desk.page.get_by_role("button", name="接收诉求").click()

    await expect(desk.page.get_by_role("status")).to_contain_text("已并入该案件")


async def test_hints_stand_beside_the_form_and_photo_and_reporter_go_with_it(desk: Desk, town: Town) -> None:
    phone = {"reporter_phone": "13900000000"}
    case = await town.appeal(f"{DAY} 08:10", "zhou-min", "G03", "complaint", "路灯不亮, 夜间看不清", **phone)
    await desk.sign_in("zhou-min")

    await desk.page.fill("#reporter_phone", "13900000000")
    await desk.page.fill("#reporter_name", "周示例")
    await desk.access("e")
    await expect(desk.page.locator("#caller")).to_contain_text(case[-6:])
    await desk.page.select_option("#kind", "complaint")
    await desk.page.select_option("#grid", "G03")
    await desk.page.fill("#content", "路灯不亮, 夜间看不清路")
    await desk.press("Tab")
    await expect(desk.page.locator("#duplicates")).to_contain_text(case[-6:])
    await desk.attach("photos")
    await desk.shoot("intake")
    await desk.page.get_by_role("button", name="接收诉求").click()

    await expect(desk.page.locator(".receipt")).to_contain_text("查询密码")
    await desk.shoot("received")
    await desk.page.get_by_role("link", name="去立案").click()
    await expect(desk.page.locator(".pictures img")).to_have_js_property("naturalWidth", 96)
    await expect(desk.page.locator("body")).not_to_contain_text("周示例")
    await desk.page.select_option("#purpose", "ASK_DETAILS")
    await desk.page.get_by_role("button", name="查看").click()
    await expect(desk.page.locator("#identity")).to_contain_text("周示例")
    await desk.shoot("identity")


async def test_two_calls_of_one_matter_stand_on_a_list_until_the_operator_tells_them_apart(
    desk: Desk, town: Town
) -> None:
    phone = {"reporter_phone": "13500000000"}
    first, second = [
        await town.appeal(f"{DAY} 08:12", "zhou-min", "G03", "help", "广场健身器材损坏有危险", **phone)
        for _ in range(2)
    ]
    await desk.sign_in("zhou-min", at="/cases")
    await desk.page.get_by_role("link", name="疑似重复").click()
    group = desk.page.locator("li.card", has=row(desk.page, first))
    await expect(group).to_contain_text("2 件: 同一来电号码，同一网格")
    await expect(row(desk.page, second)).to_contain_text("已接收")
    await desk.shoot("suspected")
    await desk.page.goto(f"/cases/{second}")
    await expect(desk.page.locator(f"input[name=others][value='{first}']")).to_have_count(1)
    await desk.page.goto("/suspected")
    await row(desk.page, second).get_by_label("不同之处").select_option("OTHER_OBJECT")
    await row(desk.page, second).get_by_role("button", name="与其余各件不同").click()

    await expect(desk.page.get_by_role("status")).to_contain_text("不是同一事项")
    await expect(row(desk.page, first)).to_have_count(0)
    await desk.page.goto(f"/cases/{second}")
    await expect(desk.page.locator(".line")).to_contain_text("确认与疑似重复的案件不是同一事项: 另一处")


async def test_what_was_typed_is_kept_when_the_command_is_refused(desk: Desk, town: Town) -> None:
    case = await town.appeal(f"{DAY} 08:15", "zhou-min", "G03", "help", "示例")
    await desk.sign_in("zhou-min", at=f"/cases/{case}")
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
    name, rows = await desk.download("导出 CSV")
    assert (name, len(rows) - 1) == ("queue.csv", await desk.page.locator("ol.queue > li").count())
    await row(desk.page, case).get_by_role("button", name="派给").click()

    await expect(desk.page.get_by_role("status")).to_contain_text("派遣")
    await expect(row(desk.page, case)).to_have_count(0)


async def test_a_double_click_signs_once(desk: Desk, town: Town, orders: list[str]) -> None:
    case = orders.pop()
    await desk.sign_in("fang-yun")
    await row(desk.page, case).get_by_role("button", name="签收").dblclick()
    await expect(row(desk.page, case)).to_contain_text("办理中")
    await town.line.settle()
    await desk.page.goto(f"/cases/{case}")

    await expect(desk.page.locator(".line li", has_text="签收, 由")).to_have_count(1)


async def test_a_clerk_acts_on_many_and_sees_what_became_of_each(desk: Desk, town: Town, orders: list[str]) -> None:
    first, second = orders.pop(), orders.pop()
    await desk.sign_in("fang-yun")
    await row(desk.page, first).get_by_role("checkbox").check()
    await desk.shoot("work")
    await desk.access("a")
    await expect(desk.page.get_by_role("status")).to_contain_text("完成 1 · 未能执行 0")
    await town.line.settle()

    await desk.page.goto("/work?role=lead")
    await desk.page.get_by_label("全选本页").check()
    await desk.page.select_option("#many-handler", "zheng-kai")
    await desk.page.get_by_role("button", name="指定所选").click()

    await expect(row(desk.page, first)).to_contain_text("完成")
    await expect(row(desk.page, second)).to_contain_text("E-STATE")
    await desk.shoot("bulk")
    assert await desk.serious() == []


async def test_a_forbidden_act_is_shown_with_its_rule_the_evidence_and_who_may_instead(desk: Desk, town: Town) -> None:
    case = await littered(town, "08:30")
    await desk.sign_in("wang-jianguo", post="联络员")
    await row(desk.page, case).get_by_role("button", name="签收").click()

    refused = desk.page.get_by_role("alert")
    await expect(refused).to_contain_text("SEP-01")
    await expect(refused).to_contain_text("王建国(wang-jianguo) 巡查发现并上报")
    await expect(refused).to_contain_text("刘桂兰(liu-guilan)")
    await desk.shoot("refused")
    assert await desk.serious() == []


async def test_the_case_page_tells_the_story_in_words_to_the_end(desk: Desk, town: Town, orders: list[str]) -> None:
    case = orders.pop()
    await town.accept(f"{DAY} 08:42", case, "fang-yun")
    await town.assign(f"{DAY} 08:43", case, "fang-yun", "zheng-kai")
    await desk.sign_in("zheng-kai", at=f"/cases/{case}")
    line = desk.page.locator(".line")
    await expect(line).to_contain_text("接收诉求: 投诉, 渠道")
    await expect(line).to_contain_text("派给 县住建局 办理 (第 1 轮)")
    await expect(line).to_contain_text("县住建局 指定经办人 郑凯(zheng-kai)")
    await expect(line).to_contain_text("办理时限开始")
    await expect(desk.page.get_by_role("heading", name="为何派到这里")).to_be_visible()
    await desk.shoot("case")
    await desk.page.locator("summary", has_text="反馈").click()
    await desk.attach("feedback-photos")
    await desk.act("feedback", "反馈", result="SOLVED", reply="已疏通并清洗管道")
    await town.line.settle()

    await desk.sign_in("wu-qian")
    await row(desk.page, case).get_by_role("link", name="办理").click()
    await expect(line).to_contain_text("已疏通并清洗管道")
    await desk.act("review", "审核反馈", accepted="true")
    await town.line.settle()

    await desk.stand_at(longitude=119.305, latitude=32.105)
    await desk.sign_in("li-fang")
    await row(desk.page, case).get_by_role("link", name="办理").click()
    await desk.ready()
    await desk.page.get_by_role("button", name="取当前位置").click()
    await expect(desk.page.locator("#verification-result-latitude")).to_have_value("32.1050000")
    await desk.attach("verification-result-photos")
    await desk.shoot("verification")
    await desk.act("verification/result", "提交核实结果", passed="true", note="现场无异味")

    await expect(line).to_contain_text("李芳(li-fang) 核实通过")
    await expect(line).to_contain_text("现场无异味")


async def test_the_arbiter_rules_and_says_whose_return_had_no_ground(desk: Desk, town: Town, orders: list[str]) -> None:
    case = orders.pop()
    await town.ask_return(f"{DAY} 08:46", case, "fang-yun", "county-water")
    await town.approve_return(f"{DAY} 08:46", case)
    await town.act(f"{DAY} 08:47", "routing", f"/cases/{case}/arbitration", "chen-li", {})
    await desk.sign_in("deng-hui", at="/queue?state=ARBITRATION")
    await expect(row(desk.page, case)).to_contain_text("裁定中: 职责有争议")
    await row(desk.page, case).get_by_role("link", name="办理").click()
    await expect(desk.page.locator("#between + dl")).to_contain_text("县住建局 → 县供水公司: 本单位职责清单未列此项")
    await desk.page.get_by_label("县住建局").check()
    await desk.shoot("arbitration")
    await desk.act("arbitration/rule", "裁定", unit="county-housing", reason="小区管网由住建部门监管")

    await expect(desk.page.locator("#between + dl")).to_contain_text("无据")
    await expect(desk.page.locator(".line")).to_contain_text("小区管网由住建部门监管")


async def test_the_leader_endorses_what_his_unit_sends(desk: Desk, town: Town) -> None:
    case = await drafted(town, "08:48")
    await desk.sign_in("bai-song", at=f"/cases/{case}")
    await expect(desk.page.locator("#between + dl")).to_contain_text("反馈 · 魏东(wei-dong)答复: 已责令支付")
    await desk.act("endorsement", "审签", approved="true")

    await expect(desk.page.locator(".case-head")).to_contain_text("待审核")


async def test_the_board_shows_a_new_overdue_by_itself_and_says_when_it_cannot(
    desk_apart: Desk, town: Town, orders: list[str]
) -> None:
    case = orders.pop()
    await desk_apart.page.clock.install()
    await desk_apart.sign_in("han-feng")
    board = desk_apart.page.locator("#board")
    await expect(board).not_to_contain_text(case[-6:])
    before = await board.get_attribute("data-as-of")
    await desk_apart.page.clock.pause_at(await desk_apart.page.evaluate("Date.now() + 1000"))

    await town.line.run_to(await due(town, case) + timedelta(hours=1))
    await desk_apart.page.clock.run_for(6_000)

    await expect(board).to_contain_text(case[-6:])
    assert await board.get_attribute("data-as-of") != before
    await expect(board.locator("tr", has_text=case[-6:])).to_contain_text("■ 红灯")
    await expect(board.locator(".fresh")).to_contain_text("数据截至 2026-")
    await desk_apart.shoot("overdue")

    await desk_apart.page.context.set_offline(offline=True)
    await desk_apart.page.clock.run_for(6_000)
    await expect(desk_apart.page.locator("#lost")).to_be_visible()


async def test_the_supervisor_urges_orders_and_the_units_leader_answers(desk: Desk, town: Town) -> None:
    late = await town.line.get("supervision", "/overdue", person="han-feng", unit="county-housing")
    case = late["items"][0]["case_id"]
    await desk.sign_in("han-feng", at="/overdue?unit=county-housing&refresh=off")
    await desk.page.get_by_role("button", name=f"催办: 案件 {case[-6:]}").click()
    await expect(desk.page.get_by_role("status").first).to_contain_text("已完成: 催办")
    await desk.page.get_by_role("link", name=f"督办: 案件 {case[-6:]}").click()
    await desk.act("supervision", "下达督办", level="3", order="两个工作日内报送整改计划")
    # While the case runs overdue there is nothing to lift, so nobody is offered to.
    await expect(desk.page.locator("form[action$='/supervision/lift']")).to_have_count(0)
    await desk.shoot("supervision")
    await town.line.settle()
    await desk.sign_in("ma-jun", at=f"/cases/{case}")
    await expect(desk.page.locator(".line")).to_contain_text("两个工作日内报送整改计划")
    await desk.act("supervision/response", "回应督办", plan="今日进场, 11 月 12 日前完工")

    await expect(desk.page.locator(".line")).to_contain_text("11 月 12 日前完工")


async def test_the_boards_count_look_back_and_go_out_as_files(desk: Desk, town: Town) -> None:
    case = await dispatched(town, "08:30", day="2026-11-10")
    await desk.sign_in("han-feng", at="/due-soon?within=14d")
    await expect(desk.page.locator("#board")).to_contain_text(case[-6:])
    await desk.shoot("due-soon")
    await desk.page.goto("/counts?by=unit")
    await desk.shoot("counts")
    await desk.page.locator("tbody tr", has_text="县住建局").locator("b a").click()
    await expect(desk.page).to_have_url(re.compile(r"/overdue\?clock=handling&unit=county-housing"))

    await desk.page.locator("summary", has_text="更多条件").click()
    await desk.page.fill("#as_of", "2026-11-07T10:00")
    await desk.page.get_by_role("button", name="筛选").click()
    await expect(desk.page.locator("#board")).to_contain_text("这是过去的情形")
    await expect(desk.page.locator("#board .total")).to_contain_text("共 0 件")

    await desk.page.goto("/alarms")
    await expect(desk.page.locator("tbody")).to_contain_text("久未立案")
    await desk.shoot("alarms")
    await desk.page.goto("/overdue")
    name, rows = await desk.download("导出 CSV")
    shown = await town.line.get("supervision", "/overdue", person="han-feng")
    assert (name, rows[0].split(",")[0], len(rows) - 1) == ("overdue.csv", "案件编号 case_id", shown["total"])


async def test_the_switch_makes_the_page_english_and_keeps_it(desk: Desk) -> None:
    await desk.sign_in("han-feng", at="/overdue?lamp=RED")
    await desk.access("l")

    await expect(desk.page.get_by_role("heading", name="Overdue board")).to_be_visible()
    assert desk.page.url.endswith("/overdue?lamp=RED")
    assert await desk.page.locator("html").get_attribute("lang") == "en"
    await desk.shoot("overdue-english")
