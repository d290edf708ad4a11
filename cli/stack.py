"""`xunban stack up|down|status|watch`: one instance from the shell."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from operations.embedded import (
    foreground,
    keys,
    leftovers,
    processes,
    programs,
)
from operations.embedded.instance import Instance
from operations.embedded.issue import issue
from operations.embedded.stack import Stack
from operations.installation import EVERYTHING, SERVICES, CannotStart

app = typer.Typer(no_args_is_help=True, help="启动与停止 / start and stop an instance")

InstanceName = Annotated[str, typer.Option("--instance", help="实例 / instance")]
STOPPING = (signal.SIGINT, signal.SIGTERM)


@app.command()
def up(
    instance: InstanceName = "town",
    http_port: Annotated[
        int | None, typer.Option(envvar="XUNBAN_HTTP_PORT", help="十六个端口的第一个 / first of 16")
    ] = None,
    postgres_port: Annotated[int | None, typer.Option(envvar="XUNBAN_POSTGRES_PORT")] = None,
    kafka_port: Annotated[
        int | None, typer.Option(envvar="XUNBAN_KAFKA_PORT", help="及其后一个 / and the next")
    ] = None,
) -> None:
    """前台运行,数据保留,Ctrl-C 全部停止 / run in the foreground on kept data; Ctrl-C stops everything."""
    # Until honcho takes over: whoever interrupts the start must find nothing left running either.
    for number in STOPPING:
        signal.signal(number, lambda told, _: sys.exit(128 + told))
    ports = {"http": http_port, "postgres": postgres_port, "kafka": kafka_port}
    ports["controller"] = kafka_port and kafka_port + 1
    print(f"启动 / starting: {instance}", file=sys.stderr)
    try:
        with Stack(instance, "real", fresh=False, services=(), existing_servers=True, ports=ports) as stack:
            code = foreground.run(stack, programs.names(EVERYTHING))
    except SystemExit as told:
        code = told.code if isinstance(told.code, int) else 1
    print(f"已停止 / stopped: {instance}", file=sys.stderr)
    # Being told to stop is no failure.
    raise typer.Exit(0 if code - 128 in STOPPING else code)


@app.command()
def down(instance: InstanceName = "town") -> None:
    """停止实例,包括遗留进程 / stop an instance and what a killed runner left behind."""
    target = Instance(instance)
    runner = target.runner()
    if runner is None:
        leftovers.sweep()
    else:
        os.kill(runner, signal.SIGTERM)
        processes.wait_until(lambda: target.runner() is None, f"pid {runner}", timeout=90, poll=0.1)
    print(f"已停止 / stopped: {instance}")


@app.command()
def prepare(
    instance: Annotated[str, typer.Option(envvar="INSTANCE", help="实例 / instance")] = "town",
    secrets: Annotated[
        Path | None, typer.Option(envvar="ISSUED", help="各服务的环境与密钥 / folders of the services' secrets")
    ] = None,
) -> None:
    """为容器准备:库、主题、密钥, 每服务一个文件夹 / databases, topics, keys; a folder of its own secrets per service.

    Needs DATABASE_URL (a role that may create databases and roles) and KAFKA_BOOTSTRAP_SERVERS; repeatable, and the one
    admin step of an upgrade. With KAFKA_SASL_USERNAME (an administrator) each service gets a principal of its own.
    The folders are .local/<instance>/secrets/<service> unless ISSUED says otherwise.
    """
    if missing := {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"} - os.environ.keys():
        raise CannotStart(f"缺少环境变量 / missing in the environment: {', '.join(sorted(missing))}")
    with Stack(instance, "real", fresh=False, services=(), existing_servers=True) as stack:
        issue(stack, secrets or stack.dir / "secrets")
    print(f"已就绪 / prepared: {instance}")


@app.command("new-signing-key")
def new_signing_key(
    service: Annotated[str, typer.Argument(help="服务 / service")],
    instance: Annotated[str, typer.Option(envvar="INSTANCE", help="实例 / instance")] = "town",
) -> None:
    """签名密钥遗失或须更换时: 另立一把, 旧公钥保留 / a new signing key beside the public halves of the old ones."""
    if service not in SERVICES:
        raise typer.BadParameter(f"须为 / one of: {', '.join(SERVICES)}")
    keys.renew_signing_key(Instance(instance).keys, service)
    print(f"已更换, 请重启其 worker / renewed, restart its worker: {service}")


@app.command()
def status(instance: InstanceName = "town") -> None:
    """列出各进程 / list the processes; exit code 1 unless all are ready."""
    target = Instance(instance)
    if target.runner() is None:
        raise CannotStart(f"未运行 / not running: {instance}")
    ports = target.ports()
    ready = True
    for name in programs.names(EVERYTHING):
        service, _, kind = name.partition("-")
        url = f"http://127.0.0.1:{ports.api(service) if kind == 'api' else ports.worker(service)}"
        answer = None
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{url}/readyz", timeout=2).status_code
        ready = ready and answer == httpx.codes.OK
        print(f"{name:20} {url}  {answer or '无应答 / no answer'}")
    raise typer.Exit(0 if ready else 1)


@app.command(hidden=True)
def watch(instance: InstanceName = "town") -> None:
    """One of the processes of `up`: tells when all are ready, then ends if a server ends."""
    foreground.watch(Instance(instance))
