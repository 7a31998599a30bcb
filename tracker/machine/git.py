"""The git commit of the training code.

The files are read as git would read them, but they may come from anybody: a folder above the working directory may be writable by all, and
an archive may hold a `.git`. So nothing but a commit is taken from them, and only regular files inside of the repository are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from .files import read_regular

_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
"""SHA-1 or SHA-256 (git, gitformat-hash-function-transition)."""
_REF = re.compile(r"refs(/(?!\.)[^\x00-\x20\x7f~^:?*\[\\/]+)+")
"""The name of a branch or tag as git-check-ref-format(1) allows it, apart from rules that cannot lead to another file."""
_MOST_BYTES, _MOST_PACKED = 2**12, 2**24
_MOST_REFS = 5
"""So many references are followed from one to the next; as in git (refs.h, SYMREF_MAXDEPTH)."""


def repositories(folder: Path) -> Iterator[Path]:
    """The top folders of the git repositories around `folder`, the nearest first.

    A repository counts if it is of this user, of root, or of the owner of `folder`: in a container, root often trains in a folder of the
    user. That of anybody else is passed over.
    """
    owners = _owners(folder)
    return (place for place in (folder, *folder.parents) if _is_owned(place / ".git", owners))


def git_commit(folder: Path) -> str | None:
    """The commit checked out at or above `folder`, read from the files (no git process); None if there is none."""
    owners = _owners(folder)
    for place in repositories(folder):
        git = _repository(place / ".git", owners)
        if git is not None and (head := _line(git, "HEAD")):
            return _commit(git, head, owners)
    return None


def _owners(folder: Path) -> set[int]:
    try:
        return {os.geteuid(), 0, os.stat(folder).st_uid}
    except OSError:  # deleted, for example
        return {os.geteuid(), 0}


def _repository(git: Path, owners: set[int]) -> Path | None:
    """The folder of the repository at `.git`, without links."""
    real = Path(os.path.realpath(git))
    if os.path.isfile(real):  # a worktree or submodule: "gitdir: PATH"
        word, _, path = _line(real.parent, real.name).partition(":")
        real = Path(os.path.realpath(git.parent / path.strip())) if word == "gitdir" else real
    return real if os.path.isdir(real) and _is_owned(real, owners) else None


def _is_owned(path: Path, owners: set[int]) -> bool:
    """Whether a file or folder, and the link that may lead to it, belong to one of the owners."""
    try:
        return os.lstat(path).st_uid in owners and os.stat(path).st_uid in owners
    except OSError:
        return False


def _commit(git: Path, head: str, owners: set[int]) -> str | None:
    """The commit that the text of HEAD stands for."""
    common = Path(os.path.realpath(git / (_line(git, "commondir") or ".")))
    if not _is_owned(common, owners):
        return None
    for _ in range(_MOST_REFS):
        if not head.startswith("ref:"):
            return head.lower() if _COMMIT.fullmatch(head) else None
        ref = head.removeprefix("ref:").strip()
        if not _REF.fullmatch(ref):
            return None
        head = _line(git, ref) or _line(common, ref) or _packed(common, ref)
    return None


def _packed(common: Path, ref: str) -> str:
    lines = (line.partition(b" ") for line in _read(common, "packed-refs", _MOST_PACKED).splitlines())
    return next((commit.decode("ascii", "replace") for commit, _, name in lines if name == os.fsencode(ref)), "")


def _line(folder: Path, name: str) -> str:
    """The text of a small file, which may be any bytes; "" if it cannot be read."""
    text = os.fsdecode(_read(folder, name, _MOST_BYTES)).strip()
    return "" if "\0" in text else text


def _read(folder: Path, name: str, most_bytes: int) -> bytes:
    """The content of a regular file; nothing if it cannot be read, or if a link leads out of the folder."""
    try:
        real = Path(os.path.realpath(folder / name))
        return read_regular(real, most_bytes, follow=False).content if real.is_relative_to(folder) else b""
    except (OSError, ValueError):  # ValueError: a null character in the path
        return b""
