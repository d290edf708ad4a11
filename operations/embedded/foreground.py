"""`make up`: honcho runs the processes of the Procfile in the foreground; whatever dies, a server among it, is started
again, and what stands still is said."""

import os
import subprocess
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import honcho.manager
import yaml
from honcho.printer import Message, Printer

from operations.embedded import keys, processes, programs
from operations.embedded.instance import Instance
from operations.embedded.stack import Stack
from operations.installation import CONSOLE, EVERYTHING, ROOT, CannotStart

TOWN = ROOT / "examples" / "town"
BASIS = "示例镇 / the example town"
FOUNDED = "E-BOOTSTRAP"
"""A town that was founded before, and looks after itself."""
WATCH = "town"
LOOK_SECONDS = 3.0

# A worker needs up to ten seconds to hand over its lanes; honcho would kill after five.
honcho.manager.KILL_WAIT = 20


class FilingPrinter(Printer):  # type: ignore[misc]
    """honcho's printer, which also keeps every line in logs/<process>.log."""

    def __init__(self, logs: Path) -> None:
        super().__init__()
        self._logs = logs

    def write(self, message: Message) -> None:
        super().write(message)
        # What `town` prints are tokens: on the screen only.
        if isinstance(message.data, bytes) and message.name != WATCH:
            with (self._logs / f"{message.name}.log").open("ab") as log:
                log.write(message.data)


def run(stack: Stack, names: tuple[str, ...]) -> int:
    """Run until Ctrl-C, a SIGTERM or the end of what watches; returns honcho's exit code."""
    manager = honcho.manager.Manager(FilingPrinter(stack.instance.logs))
    for name in names:
        command = processes.kept_alive(programs.COMMANDS[name], name)
        manager.add_process(name, command, env=stack.env(name), cwd=str(ROOT))
    command = processes.recorded(f"xunban stack watch --instance {stack.instance.name}", WATCH)
    manager.add_process(WATCH, command, env=programs.bare_environment(stack.dir), cwd=str(ROOT))
    over = Event()
    guard = Thread(target=guard_servers, args=(stack, over), name="servers")
    guard.start()
    try:
        manager.loop()
    finally:
        over.set()
        guard.join()
    return int(manager.returncode)


def guard_servers(stack: Stack, over: Event) -> None:
    """Start PostgreSQL and Kafka again where they have ended, until it is over; ever longer pauses between failures."""
    pause = LOOK_SECONDS
    while not over.wait(pause):
        try:
            for what in stack.revive():
                print(f"{what} 已退出, 重新启动 / had ended, was started again", flush=True)
            pause = LOOK_SECONDS
        except (CannotStart, processes.NotReady) as why:
            print(f"服务器无法重新启动 / a server cannot be started again: {why}", flush=True)
            pause = min(pause * 2, processes.LONGEST_PAUSE)


def watch(instance: Instance) -> None:
    """Found the demo town, print addresses and tokens, then say for ever what stands still and what goes on again."""
    names = programs.names(EVERYTHING)
    ports = instance.ports()
    urls = {}
    for name in names:
        service, _, kind = name.partition("-")
        urls[name] = f"http://127.0.0.1:{ports.api(service) if kind == 'api' else ports.worker(service)}"
        programs.wait_up(name, urls[name], instance.logs / f"{name}.log", timeout=120)
    if instance.name == "town" and "routing-api" in names:
        _found_town(instance, f"http://127.0.0.1:{ports.api('routing')}")
    _tell(instance, names)
    said: dict[str, str] = {}
    while True:
        for name, url in urls.items():
            stands = programs.stands(url)
            if stands != said.get(name, ""):
                print(f"{name}: {stands or '恢复 / goes on'}", flush=True)
            said[name] = stands
        time.sleep(LOOK_SECONDS)


def _found_town(instance: Instance, url: str) -> None:
    token = keys.token(instance.keys, person=None, client="town-setup", scopes=("directory",), hours=1)
    command = ["xunban", "directory", "bootstrap", str(TOWN), "--url", url, "--token", token, "--basis", BASIS]
    published = subprocess.run(command, check=False, capture_output=True, text=True)
    if published.returncode != 0 and FOUNDED not in published.stdout:
        raise CannotStart(f"示例镇目录未发布 / the demo town was not published:\n{published.stdout}{published.stderr}")


def _tell(instance: Instance, names: tuple[str, ...]) -> None:
    ports = instance.ports()
    for name in names:
        service, _, kind = name.partition("-")
        if kind == "api" and service != CONSOLE:
            print(f"{service:12} http://127.0.0.1:{ports.api(service)}/docs")
    for role, person in people_by_role().items():
        print(f"{role} {person}: {keys.token(instance.keys, person=person, client=None, scopes=())}")
    print(f"工作台 / console: http://127.0.0.1:{ports.api(CONSOLE)}/ · 用上面任一令牌登录 / sign in with a token above")
    seconds = _age(instance.runner() or os.getpid())
    print(f"{seconds:.0f} 秒就绪,Ctrl-C 停止 / ready after {seconds:.0f} s, Ctrl-C stops: {instance.name}", flush=True)


def _age(pid: int) -> float:
    """Seconds since a process was started."""
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    return time.monotonic() - int(started) / os.sysconf("SC_CLK_TCK")


def people_by_role() -> dict[str, str]:
    """The first person of the demo town in each role."""
    path = TOWN / "appointments.yaml"
    document: Any = yaml.safe_load(path.read_text()) if path.exists() else {"appointments": []}
    found: dict[str, str] = {}
    for appointment in document["appointments"]:
        found.setdefault(appointment["role"], appointment["person"])
    return found
