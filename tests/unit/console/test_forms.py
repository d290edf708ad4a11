"""Forms: what becomes of what was typed, and when a command has a new key."""

from libs.directory.facts.view import View
from libs.directory.rules.naming import Naming
from services.console.forms.act import form_of, shown_again
from services.console.forms.catalogue import ACTS, BY_NAME
from services.console.page import inside, pages_of
from services.console.screens.boards.boards import cases_of, late
from services.console.screens.choices import choices
from services.console.screens.filters import LISTS
from services.console.screens.intake.appeal import appeal
from services.console.session.visitor import Names, Visitor
from tests.unit.directory.town import VIEW

IN_TOWN = Visitor(names=Names(Naming(View(0, {})), {}))
KEY = "0190b3a0-0000-7000-8000-000000000001"


def test_what_has_ended_is_offered_by_filters_and_by_no_form() -> None:
    ended = {"units": frozenset({"county-housing"}), "classes": frozenset({"manhole"})}
    offered = choices(Visitor(names=Names(Naming(VIEW), {}, ended)))

    assert "county-housing" not in dict(offered["units"])
    assert dict(offered["all_units"])["county-housing"] == "县住建局"
    assert "manhole" not in dict(offered["classes"])
    assert "manhole" in dict(offered["all_classes"])
    assert [code for code, _ in offered["conditions"] if code.startswith("manhole")] == []
    assert offered["grids"] == offered["all_grids"]


def test_a_refusal_that_names_what_succeeded_says_its_name() -> None:
    visitor = Visitor(names=Names(Naming(VIEW), {}))

    assert (visitor.who("street-light"), visitor.who("county-urban")) == ("路灯不亮", "县城管局")


def test_what_was_left_empty_is_not_sent() -> None:
    body = BY_NAME["contact"].body({"reached": "false", "note": "  ", "key": KEY, "back": "/work"})

    assert body == {"reached": False}


def test_numbers_and_choices_are_sent_as_the_api_takes_them() -> None:
    assert BY_NAME["supervision"].body({"level": "2", "order": "限期整改"}) == {"level": 2, "order": "限期整改"}
    assert BY_NAME["review"].body({"accepted": "true", "reason": ""}) == {"accepted": True}


def test_degrees_are_sent_in_the_units_of_the_api_and_several_ticks_as_a_list() -> None:
    found = {"passed": "true", "longitude": "119.305", "latitude": "32.1050000", "photos": "aa\nbb"}
    ruled = {"unit": "county-urban", "groundless": "county-housing\ncounty-water", "reason": "按职责清单"}

    assert BY_NAME["verification/result"].body(found) == {
        "passed": True,
        "longitude": 1_193_050_000,
        "latitude": 321_050_000,
        "photos": ["aa", "bb"],
    }
    assert BY_NAME["arbitration/rule"].body(ruled)["groundless"] == ["county-housing", "county-water"]


def test_a_place_is_corrected_as_a_place_and_no_number_is_left_to_the_api() -> None:
    typed = {"reason": "登记时选错网格", "place.grid": "G04", "place.address": ""}

    assert BY_NAME["correct"].body(typed) == {"reason": "登记时选错网格", "place": {"grid": "G04"}}
    assert BY_NAME["verification/result"].body({"longitude": "NaN"}) == {"longitude": "NaN"}


def test_a_list_is_asked_in_instants_of_the_towns_calendar() -> None:
    typed = LISTS["work"].typed({"due": "2026-11-09", "since": "2026-11-02", "role": "co"})
    past = LISTS["counts"].typed({"as_of": "2026-11-07T10:00"})

    assert LISTS["work"].query(IN_TOWN, typed) == {
        "role": "co",
        "due_after": "2026-11-02T00:00:00+08:00",
        "due_before": "2026-11-10T00:00:00+08:00",
    }
    assert LISTS["counts"].query(IN_TOWN, past) == {
        "by": "unit",
        "clock": "handling",
        "as_of": "2026-11-07T10:00:00+08:00",
    }


def test_what_is_no_day_is_left_for_the_api_to_find_fault_with() -> None:
    assert LISTS["overdue"].query(IN_TOWN, {"as_of": "gestern"}) == {"as_of": "gestern"}


def test_cases_wait_for_registration_unless_asked_otherwise() -> None:
    assert LISTS["cases"].typed({})["state"] == "RECEIVED"
    assert LISTS["cases"].typed({"state": ""})["state"] == ""


def test_a_number_of_a_group_leads_to_its_cases_where_a_list_can_show_them() -> None:
    then = {"clock": "sign", "as_of": "2026-11-07T10:00", "unit": ""}

    assert cases_of("/due-soon", {**then, "by": "class"}, "sewer-odour") == (
        "/due-soon?clock=sign&as_of=2026-11-07T10%3A00&class_code=sewer-odour"
    )
    assert cases_of("/overdue", {"by": "lamp", "clock": "handling"}, "RED") == "/overdue?clock=handling&lamp=RED"
    assert cases_of("/overdue", {"by": "level"}, 2) is None


def test_every_rendering_of_a_form_has_a_key_of_its_own() -> None:
    assert form_of(BY_NAME["accept"]).key != form_of(BY_NAME["accept"]).key


def test_after_a_refusal_what_was_typed_stays_and_the_key_is_new() -> None:
    typed = {"note": "已到现场", "key": KEY}

    again = shown_again(BY_NAME["progress"], typed, 409, {"code": "E-STATE"})

    assert again.typed["note"] == "已到现场"
    assert again.key != KEY


def test_where_nobody_knows_whether_it_was_done_the_key_stays() -> None:
    assert shown_again(BY_NAME["progress"], {"key": KEY}, 503, {"code": "E-UNREACHABLE"}).key == KEY


def test_the_field_that_the_api_found_fault_with_is_marked() -> None:
    document = {"errors": [{"at": "body.reply", "error": "string_too_long"}]}

    assert shown_again(BY_NAME["feedback"], {}, 422, document).wrong == {"reply"}


def test_a_photo_brings_the_case_that_it_made_and_another_case_its_reason() -> None:
    typed = {"kind": "help", "content": "路灯不亮", "grid": "G03", "case_id": KEY, "photos": "aa\nbb"}

    assert appeal(typed)["photos"] == ["aa", "bb"]
    assert appeal(typed)["case_id"] == KEY
    assert "case_id" not in appeal({**typed, "photos": ""})
    assert appeal({"new_case_reason": "OTHER_OBJECT"}) == {
        "new_case": True,
        "new_case_reason": "OTHER_OBJECT",
        "place": {},
    }


def test_an_appeal_without_a_name_or_an_address_is_sent_without_them() -> None:
    typed = {"key": KEY, "channel": "phone", "kind": "help", "content": "路灯不亮", "grid": "G03", "address": ""}

    assert appeal({**typed, "reporter_name": " ", "reporter_phone": ""}) == {
        "channel": "phone",
        "kind": "help",
        "content": "路灯不亮",
        "place": {"grid": "G03"},
    }


def test_a_form_sends_nobody_to_another_site() -> None:
    assert inside("/work?state=DISPATCHED") == "/work?state=DISPATCHED"
    for elsewhere in ("https://example.org/", "//example.org", "/\\example.org", "work", "/a\r\nSet-Cookie: a=b"):
        assert inside(elsewhere) == "/"


def test_every_act_has_a_name_of_its_own_and_words_in_both_languages() -> None:
    assert len(BY_NAME) == len(ACTS)
    assert all(all(said) for act in ACTS for said in (act.label, *(field.label for field in act.fields)))


def test_a_department_has_neither_the_intake_form_nor_the_dispatchers_queue() -> None:
    assert [page[0] for page in pages_of("DEPT_CLERK")] == ["/work", "/overdue"]
    assert [page[0] for page in pages_of("OPERATOR")] == ["/intake", "/cases", "/queue", "/work", "/overdue"]


def test_how_late_is_said_in_its_two_largest_parts() -> None:
    assert late(60) == ("1 分", "1 min")
    assert late(3 * 3600 + 120) == ("3 小时 2 分", "3 h 2 min")
    assert late(4 * 86400 + 3600) == ("4 天 1 小时", "4 d 1 h")
