"""The log of trainwatt. Writing to it never raises."""

from __future__ import annotations

import logging

log = logging.getLogger("trainwatt")


def warn(text: str, *arguments: object, fault: BaseException | None = None) -> None:
    """Log a warning, with the trace of a fault of ours. Raises nothing, whatever the user's handlers do."""
    try:
        log.warning(f"trainwatt: {text}", *arguments, exc_info=fault)
    except Exception:  # no memory, no stack, a broken handler: there is nobody left to tell
        pass
