"""One running instance: servers, migrations, the eight processes; started, asked, killed and stopped from Python.

    with Stack("demo", mode="manual") as stack:
        httpx.get(stack.api_url("intake") + "/readyz")

Synchronous on purpose: runners and test fixtures drive it from outside any event loop; inside one, use a thread.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from libs.events.signature import PublicKeys
from libs.log.kafka.broker import Address, Broker
from libs.log.keys import Keys, read_key, read_public_keys
from libs.service.settings import broker_at, kafka_settings
from operations.embedded import (
    certificates,
    kafka,
    keys,
    leftovers,
    postgres,
    programs,
)
from operations.embedded.instance import Instance, check_ports
from operations.installation import CONSOLE, SERVICES, CannotStart
from operations.kafka_access import AUDITOR, admit, principal_of
from operations.migrate import migrate

Mode = Literal["real", "manual"]


class Stack:
    """A context manager over one instance. Raises CannotStart with a message for people, NotReady at a deadline."""

    def __init__(
        self,
        instance: str,
        mode: Mode = "manual",
        *,
        fresh: bool = True,
        services: Iterable[str] = SERVICES,
        existing_servers: bool = False,
        secured: bool = False,
        empty: bool = False,
        ports: Mapping[str, int | None] | None = None,
    ) -> None:
        """`fresh` forgets the former data; `existing_servers` honours KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL.

        `services` may name the console as well. `secured` servers want TLS and a login. `empty`
        ones are started and left alone: no database, no topic, no process.

        Data in servers that exist are not ours to forget: there a log that is already open is continued, or refused
        when it was opened in the other mode.
        """
        self.instance = Instance(instance)
        self.dir = self.instance.dir
        self.mode = mode
        self.fresh = fresh
        self.names = programs.names(services)
        self._wanted_ports = dict(ports or {})
        self.secured = secured
        self.empty = empty
        self._kafka_given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") if existing_servers else None
        self._postgres_given = os.environ.get("DATABASE_URL") if existing_servers else None
        self._broker: subprocess.Popen[bytes] | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def servers_only(cls, instance: str, *, fresh: bool = True) -> Self:
        """PostgreSQL and Kafka with schemas, topics, roles and keys, in manual mode, and no process of ours."""
        return cls(instance, fresh=fresh, services=())

    def __enter__(self) -> Self:
        self.instance.acquire()
        try:
            self.start_servers()
            if not self.empty:
                self.start_services()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start_services(self) -> None:
        """Every process of this instance, until all are ready."""
        for name in self.names:
            self.start_process(name)
        for name in self.names:
            self.wait_ready(name)

    def start_servers(self) -> None:
        """Everything that must be there before a service starts: servers, databases, topics, keys, the mode."""
        leftovers.sweep()
        leftovers.stop_all(self.instance)
        if self.fresh:
            self.instance.remove()
        self.instance.make_folders()
        self.ports = self.instance.ports(**self._wanted_ports)
        check_ports(self.ports.needed(own_postgres=not self._postgres_given, own_kafka=not self._kafka_given))
        keys.create(self.instance.keys)
        if self.secured:
            certificates.create(self.certificates)
        self._passwords = self.instance.secrets(
            (*postgres.ROLES, postgres.SUPERUSER, *(f"kafka-{name}" for name in (*SERVICES, AUDITOR, kafka.ADMIN)))
        )
        if not self._kafka_given:
            self._broker = kafka.start(self.dir, self.ports, self.env("kafka"), self._kafka_secured)
        if not self._postgres_given:
            tls = self.certificates if self.secured else None
            postgres.start(self.dir, self.ports.postgres, self._passwords[postgres.SUPERUSER], tls)
        if not self.empty:
            self.create_databases()  # Kafka takes longer to come up.
        kafka.wait_ready(self.broker, self._broker)
        if not self.empty:
            self.admit_principals()
            migrate(self.owner_urls(), self.broker, self.mode)

    def create_databases(self) -> None:
        """Databases and roles that are not there yet, and the roles' passwords."""
        postgres.create_databases(self.admin_url(), self._passwords)

    def admit_principals(self) -> None:
        """Where Kafka wants a login: a principal for each service, with its rights."""
        if isinstance(self.broker, Broker) and self.broker.protocol.startswith("SASL"):
            admit(self.broker, self._kafka_passwords)

    def stop(self) -> None:
        """Services first, then Kafka, then PostgreSQL; a test instance is removed with all its data."""
        throwaway = self.instance.is_throwaway
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL if throwaway else signal.SIGTERM)
        for process in self._running.values():
            self._end(process)
        if self._broker and throwaway:
            self.kill_broker()
        self.stop_broker()
        postgres.stop(self.dir, "immediate" if throwaway else "fast")
        if throwaway:
            self.instance.forget()
        self.instance.release()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    # Where things are ------------------------------------------------------------------------------------------------

    @property
    def bootstrap(self) -> str:
        return self._kafka_given or f"127.0.0.1:{self.ports.kafka}"

    @property
    def broker(self) -> Address:
        """Kafka as its administrator reaches it."""
        if self._kafka_given:
            return broker_at(self._kafka_given)
        return self._kafka_secured.broker(self.bootstrap) if self._kafka_secured else self.bootstrap

    def broker_as(self, service: str) -> Address:
        """Kafka as a service, or the auditor, reaches it."""
        broker = self.broker
        if not isinstance(broker, Broker) or not broker.protocol.startswith("SASL"):
            return broker
        return replace(broker, username=principal_of(service), password=self._kafka_passwords[service])

    @property
    def certificates(self) -> Path:
        return self.dir / "tls"

    @property
    def _kafka_secured(self) -> kafka.Secured | None:
        return kafka.Secured(self.certificates, self._passwords[f"kafka-{kafka.ADMIN}"]) if self.secured else None

    @property
    def _kafka_passwords(self) -> dict[str, str]:
        return {name: self._passwords[f"kafka-{name}"] for name in (*SERVICES, AUDITOR)}

    def admin_url(self, database: str = "postgres") -> str:
        """The server as its superuser; for provisioning and for tests that look behind the services."""
        if self._postgres_given:
            return postgres.with_database(self._postgres_given, database)
        return self._url(database, postgres.SUPERUSER)

    def owner_urls(self) -> dict[str, str]:
        """Database → the server as its owner, for migrations, backups and rebuilds."""
        return {name: self._url(name, roles[0]) for name, roles in postgres.DATABASES.items()}

    def database_url(self, service: str, owner: bool = False) -> str:
        return self._url(service, f"{service}_owner" if owner else service)

    @property
    def public_keys(self) -> PublicKeys:
        """What the log of this instance is proven by."""
        return read_public_keys(self.instance.public_keys)

    def keys_of(self, service: str) -> Keys:
        """What a process of this service signs and proves with."""
        return Keys(read_key(self.instance.keys / f"checkpoint-{service}.pem"), self.public_keys.proves)

    def keys_url(self, role: str = "keys_reader") -> str:
        """`role`: keys_reader, keys_intake or keys_owner."""
        return self._url("keys", role)

    def _url(self, database: str, role: str) -> str:
        password = self._passwords[role]
        if self._postgres_given:
            return postgres.as_role(postgres.with_database(self._postgres_given, database), role, password)
        tls = f"?sslmode=verify-full&sslrootcert={self.certificates}/ca.pem" if self.secured else ""
        return postgres.url(role, password, f"127.0.0.1:{self.ports.postgres}", database) + tls

    def api_url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports.api(service)}"

    def worker_url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports.worker(service)}"

    def token(
        self, *, person: str | None = None, client: str | None = None, scopes: Iterable[str] = (), hours: float = 12
    ) -> str:
        """A token for a person or for a machine client."""
        return keys.token(self.instance.keys, person=person, client=client, scopes=scopes, hours=hours)

    def env(self, name: str) -> dict[str, str]:
        """The whole environment of process `name` (`intake-api`, …, or `kafka`)."""
        ours = self.service_env(name) if "-" in name else {}
        return programs.bare_environment(self.dir) | ours

    def service_env(self, name: str) -> dict[str, str]:
        """The environment contract of a service process: addresses, files and mode, nothing inherited."""
        service = name.partition("-")[0]
        if service == CONSOLE:
            return programs.settings(self.instance, service) | {"API_PORT": str(self.ports.api(service))}
        return programs.settings(self.instance, service) | {
            "DATABASE_URL": self.database_url(service),
            "KEYS_DATABASE_URL": self.keys_url("keys_intake" if service == "intake" else "keys_reader"),
            **kafka_settings(self.broker_as(service)),
            "MODE": self.mode,
            "API_DOCS": "true",
            # A runner waits for every hop; a town may rest between two looks.
            **({"RELAY_IDLE_MS": "80", "WORKER_SESSION_SECONDS": "6"} if self.mode == "manual" else {}),
            # A second worker comes and goes; the first one is always back under its name.
            **({"WORKER_NAME": name} if name.count("-") == 1 else {}),
            "API_PORT": str(self.ports.api(service)),
            "WORKER_PORT": str(self.ports.worker(service)),
        }

    # Doing harm and good to single processes -------------------------------------------------------------------------

    def start_process(self, name: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start `name` again or for the first time, with additions to its environment; returns at once.

        A second worker is `intake-worker-2`, with a WORKER_PORT of its own. Raises RuntimeError while one of this name
        runs: it would be forgotten, and outlive the instance.
        """
        if name in self._running and self._running[name].poll() is None:
            raise RuntimeError(f"{name} is running")
        process = programs.start(name, {**self.env(name), **(env or {})})
        self._running[name] = process
        return process

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The newest process of this name."""
        return self._running[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and its group; waits for the end unless the signal only stops or continues it."""
        process = self._running[name]
        os.killpg(process.pid, number)
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            process.wait(30)

    def wait_ready(self, name: str, timeout: float = 120) -> None:
        """Poll GET /readyz until 200. Raises CannotStart with the end of its log when the process has ended."""
        service, _, kind = name.partition("-")
        url = self.api_url(service) if kind == "api" else self.worker_url(service)
        programs.wait_ready(name, self._running.get(name), url, self.instance.logs / f"{name}.log", timeout)

    def stop_broker(self) -> None:
        """Stop Kafka in order, as an operator would."""
        if self._broker and self._broker.poll() is None:
            self._broker.terminate()
            self._end(self._broker)

    def kill_broker(self) -> None:
        """SIGKILL to Kafka."""
        if self._broker and self._broker.poll() is None:
            os.killpg(self._broker.pid, signal.SIGKILL)
            self._broker.wait()

    def start_broker(self) -> None:
        """Start Kafka again on its data and wait until it serves."""
        if self._kafka_given:
            raise CannotStart("Kafka 不由本实例管理 / this Kafka is not ours to start")
        self._broker = kafka.start(self.dir, self.ports, self.env("kafka"), self._kafka_secured)
        kafka.wait_ready(self.broker, self._broker)

    def kill_postgres(self) -> None:
        """SIGKILL to PostgreSQL's main process; its others end with it."""
        postgres.kill(self.dir)

    def start_postgres(self) -> None:
        """Start PostgreSQL again on its data; returns when it has recovered and accepts connections."""
        postgres.start(self.dir, self.ports.postgres, self._passwords[postgres.SUPERUSER])

    def revive(self) -> list[str]:
        """Start those of its own servers again that have ended; their names. Raises CannotStart, NotReady."""
        revived = []
        if not self._postgres_given and not postgres.is_running(self.dir):
            postgres.forget_dead(self.dir)
            self.start_postgres()
            revived.append("PostgreSQL")
        if self._broker and self._broker.poll() is not None:
            self.start_broker()
            revived.append("Kafka")
        return revived

    def broker_pid(self) -> int | None:
        return self._broker.pid if self._broker and self._broker.poll() is None else None
