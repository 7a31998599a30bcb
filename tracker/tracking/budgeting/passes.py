"""Passes over loaders whose number of batches is known: how far each is, and what the run had used by then."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import NamedTuple

from ...unwarned import unwarned

MOST_MARKS = 40
"""With more marks than this in a pass, every second one is dropped."""


class Mark(NamedTuple):
    """An instant of a run: seconds since it began in this process, and the joules so far, None if they are not known (yet). `step`: of the
    phase that begins there."""

    seconds: float
    energy_j: float | None
    step: int | None = None


class Marks(NamedTuple):
    """What was used at the begin of a pass, and after each `every` batches of it."""

    every: int
    marks: tuple[Mark, ...]


class Pass:
    """A pass over a loader that has `of` batches."""

    __slots__ = ("begun_phases", "of", "known", "over", "_count", "_next", "_now")

    def __init__(self, of: int, now: Callable[[], Mark]) -> None:
        self.of = of
        self.over = False
        """Whether it has ended, at the end of the loader or before."""
        self.begun_phases: set[str] = set()
        """The phases that have begun within it."""
        self._now = now
        self._count, self._next = 0, 1
        self.known = Marks(1, (now(),))

    def done(self) -> None:
        """A batch was used. Raises nothing."""
        self._count += 1
        if self._count == self._next:
            self._next += self._mark()

    def end(self) -> None:
        """No more batches are taken."""
        self.over = True

    @property
    def left_early(self) -> bool:
        """Whether it has ended before the last batch."""
        return self.over and self._count < self.of

    def _mark(self) -> int:
        every, marks = self.known
        marks = (*marks, self._now())
        if len(marks) > MOST_MARKS:
            every, marks = 2 * every, marks[::2]
        self.known = Marks(every, marks)
        return len(marks) * every - self._count


class Passes:
    """The passes of a run over its loaders, as far as they tell how long the training will be."""

    def __init__(self, now: Callable[[], Mark]) -> None:
        self._now = now
        self.forget()

    def forget(self) -> None:
        """Those so far were before the training."""
        self._is_known: Callable[[object], bool] | None = None
        self._of = 0
        self.begins: list[Mark] = []
        """When each pass over the first loader began."""
        self.newest: Pass | None = None
        """The newest of them."""
        self.several = False
        """Whether there was another loader, or one whose length is not known: then a pass need not be an epoch."""
        self.at_once = False
        """Whether a pass has begun within another one: then nothing can be told."""

    @property
    def under_way(self) -> Pass | None:
        """The pass that has not ended; None if there is none."""
        return self.newest if self.newest is not None and not self.newest.over else None

    @property
    def only(self) -> Pass | None:
        """The first pass, while it says how far the first epoch is."""
        one = self.newest
        return None if one is None or len(self.begins) > 1 or self.at_once or one.left_early else one

    def begin(self, loader: object, most: int) -> Pass | None:
        """A pass over a loader begins. None if nothing can be told of it. More than `most` of them are no epochs."""
        of = _length(loader)
        if self.under_way is not None:
            self.at_once = True
        elif of is None or (self._is_known is not None and not (self._is_known(loader) and of == self._of)):
            self.several = True
        elif len(self.begins) <= most:
            if self._is_known is None:
                self._is_known, self._of = _recognised(loader), of
            self.newest = Pass(of, self._now)
            self.begins.append(self.newest.known.marks[0])
            return self.newest
        return None


def _length(loader: object) -> int | None:
    """How many batches a loader has; None if it does not tell."""
    try:
        of = unwarned(len, loader)  # type: ignore[arg-type]
    except Exception:  # the type is the user's
        return None
    return of if of > 0 else None


def _recognised(loader: object) -> Callable[[object], bool]:
    """Whether another object is this loader. It is not kept for that: it may hold much."""
    try:
        known = weakref.ref(loader)
    except TypeError:  # as of a list
        number = id(loader)
        return lambda other: id(other) == number
    return lambda other: known() is other
