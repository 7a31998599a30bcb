"""`trainwatt completion SHELL`: the script that completes commands and options."""

from __future__ import annotations

import rich_click as click
from click.shell_completion import get_completion_class

from .output import echo


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a completion script; for bash: `eval "$(trainwatt completion bash)"` in ~/.bashrc."""
    kind = get_completion_class(shell)
    assert kind is not None
    echo(kind(ctx.find_root().command, {}, "trainwatt", "_TRAINWATT_COMPLETE").source())
