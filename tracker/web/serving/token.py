"""The token of the pages: a secret text that a browser must give once, and where it comes from."""

from __future__ import annotations

import os
import secrets
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ...config import TOKEN
from ...errors import ConfigurationError

NEW = "new"
ONE_OF = "give only one of --token, --token-file and --no-token"
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
        raise ConfigurationError(ONE_OF)
    if file is not None:
        return Token(Source.FILE, _checked(_read(file), f"in the file {file}"))
    if argument is not None and argument != NEW:
        return Token(Source.ARGUMENT, _checked(argument, f"or `{NEW}` (--token)"))
    if argument is None and environ.get(TOKEN):
        return Token(Source.ENVIRONMENT, _checked(environ[TOKEN], f"in {TOKEN}"))
    return Token(Source.RANDOM, secrets.token_urlsafe(_RANDOM_BYTES))


def _checked(token: str, where: str) -> str:
    if not SHORTEST <= len(token) <= LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        make = f"python -c 'import secrets; print(secrets.token_urlsafe({_RANDOM_BYTES}))' makes some"
        raise ConfigurationError(f"give {SHORTEST} to {LONGEST} printable ASCII characters without spaces, {where}; {make}")
    return token


def _read(file: str) -> str:
    """The text of a file that nobody else can read or write, without the end of its line."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # without waiting for a writer of a named pipe
        try:
            fault = _fault_of(file, os.fstat(descriptor))
            text = b"" if fault else os.read(descriptor, LONGEST + 3)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"the file {file} cannot be read ({reason}); --token-file needs one with the token") from error
    if fault:
        raise ConfigurationError(f"the file {file} {fault}")
    return text.decode("ascii", "replace").removesuffix("\n").removesuffix("\r")


def _fault_of(file: str, found: os.stat_result) -> str | None:
    """Why others may know what is in a file."""
    if not stat.S_ISREG(found.st_mode):
        return f"is not a regular file; give one, or set {TOKEN}"
    if found.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user (uid {found.st_uid}); copy it to a file of your own"
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"can be read or written by other users; run: chmod 600 {shlex.quote(file)}"
    return None
