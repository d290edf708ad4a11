"""Who may do what in Kafka: one principal per service and one for the auditor. Makes no topic.

The host of the directory alone writes the directory. Grants end at the topic: that a service signs only in its own
name is what readers, relays and `verify` watch (architecture.md §7).
"""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code

from libs.events.topics import CASE_EVENTS, CHECKPOINTS, DIRECTORY_EVENTS, HEARTBEATS, TOPICS, Topic
from libs.log.kafka.broker import Broker, reach
from libs.tuned.kafka_admin import Allow, Grant, SetPasswords, send_to_controller
from operations.installation import SERVICES, CannotStart

AUDITOR = "auditor"
HOST_OF_DIRECTORY = "routing"
TOPIC, GROUP = 2, 3
READ, WRITE, DESCRIBE_CONFIGS = 3, 4, 10


def principal_of(service: str) -> str:
    """The name under which a service, or the auditor, logs in."""
    return f"xunban-{service}"


def grants() -> tuple[Grant, ...]:
    """Everything that anybody but the administrator may do."""
    rights = [Grant(principal_of(AUDITOR), TOPIC, topic.name, READ) for topic in TOPICS]
    return (*rights, *(grant for service in SERVICES for grant in _of_service(service)))


def _of_service(service: str) -> list[Grant]:
    who = principal_of(service)
    own: tuple[Topic, ...] = (CASE_EVENTS, CHECKPOINTS, HEARTBEATS)
    written = (*own, DIRECTORY_EVENTS) if service == HOST_OF_DIRECTORY else own
    # A worker looks at the settings of the topics before it starts on them.
    looked_at = [Grant(who, TOPIC, topic.name, right) for topic in TOPICS for right in (READ, DESCRIBE_CONFIGS)]
    return [
        *looked_at,
        *(Grant(who, TOPIC, topic.name, WRITE) for topic in written),
        Grant(who, GROUP, f"xunban.{service}", READ),
    ]


def admit(broker: Broker, passwords: Mapping[str, str]) -> None:
    """Create the principals with these passwords (service or `auditor` → password) and give them their rights.

    Repeatable. `broker` speaks as an administrator of the cluster. Raises CannotStart where Kafka refuses.
    Synchronous; any thread.
    """
    with ThreadPoolExecutor(1) as outside_any_loop:
        outside_any_loop.submit(asyncio.run, _admit(broker, passwords)).result()


async def _admit(broker: Broker, passwords: Mapping[str, str]) -> None:
    admin = AIOKafkaAdminClient(**reach(broker))
    await admin.start()
    try:
        users = [(principal_of(name), password) for name, password in passwords.items()]
        named = await send_to_controller(admin, SetPasswords(broker.mechanism, users))
        _check(result[1] for result in named.results)
        granted = await send_to_controller(admin, Allow(grants()))
        _check(result[0] for result in granted.creation_responses)
    finally:
        await admin.close()


def _check(codes: Iterable[int]) -> None:
    for code in codes:
        if code:
            raise CannotStart(f"Kafka 拒绝授权 / Kafka refused to grant: {for_code(code).__name__}")
