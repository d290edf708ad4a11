"""Comparing and rebuilding the read models of one installation, by their service's own parts. No terminal."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from libs.events.signature import Proves
from libs.log.kafka.broker import Address
from libs.log.keys import read_public_keys
from libs.log.write.seal import Opener, Vault
from libs.service.runtime import Parts
from libs.service.settings import broker_at
from operations.embedded import postgres
from operations.embedded.instance import Instance, Ports
from operations.installation import CannotStart
from operations.rebuild import Comparison, compare, put_in_place


async def compared(instance: str, services: Sequence[str]) -> list[Comparison]:
    """What differs between the live read models of these services and those rebuilt from the log."""
    async with opener(_keys_url(instance), Instance(instance).keys) as opens:
        return [
            await compare(_owner_url(instance, name), _kafka(instance), parts_of(name), proves_of(instance), opens)
            for name in services
        ]


async def replaced(instance: str, services: Sequence[str]) -> dict[str, int]:
    """Rebuild these services' read models and put them in the place of the live ones; rows per service."""
    async with opener(_keys_url(instance), Instance(instance).keys) as opens:
        tables = {
            one: await put_in_place(
                _owner_url(instance, one), _kafka(instance), parts_of(one), proves_of(instance), opens
            )
            for one in services
        }
    return {name: sum(rows.values()) for name, rows in tables.items()}


@asynccontextmanager
async def opener(keys_url: str, folder: Path) -> AsyncIterator[Opener]:
    """What makes the search copies of an instance again: its vault, read only, and the keys in `folder`."""
    async with asyncpg.create_pool(keys_url, min_size=0, max_size=2) as pool:
        yield Opener(Vault(pool, Vault.master_key(folder / "master.key")), (folder / "search.key").read_bytes())


def proves_of(instance: str) -> Proves:
    """What proves the log of an instance: the public keys of its services."""
    given = os.environ.get("PUBLIC_KEYS_FILE")
    return read_public_keys(Path(given) if given else Instance(instance).public_keys).proves


def parts_of(service: str) -> Parts:
    """What makes this service; its projection among it."""
    parts: Parts = importlib.import_module(f"services.{service}.main").PARTS
    return parts


def _kafka(instance: str) -> Address:
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return broker_at(given) if given else f"127.0.0.1:{_ports(instance).kafka}"


def _ports(instance: str) -> Ports:
    if not Instance(instance).dir.exists():
        raise CannotStart(f"没有实例 {instance} / there is no instance {instance}")
    return Instance(instance).ports()


def _owner_url(instance: str, service: str) -> str:
    if given := os.environ.get(f"{service.upper()}_OWNER_DATABASE_URL"):
        return given
    return _url(instance, f"{service}_owner", service)


def _keys_url(instance: str) -> str:
    return os.environ.get("KEYS_DATABASE_URL") or _url(instance, "keys_reader", "keys")


def _url(instance: str, role: str, database: str) -> str:
    password = Instance(instance).secrets((role,))[role]
    return postgres.url(role, password, f"127.0.0.1:{_ports(instance).postgres}", database)
