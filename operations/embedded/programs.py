"""The processes of the services as the Procfile names them: command, environment, readiness. Starts no server."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
from honcho.environ import parse_procfile

from libs.service.settings import KafkaSettings
from operations.embedded import processes
from operations.embedded.instance import PUBLIC_KEYS, Instance
from operations.installation import CONSOLE, ROOT, SERVICES, CannotStart

# One client for all probes: making one reads the certificates of the whole world.
LOCAL = httpx.Client(timeout=2, trust_env=False)
PROCFILE = Path(__file__).with_name("Procfile")
COMMANDS: Mapping[str, str] = parse_procfile(PROCFILE.read_text()).processes

# What a service must not learn from the shell that starts the stack; the last would let each compile all its modules.
PRIVATE = (
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "KEYS_DATABASE_URL",
    *(name.upper() for name in KafkaSettings.model_fields),
    "PYTHONDONTWRITEBYTECODE",
)


def names(services: Iterable[str]) -> tuple[str, ...]:
    """The processes of those of `services` that exist, in the order of the Procfile."""
    present = {service for service in services if (ROOT / "services" / service / "main.py").exists()}
    return tuple(name for name in COMMANDS if name.partition("-")[0] in present)


def bare_environment(instance_dir: Path) -> dict[str, str]:
    """What every process of an instance has: our programs first in PATH, the instance it belongs to."""
    inherited = {name: value for name, value in os.environ.items() if name not in PRIVATE}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    return {**inherited, "PATH": path, "INSTANCE_DIR": str(instance_dir), "PYTHONUNBUFFERED": "1"}


def settings(instance: Instance, service: str) -> dict[str, str]:
    """What a process is told of its instance: its name and the files of its keys; the console where the APIs are."""
    if service == CONSOLE:
        ports = instance.ports()
        return {f"{name.upper()}_URL": f"http://127.0.0.1:{ports.api(name)}" for name in SERVICES}
    files = {name: str(instance.keys / file) for name, file in key_files(service).items()}
    outbox = {"OUTBOX_DIR": str(instance.outbox)} if service == "notify" else {}
    return {"SERVICE": service, **files, **outbox}


def key_files(service: str) -> dict[str, str]:
    """The key files that a service reads, and no other: setting → name in the folder of keys."""
    files = {
        "JWKS_FILE": "jwks.json",
        "MASTER_KEY_FILE": "master.key",
        "IDEMPOTENCY_KEY_FILE": "idempotency.key",
        "CHECKPOINT_KEY_FILE": f"checkpoint-{service}.pem",
        "PUBLIC_KEYS_FILE": PUBLIC_KEYS,
    }
    own = {"RECEIPT_KEY_FILE": "receipt.key", "SEARCH_KEY_FILE": "search.key"} if service == "intake" else {}
    return files | own


def start(name: str, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process of the Procfile; a third part of the name (`intake-worker-2`) tells several of one kind apart."""
    return processes.spawn(name, COMMANDS["-".join(name.split("-")[:2])], env, ROOT)


def wait_ready(name: str, process: "subprocess.Popen[bytes] | None", url: str, log: Path, timeout: float) -> None:
    """Poll `url`/readyz until 200. Raises CannotStart when the process has ended, NotReady at the deadline."""

    def answers() -> bool:
        if process is not None and process.poll() is not None:
            raise CannotStart(f"{name} 退出 / ended with {process.returncode} ({log}):\n{_end_of(log)}")
        status, _ = _readiness(url)
        return status == httpx.codes.OK

    processes.wait_until(answers, f"{name} {url}/readyz", timeout, poll=0.1)


def wait_up(name: str, url: str, log: Path, timeout: float) -> None:
    """Poll `url`/readyz until the process serves, whatever of its lanes stands still. Raises CannotStart."""

    def serves() -> bool:
        status, document = _readiness(url)
        return status == httpx.codes.OK or bool(document.get("joined"))

    try:
        processes.wait_until(serves, name, timeout, poll=0.1)
    except processes.NotReady:
        why = f"{name} 未能启动 / did not come up in {timeout:.0f} s ({log}):\n{_end_of(log)}"
        raise CannotStart(why) from None


def stands(url: str) -> str:
    """What of a process stands still, in words; empty where all goes on."""
    status, document = _readiness(url)
    if status is None:
        return "无应答 / does not answer"
    if status == httpx.codes.OK:
        return ""
    halted = {**document.get("halted", {}), **document.get("relay_halted", {})}
    told = [f"{place}: {why}" for place, why in halted.items()]
    told += [f"{what} 无应答 / does not answer" for what in document.get("away", ())]
    return "停止 / stands still: " + ("; ".join(told) or f"{status}")


def _readiness(url: str) -> tuple[int | None, Mapping[str, Any]]:
    """Status and document of `/readyz`; None where nobody answers."""
    try:
        answer = LOCAL.get(f"{url}/readyz")
        return answer.status_code, answer.json()
    except (httpx.TransportError, ValueError):
        return None, {}


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""
