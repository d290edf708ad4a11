"""`xunban`: the command line. Mounts the commands; does nothing itself."""

import importlib
import logging

import typer

from deploy.embedded.instance import CannotStart

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Xunban 巡办: 一套系统的启动、检查与审计 / run, check, audit",
)

# module -> name of its group; None puts its commands at the top level.
MODULES: dict[str, str | None] = {
    "deploy.commands.stack": "stack",
    "deploy.commands.setup": None,
    "deploy.commands.demo": None,
    "deploy.commands.import_": None,
    "deploy.commands.real": None,
    "deploy.commands.compare": None,
    "deploy.commands.reference": None,
    "deploy.commands.backup": None,
    "deploy.commands.load": None,
    "deploy.commands.webhook": None,
    "deploy.commands.chaos": None,
    "libs.directory.cli": "directory",
    "libs.events.cli": None,
    "libs.audit.cli": None,
}

for _module, _group in MODULES.items():
    app.add_typer(importlib.import_module(_module).app, name=_group)


def main() -> None:
    """The entry point: what cannot start says why in one line, without a traceback."""
    # A broker that is not up yet is polled, not reported.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except CannotStart as reason:
        typer.secho(str(reason), fg="red", err=True)
        raise SystemExit(1) from reason


if __name__ == "__main__":
    main()
