"""No fault of ours enters the training loop."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

log = logging.getLogger("trainwatt")


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
        except Exception:
            if what not in self._said:
                self._said.add(what)
                log.exception("trainwatt: %s; the training is not affected", what)
