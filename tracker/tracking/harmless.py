"""No fault of ours enters the training loop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import TrainwattError
from ..log import warn


class Harmless:
    """Guards what is done within the training: whatever goes wrong is logged, once for each thing that could not be done, and the
    training goes on."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Guard a block. `what` says what could not be done if it fails."""
        try:
            yield
        except Exception as error:
            self.failed(what, error)

    def failed(self, what: str, error: Exception) -> None:
        """The same where a block is guarded by hand, because every call counts: near the limit of recursion `__call__` fails itself."""
        try:
            if what in self._said:
                return
            self._said.add(what)
            if isinstance(error, TrainwattError):  # foreseen: its words are enough
                warn("%s; the training is not affected: %s", what, error)
            else:
                warn("%s; the training is not affected", what, fault=error)
        except Exception:  # as above: what is left of the stack or the memory is the training's
            pass
