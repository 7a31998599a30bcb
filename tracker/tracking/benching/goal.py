"""PURE: a value that a training must reach, as it prints it: "val_accuracy>=0.98"."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ...errors import ConfigurationError

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_GOAL = re.compile(r"\s*([^\s<>=]+)\s*(>=|<=|>|<)\s*(\S+)\s*")
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"


class Goal(NamedTuple):
    """A printed value `name`, and what it is compared with."""

    name: str
    comparison: str
    value: float

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.value:g}"

    def met(self, line: str) -> bool:
        """Whether the line has a value of the name that reaches the goal: "val_accuracy=0.981", "val_accuracy: 0.981"."""
        pattern = rf"(?<![\w.]){re.escape(self.name)}(?:['\"]?\s*[=:]\s*|\s+){_NUMBER}(?![\w.])"
        found = (float(number) for number in re.findall(pattern, line[:MOST_CHARACTERS]))
        return any(_OPERATORS[self.comparison](number, self.value) for number in found)


MOST_CHARACTERS = 10_000
"""Of a longer line, only the beginning is read."""


def parse_goal(text: str) -> Goal:
    """Read a goal. Raises ConfigurationError with what is accepted."""
    match = _GOAL.fullmatch(text)
    try:
        value = float(match[3]) if match else math.nan
    except ValueError:
        value = math.nan
    if match is None or not math.isfinite(value):
        raise ConfigurationError(
            f'--to {text!r} is not a goal: give a value that the command prints, and a limit, as in --to "val_accuracy>=0.98"'
        )
    return Goal(match[1], match[2], value)
