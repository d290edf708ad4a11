"""Forms: what becomes of what was typed, and when a command has a new key."""

from services.console.acts import form_of, shown_again
from services.console.intake import appeal
from services.console.lists import late
from services.console.offered import ACTS, BY_NAME
from services.console.screen import inside, pages_of

KEY = "0190b3a0-0000-7000-8000-000000000001"


def test_what_was_left_empty_is_not_sent() -> None:
    body = BY_NAME["contact"].body({"reached": "false", "note": "  ", "key": KEY, "back": "/work"})

    assert body == {"reached": False}


def test_numbers_and_choices_are_sent_as_the_api_takes_them() -> None:
    assert BY_NAME["supervision"].body({"level": "2", "order": "限期整改"}) == {"level": 2, "order": "限期整改"}
    assert BY_NAME["review"].body({"accepted": "true", "reason": ""}) == {"accepted": True}


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
    assert [page[0] for page in pages_of("OPERATOR")] == ["/intake", "/queue", "/work", "/overdue"]


def test_how_late_is_said_in_its_two_largest_parts() -> None:
    assert late(60) == ("1 分", "1 min")
    assert late(3 * 3600 + 120) == ("3 小时 2 分", "3 h 2 min")
    assert late(4 * 86400 + 3600) == ("4 天 1 小时", "4 d 1 h")
