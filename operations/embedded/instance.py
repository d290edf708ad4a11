"""The folder of one instance, `.local/<instance>/`: where things are, whose it is, its ports. Starts no process."""

import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.installation import CONSOLE, LOCAL, SERVICES, CannotStart


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1. `http` is the first of eight: api and worker of each service, as in SERVICES.

    The console's is the last of the block of sixteen; a second worker of a service may use those between.
    """

    http: int
    postgres: int
    kafka: int
    controller: int

    def needed(self, *, own_postgres: bool = True, own_kafka: bool = True) -> tuple[int, ...]:
        """Every port that this instance opens itself."""
        services = range(self.http, self.http + 2 * len(SERVICES))
        return (
            *services,
            self.api(CONSOLE),
            *((self.postgres,) * own_postgres),
            *((self.kafka, self.controller) * own_kafka),
        )

    def api(self, service: str) -> int:
        return self.http + (15 if service == CONSOLE else 2 * SERVICES.index(service))

    def worker(self, service: str) -> int:
        return self.api(service) + 1


# Below the ephemeral range: a client that keeps dialling a broker that is away could otherwise be given the
# broker's own port as its source port, connect to itself and keep the broker from coming back.
TOWN_PORTS = Ports(http=8100, postgres=15432, kafka=19092, controller=19093)

PUBLIC_KEYS = "checkpoints.json"
"""What everybody proves the log by: service → public key, or several."""

_owned: dict[str, int] = {}
"""Lock file descriptors of the instances that this process owns."""


class Instance:
    """Paths of one instance and the lock that says that a living runner owns it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dir = LOCAL / name
        self.keys = self.dir / "keys"
        self.public_keys = self.keys / PUBLIC_KEYS
        self.logs = self.dir / "logs"
        self.pids = self.dir / "pids"
        self.outbox = self.dir / "outbox"
        self.is_throwaway = name.startswith("test-")
        """Nobody wants its data: it is killed rather than stopped, and removed."""
        self._lock_path = LOCAL / "locks" / name

    def acquire(self) -> None:
        """Become the owner until `release` or the end of this process, however it ends. Raises CannotStart."""
        self._lock_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_file = None if self.name in _owned else os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # A record lock belongs to this process alone: children do not inherit it, so it dies with the runner.
            # It would not keep out the same process, hence _owned.
            if lock_file is None:
                raise BlockingIOError
            fcntl.lockf(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            if lock_file is not None:
                os.close(lock_file)
            raise CannotStart(
                f"实例 {self.name} 正在运行,请先 make down INSTANCE={self.name} / "
                f"instance {self.name} is running: make down INSTANCE={self.name}"
            ) from taken
        os.truncate(lock_file, 0)
        os.write(lock_file, str(os.getpid()).encode())
        _owned[self.name] = lock_file

    def release(self) -> None:
        if self.name in _owned:
            os.close(_owned.pop(self.name))

    def runner(self) -> int | None:
        """Process id of the living runner, None when there is none."""
        try:
            self.acquire()
        except CannotStart:
            return int(self._lock_path.read_text() or "0") or None
        self.release()
        return None

    def make_folders(self) -> None:
        for folder in (self.dir, self.keys, self.logs, self.pids, self.outbox):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)

    def forget(self) -> None:
        """Remove the folder and the lock of an instance that nobody will start again."""
        self.remove()
        self._lock_path.unlink(missing_ok=True)

    def secrets(self, names: Iterable[str]) -> dict[str, str]:
        """Passwords by role name, made at first use and kept in secrets.json (0600)."""
        path = self.dir / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        known |= {name: secrets.token_urlsafe(24) for name in names if name not in known}
        write_private(path, json.dumps(known, indent=2).encode())
        return known

    def ports(self, **wanted: int | None) -> Ports:
        """As asked for, else as before (ports.json), else the town's fixed ones, else free ones."""
        path = self.dir / "ports.json"
        if path.exists():
            ports = Ports(**json.loads(path.read_text()))
        else:
            ports = TOWN_PORTS if self.name == "town" else free_ports(self._given_away())
        ports = Ports(**asdict(ports) | {name: port for name, port in wanted.items() if port})
        path.write_text(json.dumps(asdict(ports)))
        return ports

    def _given_away(self) -> set[int]:
        """First ports of the instances beside this one, which may not have opened theirs yet."""
        beside = [path.read_text() for path in self.dir.parent.glob("*/ports.json")]
        return {json.loads(text)["http"] for text in beside if text}


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    draft.replace(path)


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def check_ports(ports: Iterable[int]) -> None:
    """Raise CannotStart naming every port that something else uses."""
    taken = [str(port) for port in ports if not is_free(port)]
    if taken:
        raise CannotStart(
            f"端口被占用:{', '.join(taken)},请另行指定 / ports in use, choose others: "
            "XUNBAN_HTTP_PORT XUNBAN_POSTGRES_PORT XUNBAN_KAFKA_PORT"
        )


def free_ports(given_away: Collection[int] = ()) -> Ports:
    """A block of free ports below the ephemeral range, chosen at random so that parallel runs seldom meet."""
    while True:
        first = 20000 + 16 * secrets.randbelow(750)
        ports = Ports(http=first, postgres=first + 8, kafka=first + 9, controller=first + 10)
        if first not in given_away and all(is_free(port) for port in ports.needed()):
            return ports
