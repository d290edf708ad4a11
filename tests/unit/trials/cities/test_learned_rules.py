"""Rules learned from earlier orders: majorities of categories first, words where no category speaks."""

from trials.cities.haikou.learned_rules import (
    Order,
    Proposal,
    Rules,
    learn,
    majorities,
    smallest_margin,
    weigh,
)
from trials.cities.haikou.orders import NO_RULE, Catalogue, judge


def order(category: str, unit: str, text: str = "", number: int = 0) -> Order:
    return Order(f"20180101{number:04}", tuple(category.split("/")), text, unit)


def test_category_goes_to_the_unit_with_two_thirds_of_its_orders() -> None:
    orders = [*[order("road/lamp", "lighting")] * 4, *[order("road/lamp", "roads")] * 2]
    assert majorities(orders) == {("road",): "lighting", ("road", "lamp"): "lighting"}


def test_category_without_a_clear_majority_has_no_rule() -> None:
    orders = [*[order("road/lamp", "lighting")] * 6, *[order("road/lamp", "roads")] * 4]
    assert majorities(orders) == {}


def test_category_with_four_orders_has_no_rule() -> None:
    assert majorities([order("road/lamp", "lighting")] * 4) == {}


def test_most_specific_category_decides() -> None:
    rules = Rules({("road",): "roads", ("road", "lamp"): "lighting"}, {}, float("inf"))
    assert rules.propose(order("road/lamp", "?")) == Proposal("lighting", ("road", "lamp"))
    assert rules.propose(order("road/kerb", "?")) == Proposal("roads", ("road",))
    assert rules.propose(order("water/pipe", "?")) is None


def test_words_decide_only_with_enough_lead() -> None:
    words = {"lighting": {"路灯": 3.0}, "roads": {"路面": 2.0}}
    assert Rules({}, words, 1.0).propose(order("x", "?", "路灯旁路面破损")) == Proposal("lighting", None)
    assert Rules({}, words, 1.5).propose(order("x", "?", "路灯旁路面破损")) is None


def test_words_of_a_unit_are_those_that_others_lack() -> None:
    orders = [*[order("x", "lighting", "路灯不亮")] * 30, *[order("x", "roads", "路面不平")] * 30]
    assert set(weigh(orders)["lighting"]) == {"路灯", "灯不", "不亮"}


def test_lead_is_the_least_at_which_two_thirds_were_right() -> None:
    tried = [("a", 9.0, "a"), ("a", 8.0, "a"), ("a", 7.0, "b"), ("a", 6.0, "a"), ("a", 5.0, "a"), ("a", 1.0, "b")]
    assert smallest_margin(iter([*tried, ("a", 0.5, "b")])) == 1.0


def test_words_that_were_never_right_decide_nothing() -> None:
    assert smallest_margin(iter([("a", 9.0, "b")] * 20)) == float("inf")


def test_order_without_a_rule_is_left_to_the_dispatcher() -> None:
    earlier = [order("road/lamp", "lighting", number=number) for number in range(8)]
    catalogue = Catalogue.of(earlier)
    assert catalogue.class_of(order("road/lamp", "?")) == "category-0002"
    assert catalogue.class_of(order("water/pipe", "?")) == NO_RULE


def test_trial_counts_what_was_sent_and_what_agrees() -> None:
    catalogue = Catalogue.of([order("road/lamp", "lighting", number=number) for number in range(8)])
    tried = [order("road/lamp", "lighting", number=1), order("road/lamp", "roads", number=2), order("w", "w", number=3)]
    sent = {tried[0].number: "unit-001", tried[1].number: "unit-001", tried[2].number: None}
    trial = judge(tried, catalogue, sent, "lighting")
    assert (trial.by_category, trial.by_keywords, trial.queued) == (2, 0, 1)
    assert (trial.agree_unit, trial.largest_unit) == (1, 1)


def test_learning_twice_gives_the_same_rules() -> None:
    orders = [order(f"c{number % 3}/d", f"u{number % 3}", "路灯不亮", number) for number in range(60)]
    assert learn(orders) == learn(orders)
