"""Finds the files of settings of a project, and says what in them is followed."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..machine.git import repositories
from . import consent
from .consent import Consent
from .named import Named, named
from .owned import Doubt, Weakness, look

OWN, SHARED = "trainwatt.toml", "pyproject.toml"
_TABLE = ("tool", "trainwatt")
_HEADER = re.compile(rb"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*trainwatt\b", re.MULTILINE)
"""Tells that a file which cannot be read as TOML was meant to have settings of ours."""
_MOST_DOTS = 300
"""On a line. The parser of TOML takes time with the square of the length of a key, and a key of ours has one dot."""
_MOST_LEVELS = 10
"""Of tables and lists in each other. The deepest setting, `tags`, has two."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)


class Why(StrEnum):
    """Why settings are not followed."""

    NOT_ALLOWED = "not-allowed"
    CHANGED = "changed"
    OTHER_USER = Weakness.OWNER.value
    WRITABLE = Weakness.WRITABLE.value


@dataclass(frozen=True)
class NotFollowed:
    """Settings of a file that are not followed. `settings` is empty if the whole file is not. `at` is the file or folder that is the
    reason; `uid` is its owner, where that matters."""

    file: Path
    settings: tuple[str, ...]
    why: Why
    at: Path
    uid: int | None = None


@dataclass(frozen=True)
class SettingsFile:
    """A file of settings. `real` is its path without links, `values` are as they stand in it."""

    path: Path
    real: Path
    values: Mapping[str, Any]
    named: Named
    doubt: Doubt | None

    @property
    def needed(self) -> Consent:
        """The consent for what it names; for all of its settings if there is a `doubt` whose they are."""
        return consent.consent(self.real, self.values, self.named.code)

    @property
    def needs_consent(self) -> bool:
        """Whether something in it is followed only with consent."""
        return self.doubt is not None or bool(self.named.settings)

    def refused(self) -> NotFollowed | None:
        """What in it is not followed, according to the consents of the user."""
        if not self.needs_consent:
            return None
        given = consent.given(self.real)
        changed = None if given is None else given.changed(self.needed)
        if given is not None and changed is None:
            return None
        if changed is not None:
            return NotFollowed(self.path, () if self.doubt else self.named.settings, Why.CHANGED, Path(changed))
        if self.doubt is not None:
            return _of_another(self.path, self.doubt)
        return NotFollowed(self.path, self.named.settings, Why.NOT_ALLOWED, self.path)


@dataclass(frozen=True)
class Found:
    """The settings of a project: those that are followed, from `file` (None: there is none), and what is not followed."""

    file: Path | None
    values: Mapping[str, Any]
    not_followed: tuple[NotFollowed, ...]


def search(folder: Path) -> Found:
    """The settings for a run whose working directory is `folder`: of the nearest file that may be followed.

    Raises ConfigurationError for a file of this user that cannot be read.
    """
    refused: list[NotFollowed] = []
    for place in folders(folder):
        for name in (OWN, SHARED):
            found = load(place / name)
            if isinstance(found, NotFollowed):
                refused.append(found)
            elif found is not None:
                if (not_followed := found.refused()) is not None:
                    refused.append(not_followed)
                    if not not_followed.settings:
                        continue
                left_out = () if not_followed is None else not_followed.settings
                values = {key: value for key, value in found.named.values.items() if key not in left_out}
                return Found(found.path, values, tuple(refused))
    return Found(None, {}, tuple(refused))


def folders(folder: Path) -> list[Path]:
    """Where settings are looked for: from `folder` up to the top of the git repository around it, or to the home of the user, whichever is
    nearer. Only in `folder` itself if neither is around it."""
    places = [folder, *folder.parents]
    home = os.path.expanduser("~")
    ends = {
        next(repositories(folder), None),
        *(Path(name) for name in (home, os.path.realpath(home)) if name != "/"),
    }  # "/": a user without a home
    end = next((place for place in places if place in ends), folder)
    return places[: places.index(end) + 1]


def load(path: Path) -> SettingsFile | NotFollowed | None:
    """A file of settings; None if there is none, or if it is a pyproject.toml without settings of ours.

    A file that cannot be read is a NotFollowed if somebody else could have made it. Else ConfigurationError is raised, because the user
    expects that it counts.
    """
    if not os.path.lexists(path):  # also if a folder above may not be read
        return None
    try:
        seen = look(path)
    except OSError as error:
        if error.errno in _ABSENT or path.name == SHARED:
            return None
        raise _unreadable(path, error) from error
    ours = path.name != SHARED
    try:
        if seen.content is None:
            raise seen.fault or OSError(errno.EIO, os.strerror(errno.EIO))
        if not ours and b"trainwatt" not in seen.content:
            return None
        ours = ours or _HEADER.search(seen.content) is not None
        values = _settings(seen.content, path.name)
        if values is None:
            return None
        ours = True
        if not isinstance(values, Mapping):
            raise ConfigurationError(f'[tool.trainwatt] in {path} is {values!r}: write a table of settings, for example project = "digits"')
        what = named(path.parent, values, next(repositories(path.parent), path.parent))
        return SettingsFile(path, seen.real, values, what, seen.doubt)
    except (OSError, ValueError, RecursionError) as error:
        if not ours:
            return None
        if seen.doubt is not None:
            return _of_another(path, seen.doubt)
        raise _unreadable(path, error) from error


def _settings(content: bytes, name: str) -> object:
    """The settings in a file; None if a pyproject.toml has none. Raises ValueError and RecursionError."""
    import tomllib  # loaded only if there is a file to read

    if any(line.count(b".") > _MOST_DOTS for line in content.splitlines()):
        raise ValueError(f"a line has more than {_MOST_DOTS} dots")
    values: Any = tomllib.loads(content.decode("utf-8"))
    for key in _TABLE if name == SHARED else ():
        values = values.get(key) if isinstance(values, Mapping) else None
    if name == SHARED and values == {}:
        return None
    _require_shallow(values)
    return values


def _require_shallow(values: object) -> None:
    """Raises ValueError for tables or lists in each other that no setting has: they would exhaust the stack of what goes through them."""
    level = [values]
    for _ in range(_MOST_LEVELS):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())]
        if not level:
            return
    raise ValueError(f"it has more than {_MOST_LEVELS} tables or lists in each other")


def _of_another(path: Path, doubt: Doubt) -> NotFollowed:
    return NotFollowed(path, (), Why(doubt.weakness.value), doubt.at, doubt.uid)


def _unreadable(path: Path, error: BaseException) -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return error
    why = "its brackets are nested too deep" if isinstance(error, RecursionError) else error
    return ConfigurationError(f"{path} cannot be read as TOML ({why}); correct it, or move the file away")
