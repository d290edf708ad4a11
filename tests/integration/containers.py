"""The services of docker-compose.yml as processes: the same commands and environment, on other names and ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from libs.service.settings import kafka_settings
from operations.embedded import processes
from operations.embedded.instance import Instance, Ports
from operations.embedded.stack import Stack
from operations.installation import ROOT

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS: Mapping[str, Any] = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "xunban"}
ENTRYPOINT = ROOT / "deploy" / "with-env.sh"
PORT = "8000"
"""Of every process inside its container."""


@dataclass(frozen=True)
class Containers:
    """An instance whose volume is `.local/<instance>`, and servers that exist."""

    instance: Instance
    servers: Stack

    @cached_property
    def ports(self) -> Ports:
        """Chosen by the setup."""
        return self.instance.ports()

    def port(self, name: str) -> int:
        """Where a container's port 8000 is reached."""
        service, _, kind = name.partition("-")
        return self.ports.worker(service) if kind == "worker" else self.ports.api(service)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port(name)}"

    def environment(self, name: str) -> dict[str, str]:
        """What the image and docker-compose.yml say, the names of other containers replaced by addresses."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
        ours = {"PATH": path, "HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1", "INSTANCE": self.instance.name}
        said = {key: self._here(key, str(value)) for key, value in OURS[name].get("environment", {}).items()}
        if "KAFKA_BOOTSTRAP_SERVERS" in said:
            said |= kafka_settings(self.servers.broker)
        return ours | said | {"INSTANCE_DIR": str(self.instance.dir)} | self._own_port(name, said)

    def _here(self, key: str, value: str) -> str:
        if key == "DATABASE_URL":
            assert re.fullmatch(r"postgresql://postgres:\$\{POSTGRES_PASSWORD.*\}@postgres:5432/postgres", value)
            return self.servers.admin_url()
        if key == "OUTBOX_DIR":
            return str(self.instance.outbox)
        return re.sub(rf"http://([a-z-]+):{PORT}", lambda named: self.url(named[1]), value)

    def _own_port(self, name: str, said: Mapping[str, str]) -> dict[str, str]:
        return {"WORKER_PORT": str(self.port(name))} if said.get("WORKER_PORT") == PORT else {}

    def command(self, name: str, line: list[str]) -> list[str]:
        """A command line of a container as it is run here."""
        here = {"0.0.0.0": "127.0.0.1", PORT: str(self.port(name)), "${TRUSTED_PROXIES:-172.31.115.2}": ""}  # noqa: S104
        return [here.get(one, one.replace(PORT, str(self.port(name)))) for one in line]

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """A container that ends by itself, through the image's entry point."""
        command = [str(ENTRYPOINT), *OURS[name]["command"]]
        return subprocess.run(
            command, env=self.environment(name), cwd=ROOT, capture_output=True, text=True, check=False
        )

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """A container that goes on."""
        line = [str(ENTRYPOINT), *self.command(name, OURS[name]["command"])]
        return processes.spawn(name, line, self.environment(name), ROOT)

    def healthy(self, name: str) -> bool:
        """What its health check says."""
        kind, *check = self.command(name, OURS[name]["healthcheck"]["test"])
        assert kind == "CMD"
        done = subprocess.run(check, env=self.environment(name), cwd=ROOT, capture_output=True, check=False)
        return done.returncode == 0
