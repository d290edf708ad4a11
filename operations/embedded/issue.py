"""What the processes of a service are given of an instance: their environment and the keys they read, in one folder.

A service that is broken into gives away its own secrets, and no key that signs for callers or for another service.
"""

from __future__ import annotations

from pathlib import Path

from operations.embedded import programs
from operations.embedded.instance import write_private
from operations.embedded.stack import Stack
from operations.installation import SERVICES

OF_THE_CONTAINER = {"API_PORT", "WORKER_PORT", "OUTBOX_DIR", "API_DOCS"}
"""What the container says itself: ports, its own disk, and whether it shows its API's page."""


def issue(stack: Stack, folder: Path) -> None:
    """`folder`/<service>/<process>.env and key files, for every service; what is there already is written again."""
    for service in SERVICES:
        own = folder / service
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = programs.key_files(service)
        for name in files.values():
            write_private(own / name, (stack.instance.keys / name).read_bytes())
        for process in programs.names([service]):
            said = stack.service_env(process) | {name: str(own / file) for name, file in files.items()}
            lines = [f"{key}='{value}'\n" for key, value in said.items() if key not in OF_THE_CONTAINER]
            write_private(own / f"{process}.env", "".join(lines).encode())
