"""What the user is told about settings that are not followed, and what to do about them."""

from __future__ import annotations

import shlex
from pathlib import Path

from .search import NotFollowed, Why


def reason(refused: NotFollowed) -> str:
    """What is not followed, and why."""
    what = f"{_shown(refused.file)} is not followed"
    if refused.settings:
        names = ", ".join(refused.settings)
        what = f"{_shown(refused.file)}: {names} {'is' if len(refused.settings) == 1 else 'are'} not followed"
    at = _shown(refused.at)
    match refused.why:
        case Why.NOT_ALLOWED:
            return f"{what}, because you have not allowed this file to name code, sinks, a database or files elsewhere"
        case Why.CHANGED:
            return f"{what}, because {at} has changed since you allowed it"
        case Why.OTHER_USER:
            return f"{what}, because {at} belongs to another user (uid {refused.uid})"
        case Why.WRITABLE:
            return f"{what}, because other users may write {at}"


def hint(refused: NotFollowed) -> str:
    """What to do before `command`."""
    return f"chmod go-w {shlex.quote(_shown(refused.at))}; or look at it" if refused.why is Why.WRITABLE else "look at it"


def command(refused: NotFollowed) -> str:
    """The command that makes it followed."""
    return f"trainwatt trust {shlex.quote(_shown(refused.file))}"


def one_line(refused: NotFollowed) -> str:
    """All of it, for the log."""
    return f"{reason(refused)}; {hint(refused)}, then: {command(refused)}"


def _shown(path: Path) -> str:
    """A path on one line. The name of a file may hold anything."""
    return "".join(c if c.isprintable() else "�" for c in str(path))
