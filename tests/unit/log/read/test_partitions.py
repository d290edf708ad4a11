"""Which partitions of a fetch are applied together. No Kafka, no database."""

from aiokafka import TopicPartition

from libs.log.kafka.topics import DIRECTORY
from libs.log.read.partitions import BATCH, shares


def lane(number: int) -> TopicPartition:
    return TopicPartition("case.events", number)


def test_lanes_with_a_few_records_each_are_applied_together() -> None:
    got = {lane(number): [number] * 3 for number in range(20)}
    assert shares(got) == [got]


def test_no_more_than_a_batch_is_applied_together() -> None:
    got = {lane(number): [number] * (BATCH // 2) for number in range(4)}
    assert [len(share) for share in shares(got)] == [2, 2]


def test_the_directory_comes_by_itself() -> None:
    got = {lane(1): ["a"], DIRECTORY: ["b"], lane(2): ["c"]}
    assert shares(got) == [{lane(1): ["a"]}, {DIRECTORY: ["b"]}, {lane(2): ["c"]}]


def test_a_lane_that_brings_more_than_a_batch_is_whole() -> None:
    got = {lane(1): ["a"], lane(2): ["b"] * (BATCH + 1), lane(3): ["c"]}
    assert shares(got) == [{lane(1): ["a"]}, {lane(2): ["b"] * (BATCH + 1)}, {lane(3): ["c"]}]
