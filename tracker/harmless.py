"""No fault of ours enters the training loop."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

log = logging.getLogger("trainwatt")


@contextlib.contextmanager
def harmless(what: str) -> Iterator[None]:
    """Whatever goes wrong within is logged, with its trace, and the training goes on. `what` says what could not be done."""
    try:
        yield
    except Exception:
        log.exception("trainwatt: %s; the training is not affected", what)
