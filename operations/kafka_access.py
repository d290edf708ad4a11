"""Who may do what in Kafka: one principal per service and one for the auditor. Makes no topic.

The host of the directory alone writes the directory. Grants end at the topic: that a service signs only in its own
name is what readers, relays and `verify` watch (architecture.md §7).
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import pbkdf2_hmac

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from libs.events.broker import Broker, reach
from libs.events.topics import CASE_EVENTS, CHECKPOINTS, DIRECTORY_EVENTS, HEARTBEATS, TOPICS, Topic
from operations.embedded.instance import SERVICES, CannotStart

AUDITOR = "auditor"
HOST_OF_DIRECTORY = "routing"
TOPIC, GROUP = 2, 3
READ, WRITE, DESCRIBE_CONFIGS = 3, 4, 10
LITERAL, ALLOW = 3, 3
SCRAM: Mapping[str, tuple[int, str]] = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
ROUNDS = 8192


@dataclass(frozen=True)
class Grant:
    """One right of one principal; the numbers are those of Kafka's protocol."""

    principal: str
    resource: int
    name: str
    operation: int


def principal_of(service: str) -> str:
    """The name under which a service, or the auditor, logs in."""
    return f"xunban-{service}"


def grants() -> tuple[Grant, ...]:
    """Everything that anybody but the administrator may do."""
    audited = (CASE_EVENTS, DIRECTORY_EVENTS, CHECKPOINTS)
    rights = [Grant(principal_of(AUDITOR), TOPIC, topic.name, READ) for topic in audited]
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
        named = await admin._send_to_controller(_SetPasswords(broker.mechanism, users))
        _check(result[1] for result in named.results)
        granted = await admin._send_to_controller(_Allow(grants()))
        _check(result[0] for result in granted.creation_responses)
    finally:
        await admin.close()


def _check(codes: Iterable[int]) -> None:
    for code in codes:
        if code:
            raise CannotStart(f"Kafka 拒绝授权 / Kafka refused to grant: {for_code(code).__name__}")


class _Allow(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    """All grants in one request; from every host."""

    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, wanted: Iterable[Grant]) -> None:
        self._wanted = wanted

    def build(self, struct: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return struct(
            [
                (one.resource, one.name, LITERAL, f"User:{one.principal}", "*", one.operation, ALLOW)
                for one in self._wanted
            ]
        )


class _PasswordsSet(Response):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _SetPasswordsV0(RequestStruct):  # type: ignore[misc]
    """AlterUserScramCredentials, which aiokafka does not have."""

    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _PasswordsSet
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _SetPasswords(Request[_SetPasswordsV0]):  # type: ignore[misc]
    """(principal, password): Kafka is told only what SCRAM keeps of it."""

    API_KEY = 51

    def __init__(self, mechanism: str, users: Iterable[tuple[str, str]]) -> None:
        self._mechanism, self._digest = SCRAM[mechanism]
        self._users = users

    def build(self, struct: type[_SetPasswordsV0]) -> _SetPasswordsV0:
        return struct([], [self._salted(name, password) for name, password in self._users], {})

    def _salted(self, name: str, password: str) -> tuple[object, ...]:
        salt = secrets.token_bytes(16)
        kept = pbkdf2_hmac(self._digest, password.encode(), salt, ROUNDS)
        return (name, self._mechanism, ROUNDS, salt, kept, {})
