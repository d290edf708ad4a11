"""Child processes of an instance: how they are started, recognised again and stopped. Knows no service.

Every child writes its pid to `pids/<name>` before it becomes the program, and has INSTANCE_DIR in its environment. A
recorded pid counts only while /proc shows that very folder in that process's environment, so a pid that the system
has given to somebody else is never signalled.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path


class NotReady(Exception):
    """Something did not come up, or did not end, before its deadline."""


def recorded(command: str, name: str) -> str:
    """A shell line that records its pid and then becomes `command`."""
    return f'echo $$ > "$INSTANCE_DIR/pids/{name}" && exec {command}'


LONG_LIFE = 60
"""Seconds after which a death is the first one again."""
LONGEST_PAUSE = 60


def kept_alive(command: str, name: str) -> str:
    """A shell line that runs `command` and, whenever it dies, again, after ever longer pauses. SIGTERM ends both."""
    return f"""
        echo $$ > "$INSTANCE_DIR/pids/{name}"
        trap 'told=yes' TERM INT
        pause=1
        while :; do
          born=$(date +%s)
          {command} &
          wait $!; code=$?
          # A signal ends the waiting, not yet the program.
          while kill -0 $! 2> /dev/null; do wait $!; code=$?; done
          test -z "${{told:-}}" || exit $code
          lived=$(($(date +%s) - born))
          test $lived -lt {LONG_LIFE} || pause=1
          echo "{name} 退出 / ended with $code after $lived s, is started again in $pause s; why: the lines above"
          sleep $pause &
          wait $!
          test -z "${{told:-}}" || exit $code
          pause=$((pause * 2 < {LONGEST_PAUSE} ? pause * 2 : {LONGEST_PAUSE}))
        done"""


def spawn(name: str, command: str | list[str], env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C reaches only the runner), output appended to logs/<name>.log."""
    line = command if isinstance(command, str) else shlex.join(command)
    instance = Path(env["INSTANCE_DIR"])
    with (instance / "logs" / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", recorded(line, name)],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def is_alive(pid: int, instance: Path) -> bool:
    """Whether `pid` is a process of this instance (a zombie is not: its environment is empty)."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"INSTANCE_DIR={instance}".encode() in environment.split(b"\0")


def wait_until(done: Callable[[], bool], what: str, timeout: float, poll: float = 0.02) -> None:
    """Poll a real condition until it holds. Raises NotReady after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise NotReady(what)
        time.sleep(poll)


def stop(pid: int, instance: Path, patience: float = 20) -> None:
    """SIGTERM to the process and its group, SIGKILL when it has not ended in `patience` seconds; 0 kills at once."""
    for number, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 20.0)):
        if not wait or not is_alive(pid, instance):
            continue
        os.killpg(pid, number)
        with contextlib.suppress(NotReady):
            wait_until(lambda: not is_alive(pid, instance), f"pid {pid} ends", wait)
