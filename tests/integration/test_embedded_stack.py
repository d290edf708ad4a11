"""The embedded servers are what the design asks for, keep their data, and leave nothing behind. No service."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import stamina
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from joserfc import jwt
from joserfc.jwk import KeySet

from libs.events.topics import FOR_EVER
from libs.log.kafka.topics import WrongTopic, check_topics, create_topics
from operations.embedded import leftovers, postgres, processes
from operations.embedded.instance import Instance, Ports, check_ports
from operations.embedded.stack import Stack
from operations.installation import CannotStart
from operations.migrate import migrate


@pytest.fixture
async def admin(servers: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.admin_url())
    yield connection
    await connection.close()


@dataclass(frozen=True)
class Before:
    """What a stack in real mode, stopped since, had."""

    instance: str
    ports: Ports
    master_key: bytes


@pytest.fixture(scope="module")
def before() -> Iterator[Before]:
    name = f"kept-{secrets.token_hex(4)}"
    try:
        with Stack(name, "real", services=()) as stack:
            asyncio.run(ask(stack.admin_url(), "create table kept as select 1 as it"))
            yesterday = Before(name, stack.ports, (stack.dir / "keys" / "master.key").read_bytes())
        yield yesterday
    finally:
        Instance(name).forget()


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("data_checksums", "on")),
        *(("server_encoding", "UTF8"), ("idle_in_transaction_session_timeout", "5s"), ("unix_socket_directories", "")),
    ],
)
async def test_the_database_server_is_set_up_for_keeps(admin: asyncpg.Connection, setting: str, value: str) -> None:
    assert await admin.fetchval(f"show {setting}") == value


async def test_the_database_server_is_postgresql_18(admin: asyncpg.Connection) -> None:
    assert admin.get_server_version().major == 18


async def test_similar_chinese_text_is_found(admin: asyncpg.Connection) -> None:
    await admin.execute("create extension if not exists pg_trgm")
    assert await admin.fetchval("select similarity('幸福路路面坑洼', '幸福路路面有坑洼') > 0.4")


async def test_no_service_can_open_another_one_s_database(servers: Stack) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(servers.database_url("intake"), database="routing")


async def test_only_intake_may_write_the_vault(servers: Stack) -> None:
    reader = await asyncpg.connect(servers.keys_url("keys_reader"))
    try:
        assert await reader.fetchval("select count(*) from case_key") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("delete from case_key")
    finally:
        await reader.close()


async def test_a_wrong_password_is_refused(servers: Stack) -> None:
    host, port = "127.0.0.1", servers.ports.postgres
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=host, port=port, user="intake", password="guessed", database="intake")


async def test_topics_are_created_once_and_pass_the_check(servers: Stack) -> None:
    await create_topics(servers.bootstrap)
    await check_topics(servers.bootstrap)


async def test_a_topic_that_would_forget_is_refused(servers: Stack) -> None:
    await configure(servers.bootstrap, {**FOR_EVER, "retention.ms": "604800000"})
    try:
        with pytest.raises(WrongTopic, match=r"case\.events retention\.ms = 604800000"):
            await check_topics(servers.bootstrap)
    finally:
        await configure(servers.bootstrap, FOR_EVER)


async def configure(bootstrap: str, configs: dict[str, str]) -> None:
    """Change the settings of `case.events` and wait until the broker shows them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "case.events", configs)])
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=60, wait_initial=0.05):
            with attempt:
                answer = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "case.events")])
                shown = {entry[0]: entry[1] for entry in answer[0].resources[0][4]}
                assert shown["retention.ms"] == configs["retention.ms"]
    finally:
        await admin.close()


def test_a_token_is_verified_with_the_published_keys(servers: Stack) -> None:
    published = KeySet.import_key_set(json.loads((servers.dir / "keys" / "jwks.json").read_text()))
    token = jwt.decode(servers.token(person="zhou-min", scopes=("clock", "import")), published, algorithms=["ES256"])
    assert token.claims["iss"] == "xunban"
    assert token.claims["sub"] == "zhou-min"
    assert token.claims["kind"] == "person"
    assert token.claims["scope"] == "clock import"


def test_nobody_else_can_read_secrets_and_keys(servers: Stack) -> None:
    private = [servers.dir / "secrets.json", *(servers.dir / "keys" / name for name in ("master.key", "signing.json"))]
    assert [path.stat().st_mode & 0o777 for path in private] == [0o600, 0o600, 0o600]


def test_a_port_in_use_is_named_before_anything_starts(servers: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", servers.ports.api("notify")))
        with pytest.raises(CannotStart, match=str(servers.ports.api("notify"))):
            check_ports(servers.ports.needed())


def test_a_running_instance_is_not_started_twice(servers: Stack) -> None:
    again = f"from operations.embedded.stack import Stack; Stack.servers_only('{servers.instance.name}').__enter__()"
    refused = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"instance {servers.instance.name} is running" in refused.stderr


def test_a_second_start_finds_data_keys_and_ports_again_and_refuses_data_of_another_event_store(before: Before) -> None:
    with Stack(before.instance, "real", fresh=False, services=()) as again:
        assert asyncio.run(ask(again.admin_url(), "select it from kept")) == 1
        assert (again.dir / "keys" / "master.key").read_bytes() == before.master_key
        assert again.ports == before.ports
        asyncio.run(ask(again.admin_url("intake"), "comment on schema log is 'another event store'"))
        with pytest.raises(CannotStart, match="another version's event store"):
            migrate(again.owner_urls(), again.broker, again.mode)


def test_a_log_opened_in_one_mode_is_not_continued_in_the_other(before: Before) -> None:
    with (
        pytest.raises(CannotStart, match="the log is real"),
        Stack(before.instance, "manual", fresh=False, services=()),
    ):
        pass


def test_servers_that_exist_are_used_instead_of_own_ones(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", servers.admin_url())
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers.bootstrap)
    try:
        with Stack(f"test-{secrets.token_hex(4)}", services=(), existing_servers=True) as guest:
            assert guest.broker_pid() is None
            assert guest.bootstrap == servers.bootstrap
            assert asyncio.run(ask(guest.database_url("notify"), "select kind from log.mode")) == "manual"
            assert guest.env("notify-worker")["KAFKA_BOOTSTRAP_SERVERS"] == servers.bootstrap
    finally:
        # The guest has set the roles' passwords to its own.
        postgres.create_databases(servers.admin_url(), json.loads((servers.dir / "secrets.json").read_text()))


RUNNER = """
import sys
from operations.embedded.stack import Stack
with Stack.servers_only(sys.argv[1]) as stack:
    print(stack.broker_pid(), (stack.dir / "pg/postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""


def test_after_a_killed_runner_the_next_start_leaves_no_orphan() -> None:
    name = f"test-{secrets.token_hex(4)}"
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        broker, server = map(int, runner.stdout.readline().split())
        os.kill(runner.pid, signal.SIGKILL)
    assert processes.is_alive(broker, Instance(name).dir)
    leftovers.sweep()
    assert not Path(f"/proc/{broker}/exe").exists()
    assert not Path(f"/proc/{server}/exe").exists()
    assert not Instance(name).dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_user_namespaces_runs_the_database_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "namespaces_allowed", lambda: False)
    instance = Instance(f"test-{secrets.token_hex(4)}")
    instance.make_folders()
    port = instance.ports().postgres
    try:
        postgres.start(instance.dir, port, "secret")
        assert asyncio.run(ask(postgres.url("postgres", "secret", f"127.0.0.1:{port}", "postgres"), "select 1")) == 1
        assert (instance.dir / "pg" / "PG_VERSION").stat().st_uid == 65534
    finally:
        postgres.stop(instance.dir)
        instance.forget()


def test_a_process_that_dies_is_started_again_and_one_that_is_told_ends(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    lives = tmp_path / "lives"
    once_dead = f"sh -c 'echo life >> {lives}; test $(wc -l < {lives}) -gt 1 || exit 3; exec sleep 60'"
    line = processes.kept_alive(once_dead, "patient")
    environment = {**os.environ, "INSTANCE_DIR": str(tmp_path)}
    shell = ["/bin/sh", "-c", line]
    with subprocess.Popen(shell, env=environment, start_new_session=True, stdout=subprocess.PIPE) as patient:
        assert patient.stdout
        assert "ended with 3" in patient.stdout.readline().decode()
        processes.wait_until(lambda: lives.read_text().count("life") == 2, "the second life begins", timeout=30)
        os.killpg(int((tmp_path / "pids" / "patient").read_text()), signal.SIGTERM)
        assert patient.wait(30) != 0
        assert patient.stdout.read() == b"", "nobody is left that could write, and nothing was started again"


def test_a_process_that_dies_again_and_again_is_started_after_ever_longer_pauses(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    line = processes.kept_alive("false", "hopeless").replace("sleep $pause", "sleep 0")
    environment = {**os.environ, "INSTANCE_DIR": str(tmp_path)}
    shell = ["/bin/sh", "-c", line]
    with subprocess.Popen(shell, env=environment, start_new_session=True, stdout=subprocess.PIPE) as hopeless:
        assert hopeless.stdout
        said = [hopeless.stdout.readline().decode() for _ in range(8)]
        os.killpg(hopeless.pid, signal.SIGTERM)
        hopeless.wait(30)
    assert [line.partition("again in ")[2].split()[0] for line in said] == ["1", "2", "4", "8", "16", "32", "60", "60"]
    assert all("ended with 1" in line for line in said)


def test_servers_that_were_killed_are_noticed_and_brought_back() -> None:
    with Stack(f"test-{secrets.token_hex(4)}", "real", services=()) as stack:
        assert stack.revive() == []
        broker = stack.broker_pid()
        assert broker
        os.kill(broker, signal.SIGKILL)
        server = int((stack.dir / "pg" / "postmaster.pid").read_text().split()[0])
        os.kill(server, signal.SIGKILL)
        processes.wait_until(lambda: not postgres.is_running(stack.dir), "PostgreSQL has ended", timeout=30)
        assert stack.revive() == ["PostgreSQL", "Kafka"]
        assert asyncio.run(ask(stack.admin_url(), "select 1")) == 1
        assert stack.broker_pid() not in (None, broker)
        assert stack.revive() == []
