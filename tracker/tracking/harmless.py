"""A fault of the tracker never reaches the training loop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from ..errors import TrainwattError
from ..log import warn
from ..texts import error_text


class Harmless:
    """Guards work that must not harm the training or the rest of the record.

    Each thing that could not be done is logged once, and then given to `note`, as text for an event of the run.
    """

    def __init__(self, note: Callable[[str], None] | None = None) -> None:
        self._note = note
        self._said: set[str] = set()

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Guard a block. `what` is the text for its failure: what could not be done."""
        try:
            yield
        except Exception as error:
            self.failed(what, error)

    def failed(self, what: str, error: Exception) -> None:
        """Report a failure. For code with its own try and except: near the limit of recursion the call of the guard itself would fail."""
        try:
            if what in self._said:
                return
            self._said.add(what)
            if issubclass(type(error), TrainwattError):  # raised on purpose: its message is enough
                warn("%s; the training is not affected: %s", what, error)
            else:
                warn("%s; the training is not affected", what, fault=error)
            if self._note is not None:
                self._note(f"{what}: {error_text(error)}")
        except Exception:  # too little stack or memory is left to report anything
            pass
