"""The topics of the log in Kafka: where each lane is, the admin step, the check that a worker makes. No records."""

from collections.abc import Mapping
from typing import Any

import stamina
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from libs.events.lanes import DIRECTORY_LANE
from libs.events.topics import CASE_EVENTS, DIRECTORY_EVENTS, TOPICS, UNPACKED, Topic
from libs.log.kafka.broker import Address, reach

OF_THE_TOPIC = 1
"""Kafka's number for a setting of the topic's own."""
DIRECTORY = TopicPartition(DIRECTORY_EVENTS.name, 0)


class WrongTopic(Exception):
    """A topic is missing or is not what the log needs: a worker must not start on it."""


def topic_of(lane: int) -> TopicPartition:
    """Lane = partition; the directory's lane has a topic of its own."""
    return DIRECTORY if lane == DIRECTORY_LANE else TopicPartition(CASE_EVENTS.name, lane)


async def create_topics(bootstrap: Address, replication: int = 1) -> None:
    """Create the topics that are not there yet, then check all. Raises WrongTopic.

    With `replication` over 1 a write needs one replica less than all (`min.insync.replicas`).
    """
    durable = {"min.insync.replicas": str(max(1, replication - 1)), "unclean.leader.election.enable": "false"}
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs={**topic.configs, **durable})
        for topic in TOPICS
    ]
    admin = AIOKafkaAdminClient(**reach(bootstrap))
    await admin.start()
    try:
        answer = await admin.create_topics(wanted)
        await _unpack(admin, [name for name, code, *_ in answer.topic_errors if code == TopicAlreadyExistsError.errno])
    finally:
        await admin.close()
    for name, code, *message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise WrongTopic(f"{name}: {for_code(code).__name__} {message}")
    # A broker learns from the controller a moment later what has been created.
    async for attempt in stamina.retry_context(
        on=WrongTopic, attempts=None, timeout=5, wait_initial=0.05, wait_max=0.5
    ):
        with attempt:
            await check_topics(bootstrap)


async def _unpack(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Topics of an earlier version take what was compressed as it is: from now on the broker unpacks it."""
    for name, settings in (await _settings(admin, names, of_the_topic=True)).items():
        if not UNPACKED.items() <= settings.items():
            changed = {**settings, **UNPACKED}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])


async def check_topics(bootstrap: Address) -> None:
    """Raise WrongTopic naming every difference in partition count, clean-up policy, retention or timestamp type."""
    admin = AIOKafkaAdminClient(**reach(bootstrap))
    await admin.start()
    try:
        partitions = {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if topic["error_code"] == 0
        }
        configs = await _settings(admin, [topic.name for topic in TOPICS if topic.name in partitions])
    finally:
        await admin.close()
    wrong = [line for topic in TOPICS for line in _differences(topic, partitions, configs)]
    if wrong:
        raise WrongTopic(
            "主题不符,拒绝启动(迁移步骤会建立缺少的主题)/ topics differ, refusing to start: " + "; ".join(wrong)
        )


async def _settings(
    admin: AIOKafkaAdminClient, names: list[str], *, of_the_topic: bool = False
) -> dict[str, dict[str, str]]:
    """What holds for these topics; with `of_the_topic` only what was set for them and not for the whole broker."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    resources: list[Any] = [resource for answer in answers for resource in answer.resources]
    return {
        one[3]: {entry[0]: entry[1] for entry in one[4] if not of_the_topic or entry[3] == OF_THE_TOPIC}
        for one in resources
    }


def _differences(topic: Topic, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> list[str]:
    if topic.name not in partitions:
        return [f"{topic.name} 不存在 / is missing"]
    found = {"partitions": str(partitions[topic.name]), **configs[topic.name]}
    wanted = {"partitions": str(topic.partitions), **topic.configs}
    return [
        f"{topic.name} {key} = {found.get(key)}, 应为 / must be {value}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]
