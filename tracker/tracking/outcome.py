"""PURE: how a run ended, from the exception that ended it.

The class of an exception is the user's: its text, its attributes and its `__class__` may raise, or say anything. So its type is asked, and
the attributes of the built-in classes are read past those of the user's class.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.plain import text
from ..core.run import Status
from ..errors import BudgetExceeded
from ..masking.text import scrubbed
from ..texts import error_text, made, repr_of, type_name
from ..unwarned import unwarned

LONGEST_REASON = 200
_LOOKED_AT = 4000

CANCELLED = {("asyncio", "CancelledError"), ("concurrent", "CancelledError")}
"""The first part of the module, and the name, of the exceptions that end a task on purpose."""

PRUNED = {("optuna", "TrialPruned")}
"""The same for exceptions by which a study stops a trial that is worse than others."""


def outcome(error: BaseException | None) -> tuple[Status, str | None]:
    """Status and end reason of a run whose block ended with `error`; None for a normal end. Raises nothing."""
    if error is None:
        return Status.COMPLETED, None
    try:
        return unwarned(_outcome, error)
    except BaseException:  # the code of the user's class raised it; `error` must go on, and nothing else
        return Status.FAILED, type_name(error)


def _outcome(error: BaseException) -> tuple[Status, str | None]:
    if _all_are(error, KeyboardInterrupt):
        return Status.INTERRUPTED, "Ctrl-C"
    if _is(error, SystemExit):
        return _of_exit(error)
    if _all_are(error, BudgetExceeded):
        return Status.INTERRUPTED, "the budget is used"
    if _is(error, GeneratorExit):
        return Status.INTERRUPTED, "the generator around the run was closed"
    if all(_is_one_of(single, CANCELLED) for single in _singles(error)):
        return Status.INTERRUPTED, "the task was cancelled"
    status = Status.PRUNED if all(_is_one_of(single, PRUNED) for single in _singles(error)) else Status.FAILED
    return status, _shown((error_text(error, _LOOKED_AT).splitlines() or [""])[0])


def ending(status: object, reason: object) -> tuple[Status, str | None]:
    """The status and end reason that a caller of `stop` gives. A status that does not exist is kept in the reason: a run is closed in any
    case."""
    why = None if reason is None else _shown(made(text, reason, _LOOKED_AT))
    name = made(text, status, LONGEST_REASON).lower()
    if name in set(Status) - {Status.RUNNING}:
        return Status(name), why
    return Status.COMPLETED, ": ".join(filter(None, (_shown(f"stop({made(text, status, LONGEST_REASON)!r})"), why)))


def _is_one_of(error: BaseException, names: set[tuple[str, str]]) -> bool:
    """Whether an exception is of a class of another library, by name: the library is not imported."""
    kinds = type.__dict__["__mro__"].__get__(type(error))
    return any((_package(kind), type.__dict__["__name__"].__get__(kind)) in names for kind in kinds)


def _package(kind: type) -> str:
    module = type.__dict__["__module__"].__get__(kind)
    return str.partition(module, ".")[0] if isinstance(module, str) else ""


def _of_exit(error: BaseException) -> tuple[Status, str | None]:
    """Lightning turns Ctrl-C into exit code 1, and SIGTERM into its own kind of SystemExit without a code."""
    context = BaseException.__dict__["__context__"].__get__(error)
    if context is not None and _is(context, KeyboardInterrupt):
        return Status.INTERRUPTED, "Ctrl-C"
    if type_name(error) == "SIGTERMException":
        return Status.INTERRUPTED, "SIGTERM"
    code = SystemExit.__dict__["code"].__get__(error)
    if code is None or (issubclass(type(code), int) and int.__eq__(code, 0)):  # of other types than int, Python makes exit code 1
        return Status.COMPLETED, "sys.exit()"
    return Status.FAILED, _shown(f"sys.exit({repr_of(code)})")


def _shown(text: str) -> str:
    return scrubbed(text, LONGEST_REASON)


def _is(error: BaseException, kind: type[BaseException]) -> bool:
    return issubclass(type(error), kind)


def _all_are(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether an exception is of a kind, or is a group of such exceptions only."""
    return all(_is(single, kind) for single in _singles(error))


def _singles(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group and of the groups in it; an exception that is no group is itself. Each group is opened once."""
    opened: set[int] = set()
    left = [error]
    while left:
        error = left.pop()
        if not _is(error, BaseExceptionGroup):
            yield error
        elif id(error) not in opened:
            opened.add(id(error))
            left += BaseExceptionGroup.__dict__["exceptions"].__get__(error)
