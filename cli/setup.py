"""`xunban token` and `xunban migrate`: what must exist before somebody can call."""

import os
from typing import Annotated

import typer

from operations.embedded import keys
from operations.embedded.instance import Instance
from operations.installation import SERVICES, CannotStart
from operations.migrate import KEYS
from operations.migrate import migrate as run_migrations

app = typer.Typer()


@app.command()
def token(
    person: Annotated[str | None, typer.Option(help="人员代码 / id of a person")] = None,
    client: Annotated[str | None, typer.Option(help="机器账号 / name of a machine client")] = None,
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
    scope: Annotated[list[str] | None, typer.Option(help="权限,可重复 / scope, may be repeated")] = None,
    hours: Annotated[float, typer.Option(help="有效小时数 / hours until it expires")] = 12,
) -> None:
    """签发令牌 / sign a token for a person or a machine client."""
    if (person is None) == (client is None):
        raise typer.BadParameter("--person 与 --client 二选一 / give --person or --client")
    print(keys.token(Instance(instance).keys, person=person, client=client, scopes=scope or (), hours=hours))


@app.command()
def migrate(
    mode: Annotated[str, typer.Option(envvar="MODE", help="real | manual")] = "real",
    replication: Annotated[int, typer.Option(help="主题副本数 / replicas of a topic")] = 1,
) -> None:
    """建立库表与主题 / the admin step on existing servers.

    Needs <SERVICE>_OWNER_DATABASE_URL for each service, KEYS_OWNER_DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS. The
    embedded stack runs the same step by itself.
    """
    names = {database: f"{database.upper()}_OWNER_DATABASE_URL" for database in (*SERVICES, KEYS)}
    missing = [name for name in (*names.values(), "KAFKA_BOOTSTRAP_SERVERS") if name not in os.environ]
    if missing:
        raise CannotStart(f"缺少环境变量 / missing in the environment: {', '.join(missing)}")
    urls = {database: os.environ[name] for database, name in names.items()}
    run_migrations(urls, os.environ["KAFKA_BOOTSTRAP_SERVERS"], mode, replication)
