"""The log of trainwatt. Writing to it raises nothing."""

from __future__ import annotations

import logging

from .texts import text_of

log = logging.getLogger("trainwatt")


def warn(text: str, *arguments: object, fault: BaseException | None = None) -> None:
    """Log a warning. `fault` is an exception whose traceback is logged too. Raises nothing, whatever the user's handlers do."""
    try:
        log.warning(f"trainwatt: {text}", *map(text_of, arguments), exc_info=fault)
    except Exception:  # no memory, no stack or a broken handler: nothing more can be logged
        pass
