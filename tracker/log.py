"""The log of trainwatt. Writing to it raises nothing, and no secret is written to it."""

from __future__ import annotations

import logging
import sys

from .texts import made, shown, text_of

log = logging.getLogger("trainwatt")

LONGEST_TRACEBACK = 20_000


def warn(text: str, *arguments: object, fault: BaseException | None = None) -> None:
    """Log a warning. `fault` is an exception whose traceback is logged too. Raises nothing, whatever the user's handlers do."""
    try:
        from .masking.text import scrubbed  # loaded only if there is something to say

        message = text % tuple(text_of(a) for a in arguments) if arguments else text
        trace = "" if fault is None else f"\n{scrubbed(made(_traceback, fault), LONGEST_TRACEBACK)}"
        log.warning("%s", shown(f"trainwatt: {scrubbed(message)}{trace}", sys.stderr))
    except Exception:  # no memory, no stack or a broken handler: nothing more can be logged
        pass


def _traceback(fault: BaseException) -> str:
    from traceback import format_exception  # seldom needed

    return "".join(format_exception(fault)).rstrip()
