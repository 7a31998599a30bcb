"""The git commit of the training code."""

from __future__ import annotations

import os
from pathlib import Path

from .files import read_text


def git_commit(folder: Path) -> str | None:
    """The commit checked out at or above `folder`, read from the files (no git process); None if there is none."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        if os.path.isfile(git):  # a worktree or submodule: "gitdir: PATH"
            git = place / read_text(git).partition(":")[2].strip()
        head = read_text(git / "HEAD")
        if head.startswith("ref:"):
            return _ref(git, head.partition(":")[2].strip())
        if head:
            return head
    return None


def _ref(git: Path, ref: str) -> str | None:
    common = git / read_text(git / "commondir")  # `git` itself where there is no such file
    for folder in (git, common):
        if commit := read_text(folder / ref):
            return commit
    packed = (line.split() for line in read_text(common / "packed-refs").splitlines())
    return next((line[0] for line in packed if line[1:] == [ref]), None)
