"""docs/commands.md, made from what `--help` says: `python -m tests.commands_page`."""

from __future__ import annotations

import inspect
from pathlib import Path

import rich_click as click

from trainwatt.cli.main import COMMANDS, cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Made by `python -m tests.commands_page`, from what `--help` says.

RUN is an id, the beginning of one, a name, project/name, or `latest`. If several runs answer to it, the command lists their ids and does
nothing. Every command that reads takes `--db PLACE`, the database to read: a file or a folder; else it is where `TRAINWATT_DB`,
`trainwatt.toml` or the user's data folder has it. JSON goes to stdout with a `schema_version`, everything else to stderr. Exit codes:
0 done, 1 failed, 2 usage, 3 no such run, 4 a gate is crossed; `trainwatt run` has the code of its command. An option that takes one value
(`--project`, `--status`, `--pue`) is refused if it is given twice with two values. Of how a command works or prints (`--format`, `--sort`),
the last word counts.
"""


def page() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="trainwatt", **cli.context_settings)
    parts = [HEAD]
    for word in COMMANDS:
        command = cli.get_command(context, word)
        if word == "ls" or command is None:
            continue
        own = click.Context(command, parent=context, info_name=word)
        parts += [f"## trainwatt {word}", inspect.cleandoc(command.help or ""), f"    {command.get_usage(own).removeprefix('Usage: ')}"]
        rows = [f"| {_spelled(option, own)} | {_said(option)} |" for option in command.params if isinstance(option, click.Option)]
        parts.append("\n".join(["| option | |", "|---|---|", *rows]) if rows else "")
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _spelled(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    return names if option.is_flag else f"{names} `{option.make_metavar(context).replace('|', ' or ')}`"


def _said(option: click.Option) -> str:
    text = (option.help or "").replace("|", "\\|")
    return f"{text} Default: {option.default}." if option.show_default and option.default is not None else text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
