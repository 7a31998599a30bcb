"""The calls of functions that a tracker decorates: each is a run of its own, and within the call the tracker means that run."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar


class Run(Protocol):
    """A tracker that makes the run of a call."""

    @property
    def running(self) -> bool: ...
    def start(self) -> object: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


R = TypeVar("R", bound=Run)

# One variable for all trackers, because a context keeps every variable that was ever set in it.
_HERE: ContextVar[tuple[Call[Any], ...]] = ContextVar("trainwatt_calls", default=())


class Calls(Generic[R]):
    """The calls of one tracker's functions."""

    def __init__(self) -> None:
        self.under_way: list[Call[R]] = []

    def here(self) -> R | None:
        """The tracker of the call that this code belongs to. A thread that the function started does not know its call: there it is the
        call that began last. None outside of any call, and in code that outlives its call."""
        newest = self.under_way[-1:]
        mine: list[Call[R]] = [call for call in _HERE.get() if call.calls is self] if newest else []
        return (mine or newest)[-1].run if newest else None


class Call(Generic[R]):
    """One call. It is a run of the tracker that `make` returns, which `ended` gets at its end. A call within a call of the same tracker
    belongs to that one's run."""

    def __init__(self, calls: Calls[R], make: Callable[[], R], ended: Callable[[R], None]) -> None:
        self.calls = calls
        self.run: R | None = None
        self._make = make
        self._ended = ended

    def __enter__(self) -> None:
        if any(call.calls is self.calls and call.run is not None and call.run.running for call in _HERE.get()):
            return
        run = self._make()
        run.start()
        self.run = run
        self.calls.under_way.append(self)
        self.resume()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.suspend()
        run, self.run = self.run, None
        if run is not None:
            self.calls.under_way.remove(self)
            self._ended(run)
            run.__exit__(kind, error, trace)

    def suspend(self) -> None:
        """What this context does next is not part of the call."""
        if self.run is not None:
            _HERE.set(tuple(call for call in _HERE.get() if call is not self and call.run is not None))

    def resume(self) -> None:
        """What this context does next is part of the call."""
        if self.run is not None:
            _HERE.set((*_HERE.get(), self))


class Covered:
    """A call within a run of its tracker that measures it already."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def suspend(self) -> None:
        """There is nothing to suspend."""

    def resume(self) -> None:
        """There is nothing to resume."""
