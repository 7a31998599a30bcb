"""Where the database is: from an argument, the environment, the project's configuration or the user's data folder.

Standard library only; platformdirs is imported where it decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from ..errors import ConfigurationError, NoHomeError
from ..machine.filesystem import on_network
from ..masking.text import without_password

_ENDING = ".db"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


class Located(NamedTuple):
    """The place of a database. `folder`: the one that was named, where it is the file of this host; None if a file or a server was."""

    place: str
    folder: Path | None


def locate(db: str | os.PathLike[str] | None, environ: Mapping[str, str], configured: str | None) -> str:
    """The place of the database that is written, as `located` finds it."""
    return located(db, environ, configured).place


def located(db: str | os.PathLike[str] | None, environ: Mapping[str, str], configured: str | None) -> Located:
    """The place of the database: a file's path, or a server's SQLAlchemy URL.

    The first of these that is given and not empty decides: the argument `db`, TRAINWATT_DB in `environ`, the project's configuration
    (`configured`), the user's data folder. It is a file, a folder (it exists as one, or ends with a slash) or a URL; `sqlite:///PATH`
    is the same as the path. Raises ConfigurationError for a URL that is neither SQLite nor PostgreSQL, and for a home folder
    that does not exist; NoHomeError for a user without one.
    """
    given = (os.fspath(db) if db is not None else "") or environ.get("TRAINWATT_DB") or configured
    if not given:
        folder = _user_data_folder()
        return Located(str(file_in(folder, folder=True)), folder)
    url = _URL.match(given)
    if url and url[1].split("+")[0] in ("postgresql", "postgres"):
        return Located(given, None)
    if url and url[1].split("+")[0] == "sqlite":
        given = _path_of_sqlite_url(given)
    elif url:
        raise ConfigurationError(
            f"the database {masked(given)} is of an unknown kind ({url[1]}). Give a file, a folder, sqlite:///PATH or postgresql://…"
        )
    try:
        path = Path(_encodable(given)).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"the database {given} is in a home folder that does not exist. Give the whole path.") from error
    is_folder = given.endswith(("/", os.sep)) or _is_folder(path)
    return Located(str(file_in(path, folder=is_folder)), path if is_folder else None)


def spare() -> Iterator[str]:
    """Where a run can be kept if its own database cannot be used: the user's data folder, then a new temporary folder."""
    import tempfile  # seldom needed

    with suppress(NoHomeError):
        yield f"{_user_data_folder()}{os.sep}"  # it is not looked at here, because its filesystem may not answer
    with suppress(OSError):  # no temporary folder can be written either
        yield str(file_in(Path(tempfile.mkdtemp(prefix="trainwatt-"))))


def _user_data_folder() -> Path:
    import platformdirs  # here, because it is seldom needed

    try:
        folder = platformdirs.user_data_path("trainwatt")
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # "~" stays as it is where HOME is not set and the machine does not know the user
        raise NoHomeError("this user has no home folder for the database. Name a place with --db, db= or TRAINWATT_DB.")
    return folder


def sqlite_path(place: str) -> Path:
    """The file at `place`. That of a server is in the user's data folder: a run is always written to a local file, because a slow server
    must not delay the training, and brought to the server from there (see storage/owed). Raises NoHomeError."""
    return file_in(_user_data_folder(), folder=True) if is_server(place) else Path(place)


def is_server(place: str) -> bool:
    """Whether `place`, as `locate` returned it, is a server's URL."""
    return _URL.match(place) is not None


def masked(place: str) -> str:
    """`place` without the password of a server's URL."""
    return without_password(place) if is_server(place) else place


def file_in(path: Path, *, folder: bool = False) -> Path:
    """`path` itself; or, where it is a folder (or will be one: `folder`), the database's file in it.

    On a network filesystem each host has its own file, because several hosts cannot safely write to one.
    """
    if not folder and not _is_folder(path):
        return path
    if on_network(path):
        import platform

        return path / f"runs-{platform.node()}.db"
    return path / "runs.db"


def files_in(folder: Path) -> list[Path]:
    """The files in a folder that may be databases of hosts, by name. Raises ConfigurationError if it cannot be read."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_ENDING) and not name.startswith("."))
    except OSError as error:
        raise ConfigurationError(f"the folder {folder} cannot be read: {error.strerror}. Name another one.") from error
    return [folder / name for name in names if os.path.isfile(folder / name)]  # no pipe, and no link to nothing


def _encodable(text: str) -> str:
    """`text` as a path that Python can pass to the kernel. In the C locale Python encodes ASCII only; there the path's UTF-8 is used."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return os.fsdecode(text.encode("utf-8"))
    return text


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not reachable, or too long: opening it will say so
        return False


def _path_of_sqlite_url(url: str) -> str:
    path = re.sub(r"^[^/]*://[^/]*/?", "", url)
    if not path or path.startswith(":memory:") or "?" in path:
        raise ConfigurationError(f"the database {url} names no plain file. Give sqlite:///PATH, a file or a folder.")
    return unquote(path)
