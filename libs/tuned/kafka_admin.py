"""Principals and their grants in one request each, over aiokafka's protocol classes.

Why: aiokafka's admin client knows no AlterUserScramCredentials and creates grants one by one. It earns a set-up without
Kafka's shell scripts, each call of which is a Java process of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

LITERAL, ALLOW = 3, 3
SCRAM: Mapping[str, tuple[int, str]] = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
ROUNDS = 8192


async def send_to_controller(admin: AIOKafkaAdminClient, request: Request[Any]) -> Any:
    """The controller's answer to a request that the admin client has no method for."""
    return await admin._send_to_controller(request)


@dataclass(frozen=True)
class Grant:
    """One right of one principal; the numbers are those of Kafka's protocol."""

    principal: str
    resource: int
    name: str
    operation: int


class Allow(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
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


class SetPasswords(Request[_SetPasswordsV0]):  # type: ignore[misc]
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
