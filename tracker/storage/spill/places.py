"""Where runs are kept whose database cannot be written, and which of them wait. Standard library only, and little of it: every command
looks here.

Such a file belongs to the user who wrote it, and is taken in by this user only. It is in the first of these folders that can be written:
beside the database, in the user's state folder, in the folder for temporary files.
"""

from __future__ import annotations

import os
import stat
from binascii import crc32
from collections.abc import Mapping
from pathlib import Path

ENDING = ".db"


def folders(real_path: Path, environ: Mapping[str, str]) -> list[Path]:
    """The folders for the database at `real_path`, a path without symbolic links. None of them needs to exist."""
    uid = os.geteuid()
    name = f"{real_path.name}-{crc32(os.fsencode(real_path)):08x}"
    found = [beside(real_path)]
    state = _absolute(environ, "XDG_STATE_HOME", os.path.expanduser("~/.local/state"))
    if os.path.isabs(state):  # it begins with "~" for a user without a home
        found.append(Path(state, "trainwatt", "spill", name))
    found.append(Path(_absolute(environ, "TMPDIR", "/tmp"), f"trainwatt-spill-{uid}", name))
    return found


def _absolute(environ: Mapping[str, str], name: str, default: str) -> str:
    """The folder that a variable names. A relative one would be another for the next command."""
    given = environ.get(name, "")
    return given if os.path.isabs(given) else default


def beside(real_path: Path) -> Path:
    """The folder beside the database: one for each user, because nobody else may write in it."""
    return real_path.with_name(f"{real_path.name}.spilled-{os.geteuid()}")


def waiting(real_path: Path, environ: Mapping[str, str]) -> list[list[Path]]:
    """The files that wait for the database at `real_path`, in groups: those of one process, in the order in which they belong."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for folder in folders(real_path, environ):
        try:
            names = os.listdir(folder)
        except OSError:  # as a rule there is none
            continue
        if is_own(folder):
            for name in sorted(name for name in names if name.endswith(ENDING) and is_own(folder / name)):
                groups.setdefault((folder, name.split(".")[0]), []).append(folder / name)
    return list(groups.values())


def is_own(path: Path) -> bool:
    """Whether a file or folder, and no link to one, belongs to this user, and no other user may write it."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    kind = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    return kind and found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
