"""The log of trainwatt. Writing to it raises nothing."""

from __future__ import annotations

import logging
import sys

from .texts import shown, text_of

log = logging.getLogger("trainwatt")


def warn(text: str, *arguments: object, fault: BaseException | None = None) -> None:
    """Log a warning. `fault` is an exception whose traceback is logged too. Raises nothing, whatever the user's handlers do."""
    try:
        log.warning(shown(f"trainwatt: {text}", sys.stderr), *(shown(text_of(a), sys.stderr) for a in arguments), exc_info=fault)
    except Exception:  # no memory, no stack or a broken handler: nothing more can be logged
        pass
