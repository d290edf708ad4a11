"""`xunban webhook-secret`: what a unit checks our webhooks with, to be handed to it. Keeps and sends nothing."""

from pathlib import Path
from typing import Annotated

import typer

from services.notify.channels.configured import ChannelIncomplete, webhook_key
from services.notify.channels.posting import webhook_secret

app = typer.Typer()


@app.command("webhook-secret")
def show_secret(
    recipient: Annotated[str, typer.Argument(help="unit:<编号> 或 person:<编号> / as the directory names it")],
    key: Annotated[Path, typer.Option(envvar="WEBHOOK_KEY_FILE", help="notify 的密钥文件 / notify's key", exists=True)],
    generation: Annotated[int, typer.Option(help="第几代密钥 / `secret_generation` of the contact point", min=1)] = 1,
) -> None:
    """一个单位的 webhook 密钥 / the webhook secret of one unit (Standard Webhooks, `whsec_…`)."""
    try:
        typer.echo(webhook_secret(webhook_key(key), recipient, generation))
    except ChannelIncomplete as why:
        typer.secho(str(why), fg="red", err=True)
        raise typer.Exit(1) from why
