"""The command line. Each command has its own file. `presentation/` makes what it prints."""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib import import_module

import rich_click as click

from .._version import __version__
from ..errors import MORE_FILES, NO_MORE_FILES, ConfigurationError, RunNotFoundError, TrainwattError
from ..masking.text import scrubbed
from ..presentation.words.safe_text import lines
from .output import replace_what_cannot_be_shown, say

COMMANDS = {
    "run": "track.run",
    "attach": "track.attach",
    "list": "look.list",
    "show": "look.show",
    "compare": "look.compare",
    "watch": "look.watch",
    "export": "look.export",
    "serve": "look.serve",
    "footprint": "grams.footprint",
    "report": "look.report",
    "estimate": "grams.estimate",
    "zones": "grams.zones",
    "hardware": "grams.hardware",
    "delete": "look.delete",
    "doctor": "track.doctor",
    "trust": "trust",
    "completion": "completion",
    "ls": "look.list",
}
"""Each command and its module."""

FAILED, USAGE, NOT_FOUND = 1, 2, 3


class Commands(click.RichGroup):
    """Imports the module of a command only when the command is called, or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if name != "ls"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{COMMANDS[cmd_name]}", __package__).command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="trainwatt")
def cli() -> None:
    """Measure the energy of training runs and show it: every joule with its source and its error.

    Put `trainwatt run --` before any command, or use `EnergyTracker` in Python; then `trainwatt show`.
    """


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 usage, 3 not found."""
    gc.set_threshold(100_000)  # nearly all objects live until the end, so searching for garbage costs time and finds none
    replace_what_cannot_be_shown()
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Printable("%(message)s"))
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # our own message says once that a provider did not answer
    try:
        code = cli.main(prog_name="trainwatt", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.message = lines(scrubbed(error.message))  # type: ignore[misc]  # it may quote an argument
        error.show(sys.stderr)
        code = USAGE if isinstance(error, click.UsageError) else error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        code = _unread()
    except ConfigurationError as error:
        code = _fail(error, USAGE)
    except RunNotFoundError as error:
        code = _fail(error, NOT_FOUND)
    except TrainwattError as error:
        code = _fail(error, FAILED)
    except OSError as error:
        if error.errno not in NO_MORE_FILES:
            raise
        code = _fail(TrainwattError(f"{error.filename or 'a file'} cannot be opened. {MORE_FILES}"), FAILED)
    except SystemExit as end:  # from a command, or from click or rich when a pipe was closed
        code = _unread() if isinstance(end.__context__, BrokenPipeError) else end.code
    sys.exit(code if isinstance(code, int) else 0)


class _Printable(logging.Formatter):
    """Log messages as text for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return lines(super().format(record))


def _unread() -> int:
    """The reader closed the pipe (`| head`), which is not a failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter reports an error when it flushes
    return 0


def _fail(error: Exception, code: int) -> int:
    say(str(error))
    return code
