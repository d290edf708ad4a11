"""Messages, patrol reports and erasure in a real browser."""

from playwright.async_api import expect

from tests.browser.cases import registered
from tests.browser.desk import Desk
from tests.integration.logs import eventually
from trials.town import Town

LATER = "2026-11-10"


async def test_an_undelivered_message_is_listed_on_its_case_and_sent_again(desk: Desk, town: Town) -> None:
    folder = desk.stack.instance.outbox / "person-tang-jing"
    folder.write_text("in the way")
    case = await registered(town, "09:00", LATER)
    await town.dispatch(f"{LATER} 09:01", case, fields={"unit": "county-urban", "override_reason": "就近"})

    async def given_up() -> bool:
        found = await town.line.get("notify", f"/cases/{case}", person="han-feng")
        return bool(found["undelivered"])

    await eventually(given_up, "the last try has failed")
    await desk.sign_in("han-feng", at="/untold")
    await expect(desk.page.locator("tbody")).to_contain_text(case[-6:])
    await desk.shoot("untold")
    await desk.page.get_by_role("link", name="多次投递失败").click()
    message = desk.page.locator("tbody tr", has_text=case[-6:])
    await expect(message).to_contain_text("唐静(tang-jing)")
    await desk.shoot("messages")
    name, rows = await desk.download("导出 CSV")
    assert (name, case in rows[-1]) == ("messages.csv", True)
    folder.unlink()
    await message.get_by_role("button", name="重新发送").click()
    await expect(desk.page.get_by_role("status")).to_contain_text("重新发送")

    await eventually(lambda: list(folder.glob("*.txt")), "the message is there")
    await town.line.settle()
    await desk.page.goto(f"/cases/{case}")
    told = desk.page.locator("section", has=desk.page.locator("#told")).locator("tbody tr", has_text="tang-jing")
    await expect(told).to_contain_text("已送达")


async def test_a_grid_worker_reports_from_where_he_stands(desk: Desk) -> None:
    await desk.stand_at(longitude=119.305, latitude=32.105)
    await desk.sign_in("li-fang", at="/report")
    await desk.ready()
    await desk.page.select_option("#grid-reports-kind", "city_management")
    await desk.page.select_option("#grid-reports-class_code", "manhole")
    await desk.page.fill("#grid-reports-content", "井盖破损, 已设围挡")
    await desk.page.get_by_role("button", name="取当前位置").click()
    await expect(desk.page.locator("#grid-reports-place-latitude")).to_have_value("32.1050000")
    await desk.shoot("report")
    await desk.page.get_by_role("button", name="上报").click()
    await expect(desk.page.get_by_role("alert")).to_contain_text("照片")
    await expect(desk.page.locator("#grid-reports-content")).to_have_value("井盖破损, 已设围挡")
    await desk.attach("grid-reports-photos")
    await desk.page.get_by_role("button", name="上报").click()

    await expect(desk.page.get_by_role("status")).to_contain_text("已接收")
    await expect(desk.page.locator(".content")).to_have_text("井盖破损, 已设围挡")
    await expect(desk.page.locator(".pictures img")).to_have_count(1)


async def test_personal_data_are_erased_by_who_may_and_only_when_it_is_typed(desk: Desk, town: Town) -> None:
    case = await town.appeal(f"{LATER} 09:10", "zhou-min", "G03", "help", "楼道堆物", reporter_phone="13900000000")
    await desk.sign_in("he-jun", at=f"/cases/{case}")
    await desk.page.get_by_label("诉求人信息").check()
    await desk.page.get_by_label("案件内容").check()
    await desk.act("erase", "清除个人信息", ground="CONSENT_WITHDRAWN", confirm="000000")
    await expect(desk.page.get_by_role("alert")).to_contain_text("尚未执行")
    await expect(desk.page.locator(".content")).to_have_text("楼道堆物")
    assert await desk.serious() == []
    await desk.shoot("erase")
    await desk.act("erase", "清除个人信息", ground="CONSENT_WITHDRAWN", confirm=case[-6:])

    await expect(desk.page.locator(".content")).to_have_text("(已清除)")
    await desk.sign_in("zhou-min", at=f"/cases/{case}")
    await expect(desk.page.locator("form[action$='/erase']")).to_have_count(0)
    await expect(desk.page.locator(".line")).to_contain_text("个人信息")


async def test_who_corrects_what_was_corrected_meanwhile_sees_it_first_and_sends_again(desk: Desk, town: Town) -> None:
    case = await town.appeal(f"{LATER} 09:20", "zhou-min", "G03", "help", "楼道堆放杂物")
    await desk.sign_in("zhou-min", at=f"/cases/{case}")
    meanwhile = {"reason": "来电人说明", "kind": "complaint"}
    await town.act(f"{LATER} 09:21", "intake", f"/cases/{case}/correct", "zhou-min", meanwhile)
    await desk.page.locator("summary", has_text="更正").click()
    await desk.act("correct", "更正", kind="consult", reason="听录音后更正")

    await expect(desk.page.locator("section", has=desk.page.locator("#changed"))).to_contain_text("更正案件")
    await expect(desk.page.locator("#correct-reason")).to_have_value("听录音后更正")
    assert await desk.serious() == []
    await desk.shoot("changed")
    await desk.page.get_by_role("button", name="更正", exact=True).click()
    await expect(desk.page.get_by_role("status")).to_contain_text("更正")


async def test_the_desk_adds_a_photo_to_a_case_that_exists(desk: Desk, town: Town) -> None:
    case = await town.appeal(f"{LATER} 09:30", "zhou-min", "G03", "help", "楼道照明不亮")
    await desk.sign_in("zhou-min", at=f"/cases/{case}")
    await desk.page.locator("summary", has_text="补充附件").click()
    await desk.attach("attachments")
    await town.line.settle()
    await desk.page.goto(f"/cases/{case}")
    await expect(desk.page.locator(".pictures img")).to_have_count(1)
    await expect(desk.page.locator(".line")).to_contain_text("周敏(zhou-min) 上传附件")
