"""PURE: units of work: what a program counts, such as samples, tokens or requests. Their names, and how amounts of any size are stored.

A unit is called in the plural, as in `update(requests=1)`. Its singular is made by one rule, see `singular`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SAMPLES, TOKENS, FLOPS = "samples", "tokens", "flops"
PREFERRED = (SAMPLES, TOKENS)
"""Where there is room for one figure, it is per unit of the first of these that was counted, else of the first other one by name."""
LONGEST_NAME = 40
MOST_UNITS = 50
"""The most units that a process counts. A program that makes names from its data, such as one for each user, would fill the database."""
MOST_AT_ONCE, MOST_FLOPS = 2**53, 10**30
"""A program counts less than this at once. Floating-point operations have a bound of their own: a whole training may be counted at once,
and the largest have some 1e27."""
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}", re.ASCII)
_ES = ("ches", "shes", "sses", "xes")
_SAME = ("series", "species")
_PART = 10**18
"""A column of the database holds integers of 64 bits, and the floating-point operations of a large training are more. A larger amount is
stored in parts, each below this: "flops" has what is left, and "flops*1e18" has how many times 1e18 there is."""
_POWERS = {f"1e{power}": 10**power for power in range(18, 19 * 3, 18)}


def wrong_with(unit: str) -> str | None:
    """Why a program may not count a unit of this name; None if it may."""
    if _NAME.fullmatch(unit):
        return None
    if re.fullmatch(_NAME, unit.lower()):
        return f"a unit is written in lower case: {unit.lower()}"
    return f"a unit is named by a letter and at most {LONGEST_NAME - 1} more of a-z, 0-9 and _, as in requests"


def singular(unit: str) -> str:
    """One of a unit. "queries" is many of "query", "batches" of "batch", "requests" of "request"; what does not end so stays as it is.

    After -ch, -sh, -ss and -x, -es is taken off; -ies becomes -y; else -s is taken off, but not of -ss, _s, "series" and "species"."""
    if unit.endswith(_SAME):
        return unit
    if unit.endswith("ies") and len(unit) > len("ties"):
        return unit[:-3] + "y"
    if unit.endswith(_ES):
        return unit[:-2]
    return unit[:-1] if unit.endswith("s") and unit[-2:] not in ("ss", "_s", "s") else unit


def counted(work: Mapping[str, int], unit: str) -> int:
    """How much of a unit, in the singular or in the plural, is in the work of a run."""
    one = singular(unit)
    return sum(amount for name, amount in work.items() if singular(name) == one)


def chosen(work: Mapping[str, int], asked: str | None = None) -> str | None:
    """The unit of a run where there is room for one figure: `asked`, in the singular or in the plural; without it, the first of PREFERRED
    that was counted, else the first other one by name, but never floating-point operations. None if it was not counted."""
    found = [unit for unit, amount in work.items() if amount]
    if asked is not None:
        return next((unit for unit in sorted(found, reverse=True) if singular(unit) == singular(asked)), None)
    return next((unit for unit in (*PREFERRED, *sorted(found)) if unit in found and singular(unit) != singular(FLOPS)), None)


def stored_parts(unit: str, amount: int) -> list[tuple[str, int]]:
    """An amount as the rows that hold it: the name of each, and an integer of 64 bits. One row, unless it is 1e18 or more."""
    whole, rest = divmod(amount, _PART)
    found = [(unit, rest)]
    for power in _POWERS:
        if not whole:
            break
        whole, rest = divmod(whole, _PART)
        found.append((f"{unit}*{power}", rest))
    return found


def from_part(name: str, amount: int) -> tuple[str, int]:
    """The unit and the amount of one of these rows. Those of one unit are to be added up."""
    unit, _, power = name.rpartition("*")
    return (unit, amount * _POWERS[power]) if power in _POWERS else (name, amount)
