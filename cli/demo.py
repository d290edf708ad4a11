"""`xunban demo`: the story of a handful of cases, told on one screen, on a fresh stack. Fails where it is not true."""

import asyncio

import typer
from rich.console import Console

from operations.embedded.stack import Stack
from trials.demo import Story, audit, tell

app = typer.Typer()
INSTANCE = "demo"


@app.command()
def demo() -> None:
    """讲述几件案件的故事 / tell the story of a handful of cases."""
    console = Console(width=max(Console().width, 110))
    console.print(
        f"启动实例 {INSTANCE}: PostgreSQL, Kafka, 八个进程 / starting PostgreSQL, Kafka and eight processes …"
    )
    with Stack(INSTANCE, "manual") as stack:
        story = Story(console)
        asyncio.run(tell(stack, story))
        verified = audit(stack, story)
    console.rule()
    if story.failed or not verified:
        console.print(f"[red]{len(story.failed)} 处与预期不符 / expectations failed[/red]: {story.failed}")
        raise typer.Exit(1)
    console.print("[green]全部符合预期 / everything came true[/green]")
