"""`xunban`: the command line. Mounts the commands; does nothing itself."""

import importlib.util
import logging

import typer

from operations.installation import CannotStart

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Xunban 巡办: 一套系统的启动、检查与审计 / run, check, audit",
)

# module -> name of its group; None puts its commands at the top level.
MODULES: dict[str, str | None] = {
    "cli.stack": "stack",
    "cli.setup": None,
    "cli.import_": None,
    "cli.compare": None,
    "cli.reference": None,
    "cli.backup": None,
    "cli.webhook": None,
    "cli.directory": "directory",
    "cli.schemas": None,
    "cli.golden": None,
    "cli.audit": None,
}
# What is tried on a town is not in the image.
TRIALS = ("cli.demo", "cli.real", "cli.drill", "cli.load", "cli.chaos") if importlib.util.find_spec("trials") else ()

for _module, _group in (*MODULES.items(), *((one, None) for one in TRIALS)):
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
