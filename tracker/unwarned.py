"""PURE: warnings of Python where the user's filters make exceptions of them: `-W error`, or `filterwarnings = error` of pytest.

A warning about the code of trainwatt, or of a library that trainwatt calls, must cost neither the training nor a record.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
TEXTS = 10
"""After so many texts of a category, all of it is ignored: some texts are new in each call."""
ANY = "(?:)"
"""A pattern that fits each text, and is none of the user's."""
TRIES = 3
"""A warning that comes so often, although it is ignored, is raised on purpose. Twice: another thread may have changed the filters."""


def unwarned(action: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The result of a call. If a warning ends it as an exception, the call is repeated while this warning is ignored. So it must be a call
    that may be repeated.

    `warnings.catch_warnings` is of no use here. It changes the filters of all threads, and at its end it puts the former ones back, also
    in the place of those that the training has set meanwhile.
    """
    ignored: list[tuple[str, type[Warning]]] = []
    try:
        while True:
            try:
                return action(*arguments, **named)
            except (Warning, SyntaxError) as error:
                warning = _warning(error)
                if warning is not None and sum(category is warning[1] for _, category in ignored) >= TEXTS:
                    warning = ANY, warning[1]
                if warning is None or ignored.count(warning) == TRIES:
                    raise
                ignored.append(warning)
                warnings.filterwarnings("ignore", *warning)
    finally:
        for text, category in ignored:
            with suppress(ValueError):  # it was twice in `ignored`, or the training has put other filters in place
                cast("list[object]", warnings.filters).remove(("ignore", re.compile(text, re.IGNORECASE), category, None, 0))


def _warning(error: BaseException) -> tuple[str, type[Warning]] | None:
    """The text of a warning, as a pattern, and its category. None if `error` is none."""
    try:
        if issubclass(type(error), SyntaxError):  # the compiler raises its warnings so, of one category or another
            return re.escape(str(error.msg)) + r"\Z", Warning  # type: ignore[attr-defined]
        if issubclass(type(error), Warning):
            return re.escape(str(error)) + r"\Z", type(error)  # type: ignore[return-value]
    except Exception:  # the class is the user's
        pass
    return None
