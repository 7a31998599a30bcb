"""The git commit of the training code."""

from __future__ import annotations

from pathlib import Path


def git_commit(folder: Path) -> str | None:
    """The commit checked out at or above `folder`, read from the files (no git process); None where there is none."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        try:
            if git.is_file():  # a worktree or submodule: "gitdir: PATH"
                git = (place / git.read_text().partition(":")[2].strip()).resolve()
            head = (git / "HEAD").read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue
        if not head.startswith("ref:"):
            return head
        return _ref(git, head.partition(":")[2].strip())
    return None


def _ref(git: Path, ref: str) -> str | None:
    try:
        common = (git / (git / "commondir").read_text().strip()).resolve()
    except OSError:
        common = git
    for folder in (git, common):
        try:
            return (folder / ref).read_text().strip()
        except OSError:
            continue
    try:
        packed = (common / "packed-refs").read_text().splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), None)
