"""What the callbacks of all frameworks share: hooks that do no harm, and the phases that are open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import update_wrapper, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from trainwatt import BudgetExceeded

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trainwatt import EnergyTracker

log = logging.getLogger("trainwatt")


H = TypeVar("H", bound=Callable[..., None])


def harmless(hook: H) -> H:
    """A fault of the callback does not reach the training. The first fault of each hook is logged with its traceback; the callback keeps
    the names of such hooks in its set `_faulty`."""

    @wraps(hook)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            hook(self, *args, **kwargs)
        except BudgetExceeded:  # `on_budget="raise"` asks for it
            raise
        except Exception:  # a fault of a hook must not end the training
            if hook.__name__ not in self._faulty:
                self._faulty.add(hook.__name__)
                log.exception("trainwatt: %s failed; the training is not affected", hook.__qualname__)

    return cast(H, guarded)


def whole_epochs(number: object) -> int | None:
    """How many epochs a framework is told to train, for a forecast. None if that is open, or no whole number."""
    return number if type(number) is int and number > 0 else None


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
    """A method of an object, replaced for a while: `begun` is called before each call of it, with the arguments if `given`, and `ended`
    after it, with the exception that it raised or None. It pickles, because its owner may be sent to another process."""

    def __init__(
        self, owner: Any, name: str, begun: Callable[..., None], ended: Callable[[BaseException | None], None], *, given: bool = False
    ) -> None:
        self._owner, self._name, self._begun, self._ended, self._given = owner, name, begun, ended, given
        self.method = getattr(owner, name)
        self._of_owner = name in vars(owner)  # not of its class
        update_wrapper(self, self.method)
        setattr(owner, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._given:
            self._begun(*args, **kwargs)
        else:
            self._begun()
        try:
            result = self.method(*args, **kwargs)
        except BaseException as error:  # raised again; the call ends in any case
            self._ended(error)
            raise
        self._ended(None)
        return result

    def forget(self) -> None:
        """Leave the object as it was, unless somebody else has replaced the method since."""
        if vars(self._owner).get(self._name) is self:
            if self._of_owner:
                setattr(self._owner, self._name, self.method)
            else:
                delattr(self._owner, self._name)
