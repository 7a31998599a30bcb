"""How a command writes: messages to the user, the format of a file, and files that are written completely or not at all."""

from __future__ import annotations

import os
import secrets
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import IO, TextIO

import rich_click as click

from ..errors import ConfigurationError, TrainwattError
from ..presentation.words.safe_text import lines
from ..texts import SIMILAR

SAY_S = 2.0
"""How long a message waits for its reader."""


def occupy_standard_descriptors() -> None:
    """Open what the caller has closed of the descriptors 0 to 2, so that no file of ours becomes one of them. Writing to it still fails,
    and a child process finds it closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDONLY)  # the kernel takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def replace_what_cannot_be_shown() -> None:
    """From now on, stdout and stderr replace the characters that their encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=SIMILAR)


def echo(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print a text on stdout, or on stderr."""
    click.echo(text, file=sys.stderr if err else sys.stdout, nl=nl)  # without a file, click writes UTF-8 where the encoding is ASCII


def say(text: str, *, patience_s: float = SAY_S) -> None:
    """Print a message for the user on stderr, if it is still there. No escape sequence in it takes effect.

    Raises nothing: a terminal may have hung up, a disk may be full, and the work matters more than the message. `patience_s`: how long it
    waits for the reader of a pipe that is full."""
    with suppress(OSError, ValueError):
        if _has_room(sys.stderr, patience_s):
            echo(f"trainwatt: {lines(text)}", err=True)


def _has_room(stream: TextIO, patience_s: float) -> bool:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # it is no file
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(1e3 * patience_s))


def form_of(path: str | None, forms: Sequence[str], default: str) -> str:
    """The format of a file by the ending of its name; `default` if it has none. Raises ConfigurationError for an unknown ending."""
    ending = os.path.splitext(path or "")[1].lower().lstrip(".")
    if ending and ending not in forms:
        known = ", ".join(f".{form}" for form in forms)
        raise ConfigurationError(f"-o {path}: .{ending} is none of the formats there are; end it with {known}, or give --format")
    return ending or default


def require_folder(path: str, example: str, option: str = "-o") -> None:
    """Check early that a file can be written at `path`: that its folder exists, and that it is not a folder itself.

    Raises ConfigurationError. `example` is the name of a file, for the message."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise ConfigurationError(f"{option} {path}: it is a folder; name a file in it, as in {os.path.join(path, example)}")
    if not os.path.isdir(folder):
        raise ConfigurationError(f"{option} {path}: there is no folder {folder}; make it, or name another place")


@contextmanager
def whole(path: str, option: str = "-o") -> Iterator[IO[bytes]]:
    """A file that appears at `path`, the value of `option`, only when it is complete: it is written next to its place and then renamed.
    `-` is stdout.

    Raises TrainwattError if it cannot be written. See `require_folder` for an early check."""
    try:
        if path == "-":
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        target = os.path.realpath(path)
        if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device is not replaced
            with open(target, "wb") as file:
                yield file
            return
        beside = f"{target}.{secrets.token_hex(4)}.part"
        try:
            with open(beside, "xb") as file:
                yield file
            os.replace(beside, target)
        except BaseException:  # raised again; no half-written file stays
            with suppress(OSError):
                os.unlink(beside)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "stdout" if path == "-" else path
        raise TrainwattError(f"{name} cannot be written: {error.strerror}; name another place with {option}") from error
