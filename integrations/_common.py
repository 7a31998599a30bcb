"""What the callbacks of all frameworks share: hooks that do no harm, and the phases that are open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trainwatt import EnergyTracker

log = logging.getLogger("trainwatt")


class Guarded(Protocol):
    """A callback that remembers which of its hooks have failed."""

    _faulty: set[str]


C = TypeVar("C", bound=Guarded)
P = ParamSpec("P")


def harmless(hook: Callable[Concatenate[C, P], None]) -> Callable[Concatenate[C, P], None]:
    """A fault of the callback does not reach the training. The first fault of each hook is logged with its traceback."""

    @wraps(hook)
    def guarded(self: C, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(self, *args, **kwargs)
        except Exception:  # a fault of a hook must not end the training
            if hook.__name__ not in self._faulty:
                self._faulty.add(hook.__name__)
                log.exception("trainwatt: %s failed; the training is not affected", hook.__qualname__)

    return cast(Callable[Concatenate[C, P], None], guarded)


class OpenPhases:
    """The phases that a callback has begun and not ended. `tracker` gives the tracker of the run that is under way."""

    def __init__(self, tracker: Callable[[], EnergyTracker]) -> None:
        self._tracker = tracker
        self._open: dict[str, tuple[int | None, AbstractContextManager[object]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def enter(self, name: str, step: int | None) -> None:
        """A phase begins. One of its name that is open ends."""
        self.leave(name)
        phase = self._tracker().phase(name, step=step)
        phase.__enter__()
        self._open[name] = step, phase

    def leave(self, name: str) -> None:
        """The phase ends, if it is open."""
        _, phase = self._open.pop(name, (None, None))
        if phase is not None:
            phase.__exit__(None, None, None)

    def leave_all(self) -> list[tuple[str, int | None]]:
        """All phases end, the innermost first. Returns their names and steps, the outermost first."""
        were = [(name, step) for name, (step, _) in self._open.items()]
        for name, _ in reversed(were):
            self.leave(name)
        return were

    def continue_with(self, were: list[tuple[str, int | None]]) -> None:
        """Phases that an interruption has ended go on, as further instances of their steps."""
        for name, step in were:
            self.enter(name, step)


class Around:
    """A method of an object, replaced for a while: `begun` is called before each call of it, and `ended` after it, with the exception
    that it raised or None. Neither can raise."""

    def __init__(self, owner: Any, name: str, begun: Callable[[], None], ended: Callable[[BaseException | None], None]) -> None:
        self._owner, self._name = owner, name
        method = getattr(owner, name)

        @wraps(method)
        def measured(*args: Any, **kwargs: Any) -> Any:
            begun()
            try:
                result = method(*args, **kwargs)
            except BaseException as error:  # raised again; the call ends in any case
                ended(error)
                raise
            ended(None)
            return result

        self._mine = measured
        setattr(owner, name, measured)

    def forget(self) -> None:
        """Leave the object as it was, unless somebody else has replaced the method since."""
        if vars(self._owner).get(self._name) is self._mine:
            delattr(self._owner, self._name)
