"""The token of the pages: a secret text that a browser must give once, and where it comes from."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ...config import TOKEN
from ...errors import ConfigurationError

NEW = "new"
SHORTEST, LONGEST = 16, 256
_RANDOM_BYTES = 24


class Source(Enum):
    """Where a token comes from."""

    RANDOM = auto()
    ARGUMENT = auto()
    FILE = auto()
    ENVIRONMENT = auto()

    @property
    def is_shown(self) -> bool:
        """Whether the token may be printed. A file and the environment keep it from others, who may read what a service prints."""
        return self in (Source.RANDOM, Source.ARGUMENT)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, which is a secret: it is not in the `repr`."""

    source: Source
    value: str

    def __repr__(self) -> str:
        return f"Token({self.source.name})"


def token_of(argument: str | None, file: str | None, environ: Mapping[str, str]) -> Token:
    """The token that was given: as an argument, in a file, or in the environment, in this order; else a random one. The argument `new` asks
    for a random one.

    Raises ConfigurationError for a token that could be guessed or cannot be sent, for a file that others can read or write, and if both an
    argument and a file are given.
    """
    if argument is not None and file is not None:
        raise ConfigurationError("--token and --token-file: give one of them")
    if file is not None:
        return Token(Source.FILE, _checked(_read(file), f"the token in {file}"))
    if argument is not None and argument != NEW:
        return Token(Source.ARGUMENT, _checked(argument, "--token", f", or `{NEW}`"))
    if argument is None and environ.get(TOKEN):
        return Token(Source.ENVIRONMENT, _checked(environ[TOKEN], TOKEN))
    return Token(Source.RANDOM, secrets.token_urlsafe(_RANDOM_BYTES))


def _checked(token: str, name: str, instead: str = "") -> str:
    if not SHORTEST <= len(token) <= LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        make = f"python -c 'import secrets; print(secrets.token_urlsafe({_RANDOM_BYTES}))' makes one"
        raise ConfigurationError(f"{name}: give {SHORTEST} to {LONGEST} printable ASCII characters without spaces{instead}; {make}")
    return token


def _read(file: str) -> str:
    """The text of a file that nobody else can read or replace, without the end of its line."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # without waiting for a writer of a named pipe
        try:
            _require_private(file, os.fstat(descriptor))
            text = os.read(descriptor, LONGEST + 3)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"--token-file {file}: it cannot be read: {reason}") from error
    return text.decode("ascii", "replace").removesuffix("\n").removesuffix("\r")


def _require_private(file: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigurationError(f"--token-file {file}: it is not a regular file; give one, or set {TOKEN}")
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(f"--token-file {file}: it belongs to another user (uid {found.st_uid}); copy it to a file of your own")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"--token-file {file}: other users can read or write it; run: chmod 600 {file}")
