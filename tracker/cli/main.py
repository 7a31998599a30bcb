"""The command line. Each command has its own file. `presentation/` makes what it prints."""

from __future__ import annotations

import gc
import logging
import sys
from importlib import import_module

import rich_click as click

from .._version import __version__
from ..presentation.words.safe_text import lines
from .exits import exit_code, flushed
from .once import require_once
from .output import occupy_standard_descriptors, replace_what_cannot_be_shown

COMMANDS = {
    "run": "track.run",
    "attach": "track.attach",
    "bench": "track.bench",
    "list": "look.list",
    "show": "look.show",
    "compare": "look.compare",
    "watch": "look.watch",
    "export": "look.export",
    "serve": "look.serve",
    "footprint": "grams.footprint",
    "report": "look.report",
    "estimate": "grams.estimate",
    "life": "life.life",
    "whatif": "life.whatif",
    "advise": "life.advise",
    "disclose": "life.disclose",
    "verify": "life.verify",
    "import": "grams.importing",
    "zones": "grams.zones",
    "hardware": "grams.hardware",
    "merge": "look.merge",
    "delete": "look.delete",
    "doctor": "track.doctor",
    "trust": "trust",
    "completion": "completion",
    "ls": "look.list",
}
"""Each command and its module."""


class Commands(click.RichGroup):
    """Imports the module of a command only when the command is called, or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if name != "ls"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{COMMANDS[cmd_name]}", __package__).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None and not ctx.resilient_parsing:  # True while a shell completes the words
            require_once(command, ctx, name, rest)
        return name, command, rest


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="trainwatt")
def cli() -> None:
    """Measure the energy of training runs and show it: every joule with its source and its error.

    Put `trainwatt run --` before any command, or use `EnergyTracker` in Python; then `trainwatt show`.
    """


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 usage, 3 not found."""
    gc.set_threshold(100_000)  # nearly all objects live until the end, so searching for garbage costs time and finds none
    occupy_standard_descriptors()
    replace_what_cannot_be_shown()
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Printable("%(message)s"))
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # our own message says once that a provider did not answer
    code = flushed(exit_code(lambda: cli.main(prog_name="trainwatt", standalone_mode=False)))
    gc.freeze()  # else the interpreter searches all objects for garbage when it ends, which takes a tenth of a second
    sys.exit(code)


class _Printable(logging.Formatter):
    """Log messages as text for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return lines(super().format(record))
