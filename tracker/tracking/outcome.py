"""PURE: how a run ended, from the exception that ended it."""

from __future__ import annotations

from ..core.plain import text
from ..core.run import Status
from ..machine.masking import scrubbed


def outcome(error: BaseException | None) -> tuple[str, str | None]:
    """Status and end reason of a run whose block ended with `error`; None for a normal end."""
    if error is None:
        return "completed", None
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "Ctrl-C"
    if isinstance(error, SystemExit):
        return _of_exit(error)
    if isinstance(error, GeneratorExit):
        return "interrupted", "the generator around the run was closed"
    said = scrubbed((str(error).splitlines() or [""])[0])[:200]
    return "failed", f"{type(error).__name__}: {said}" if said else type(error).__name__


def ending(status: object, reason: object) -> tuple[Status, str | None]:
    """The status and end reason that a caller of `stop` gives. A status that does not exist is kept in the reason: a run is closed in any
    case."""
    why = None if reason is None else text(reason)
    name = text(status).lower()
    if name in set(Status) - {Status.RUNNING}:
        return Status(name), why
    return Status.COMPLETED, ": ".join(filter(None, (f"stop({text(status)!r})", why)))


def _of_exit(error: SystemExit) -> tuple[str, str | None]:
    """Lightning turns Ctrl-C into exit code 1, and SIGTERM into its own kind of SystemExit without a code."""
    if isinstance(error.__context__, KeyboardInterrupt):
        return "interrupted", "Ctrl-C"
    if type(error).__name__ == "SIGTERMException":
        return "interrupted", "SIGTERM"
    return ("completed", "sys.exit()") if error.code in (None, 0) else ("failed", f"sys.exit({error.code!r})")
