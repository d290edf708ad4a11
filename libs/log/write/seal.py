"""Personal fields: two keys per case, sealing at the append boundary, opening, erasure (architecture.md §8)."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from libs.events.errors import Erased, Unavailable
from libs.events.event import Event, Sealed
from libs.log.store.event_store import Pool
from libs.log.transient import AWAY

KINDS = ("reporter", "case")
HELD_SECONDS = 60.0
MASKED = "***"


@dataclass(frozen=True)
class CaseKeys:
    """The keys of one case that still exist, by kind."""

    case_id: str
    keys: dict[str, AESGCM]

    def without(self, erased: Collection[str]) -> CaseKeys:
        """The keys but those whose destruction is decided, though a copy may still be held here."""
        return CaseKeys(self.case_id, {kind: key for kind, key in self.keys.items() if kind not in erased})

    def seal(self, event: Event) -> bytes:
        """The JSON body of an event, every personal field sealed; raises `Erased` where the key is destroyed."""
        document = event.model_dump(mode="json")
        for name, mark in event.personal_fields().items():
            value = getattr(event, name)
            if isinstance(value, str):
                document[name] = self._seal_text(value, event.ce_type, name, mark.key).model_dump()
        return orjson.dumps(document)

    def seal_file(self, raw: bytes, name: str) -> bytes:
        """Nonce and cipher text of a picture or document, bound to its case and name; raises `Erased`."""
        key = self.keys.get("case")
        if key is None:
            raise Erased()
        nonce = os.urandom(12)
        return nonce + key.encrypt(nonce, raw, _bound_to(f"{self.case_id}/case", "file", name))

    def open_file(self, sealed: bytes, name: str) -> bytes:
        """What `seal_file` sealed under this name; raises `Erased` where the key is destroyed."""
        key = self.keys.get("case")
        if key is None:
            raise Erased(zh="附件已随案件的个人信息依法清除", en="erased with the personal data of its case")
        return key.decrypt(sealed[:12], sealed[12:], _bound_to(f"{self.case_id}/case", "file", name))

    def _seal_text(self, text: str, ce_type: str, name: str, kind: str) -> Sealed:
        key = self.keys.get(kind)
        if key is None:
            raise Erased()
        key_id = f"{self.case_id}/{kind}"
        nonce = os.urandom(12)
        data = key.encrypt(nonce, text.encode(), _bound_to(key_id, ce_type, name))
        return Sealed(sealed=key_id, type=ce_type, field=name, nonce=_text(nonce), data=_text(data))

    def open(self, value: Sealed | str | None) -> str | None:
        """The plain text, or `***` where the key is destroyed."""
        if value is None or isinstance(value, str):
            return value
        key = self.keys.get(value.sealed.rpartition("/")[2])
        if key is None:
            return MASKED
        bound = _bound_to(value.sealed, value.type, value.field)
        try:
            return key.decrypt(base64.b64decode(value.nonce), base64.b64decode(value.data), bound).decode()
        except (InvalidTag, ValueError):
            return MASKED


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bound_to(key_id: str, ce_type: str, name: str) -> bytes:
    case_id = key_id.rpartition("/")[0]
    return f"{case_id}|{ce_type}|{name}|{key_id}".encode()


def plain_body(event: Event) -> bytes:
    """The JSON body of an event whose personal fields, if any, are sealed already."""
    for name in event.personal_fields():
        if isinstance(getattr(event, name), str):
            raise AssertionError(f"{event.ce_type}.{name} must be sealed before it is appended")
    return event.model_dump_json().encode()


@dataclass
class Vault:
    """The `keys` database. Holds unwrapped keys for at most a minute; a missing key means *erased*."""

    pool: Pool
    master: bytes
    _held: dict[str, tuple[float, CaseKeys]] = field(default_factory=dict)
    """The longest held first."""
    _wanted: set[str] = field(default_factory=set)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @staticmethod
    def master_key(path: Path) -> bytes:
        """The 32 bytes that wrap every case key; kept outside Kafka and every database."""
        key = path.read_bytes()
        if len(key) != 32:
            raise ValueError(f"the master key in {path.name} must be 32 bytes, not {len(key)}")
        return key

    async def create(self, case_id: str) -> CaseKeys:
        """Make both keys of a new case before its first event; an orphan key harms nobody.

        Those who come while keys are being made have theirs made together.
        """
        self._wanted.add(case_id)
        async with self._making:
            if held := self._held_of(case_id):
                return held
            wanted, self._wanted = self._wanted | {case_id}, set()
            made = await self.create_all(wanted)
            for keys in made.values():
                self._hold(keys)
        return made[case_id]

    async def create_all(self, case_ids: Collection[str]) -> dict[str, CaseKeys]:
        """The keys of several new cases, made at once and not held."""
        fresh = {(case_id, kind): AESGCM.generate_key(256) for case_id in case_ids for kind in KINDS}
        rows = [(*name, aes_key_wrap(self.master, key), "m1") for name, key in fresh.items()]
        made = await self._ask(
            "insert into case_key (case_id, kind, wrapped, master_key_id) select * from unnest($1::uuid[], $2::text[],"
            " $3::bytea[], $4::text[]) on conflict do nothing returning 1",
            *([list(column) for column in zip(*rows, strict=True)]),
        )
        if len(made) < len(fresh):
            return await self.keys_of_all(case_ids)
        ciphers = {case_id: {kind: AESGCM(fresh[case_id, kind]) for kind in KINDS} for case_id in case_ids}
        return {case_id: CaseKeys(case_id, keys) for case_id, keys in ciphers.items()}

    async def keys_of(self, case_id: str) -> CaseKeys:
        """The keys of a case that still exist; `Unavailable` where the vault does not answer."""
        if held := self._held_of(case_id):
            return held
        rows = await self._ask("select kind, wrapped from case_key where case_id = $1", case_id)
        keys = CaseKeys(case_id, {row["kind"]: AESGCM(aes_key_unwrap(self.master, row["wrapped"])) for row in rows})
        self._hold(keys)
        return keys

    async def keys_of_all(self, case_ids: Collection[str]) -> dict[str, CaseKeys]:
        """The keys of several cases, asked for at once and not held."""
        found: dict[str, dict[str, AESGCM]] = {case_id: {} for case_id in case_ids}
        if not found:
            return {}
        statement = "select case_id::text as case_id, kind, wrapped from case_key where case_id = any($1)"
        for row in await self._ask(statement, list(found)):
            found[row["case_id"]][row["kind"]] = AESGCM(aes_key_unwrap(self.master, row["wrapped"]))
        return {case_id: CaseKeys(case_id, keys) for case_id, keys in found.items()}

    async def destroy(self, case_id: str, kinds: tuple[str, ...]) -> None:
        """Destroy keys; done by intake's worker on reading `PersonalDataErased` back. Idempotent."""
        await self._ask("delete from case_key where case_id = $1 and kind = any($2)", case_id, list(kinds))
        self._held.pop(case_id, None)

    async def _ask(self, statement: str, *values: Any) -> list[Any]:
        try:
            rows: list[Any] = await self.pool.fetch(statement, *values, timeout=5)
        except AWAY as error:
            raise Unavailable() from error
        return rows

    def _held_of(self, case_id: str) -> CaseKeys | None:
        since, keys = self._held.get(case_id, (0.0, None))
        return keys if monotonic() - since < HELD_SECONDS else None

    def _hold(self, keys: CaseKeys) -> None:
        now = monotonic()
        while self._held and self._held[first := next(iter(self._held))][0] < now - HELD_SECONDS:
            del self._held[first]
        self._held.pop(keys.case_id, None)
        self._held[keys.case_id] = (now, keys)


@dataclass(frozen=True)
class Opener:
    """What makes search copies: the vault, which opens sealed texts, and the key under which they are kept."""

    vault: Vault
    key: bytes
