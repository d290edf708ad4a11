"""`xunban backup`, `xunban restore`, `xunban reconcile`: what an operator says, and what is printed."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.audit.reading import NoLog
from libs.service.clock import real_now
from libs.service.settings import broker_at
from operations.backup import manifest, run
from operations.backup.manifest import Manifest
from operations.backup.reconcile import LogForked
from operations.backup.run import Place, Restored
from operations.backup.topics import LogIncomplete
from operations.embedded import postgres
from operations.embedded.instance import Instance
from operations.embedded.stack import Stack
from operations.installation import CannotStart

app = typer.Typer()
InstanceName = Annotated[str, typer.Option("--instance", envvar="INSTANCE", help="实例 / instance")]
Folder = Annotated[Path, typer.Argument(help="备份文件夹 / folder of the backup")]


@app.command("backup")
def backup_all(folder: Folder, instance: InstanceName = "town") -> None:
    """备份四个库、日志、密钥库与密钥, 不停机 / back up databases, log, vault and key files while all goes on.

    On existing servers: DATABASE_URL (a role that may read every database) and KAFKA_BOOTSTRAP_SERVERS.
    """
    try:
        show_backup(Console(), folder, run.backup(place_of(instance), folder, real_now()))
    except (NoLog, LogIncomplete, OSError) as why:
        raise CannotStart(f"未能备份 / not backed up: {why}") from why


@app.command("restore")
def restore_all(
    folder: Folder,
    instance: InstanceName = "town",
    replication: Annotated[int, typer.Option(help="主题副本数 / replicas of a topic")] = 1,
) -> None:
    """恢复到空的服务器; 日志仍在则补回其后的事件 / restore into empty servers; a log that survived fills up the rest.

    On existing servers: DATABASE_URL (a role that may create databases and roles) and KAFKA_BOOTSTRAP_SERVERS.
    """
    made = manifest.read(folder)
    run.put_keys_back(folder, Instance(instance).keys)
    with Stack(instance, "real", fresh=False, services=(), existing_servers=True, empty=True) as stack:
        try:
            show_restored(Console(), run.bring_back(stack, folder, replication))
        except (NoLog, LogForked) as why:
            raise CannotStart(f"未能恢复, 服务不得连接 / not restored, no service may connect: {why!r}") from why
    print(f"可以启动 / may be started: {instance} ({made.mode})")


@app.command("reconcile")
def reconcile_all(instance: InstanceName = "town") -> None:
    """库落后于日志时由日志补齐 / let databases that are older than the log catch up, after a fail-over.

    Stop the services first; meanwhile they cannot connect.
    """
    try:
        recovered, keys = asyncio.run(run.catch_up(place_of(instance)))
    except (NoLog, LogForked) as why:
        raise CannotStart(f"未能补齐 / not reconciled: {why!r}") from why
    print(f"补回事件 / events recovered: {recovered}; 再次销毁密钥 / keys destroyed again: {keys.erased}")


def place_of(instance: str) -> Place:
    """An installation that runs: of this machine, or where the environment says."""
    given_database, given_kafka = os.environ.get("DATABASE_URL"), os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    here = Instance(instance)
    if not here.dir.exists():
        raise CannotStart(f"没有实例 {instance} / there is no instance {instance}")
    ports, passwords = here.ports(), here.secrets(())
    server = f"127.0.0.1:{ports.postgres}"
    owners = {
        name: postgres.with_database(given_database, name)
        if given_database
        else postgres.url(owner, passwords[owner], server, name)
        for name, (owner, *_) in postgres.DATABASES.items()
    }
    return Place(owners, broker_at(given_kafka) if given_kafka else f"127.0.0.1:{ports.kafka}", here.keys)


def show_backup(console: Console, folder: Path, made: Manifest) -> None:
    """One table: what is in it."""
    table = Table(title="备份 / backup", show_header=False)
    table.add_row("文件夹 folder", str(folder))
    table.add_row("时刻 taken at", made.taken_at)
    table.add_row("事件 events", f"{made.events:,}")
    table.add_row("日志记录 records of the log", f"{made.records:,}")
    table.add_row("密钥 keys of cases", f"{made.databases['keys'].counts['public.case_key']:,}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    table.add_row("字节 bytes", f"{size:,}")
    console.print(table)
    console.print("vault/ 与 secrets/ 应另行保管, 并按期删除 / keep vault/ and secrets/ apart, and for a limited time")


def show_restored(console: Console, found: Restored) -> None:
    """One table: what came back, and what did not."""
    table = Table(title="恢复 / restored", show_header=False)
    table.add_row("备份时刻 backup of", found.manifest.taken_at)
    table.add_row("备份中的事件 events of the backup", f"{found.manifest.events:,}")
    log = "仍在 survived" if found.log_survived else "取自备份 from the backup"
    table.add_row("日志 log", log)
    table.add_row("由日志补回的事件 events recovered from the log", f"{found.recovered:,}")
    table.add_row("再次销毁的密钥 keys destroyed again", f"{found.keys.erased:,}")
    table.add_row("密钥遗失的案件 cases whose keys are lost", f"{found.keys.missing:,}")
    table.add_row("用时 seconds", f"{found.seconds:.1f}")
    console.print(table)
