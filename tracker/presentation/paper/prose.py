"""PURE: parts of sentences: numbers with their ranges, lists, and what is said of how many runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ...core.units import significant
from .bibliography import Cited, Reference

Fragment = str | tuple[Reference, ...]
"""Words, or the works that are cited after them."""
Sentence = list[Fragment]

T = TypeVar("T")


def number(value: float) -> str:
    """Four digits at most, never in exponent form: 472.9, 0.5, 5700."""
    text = f"{value:.4g}"
    return significant(value, 4) if "e" in text else text


def ranged(value: float, low: float | None, high: float | None, *more: str, unit: str = "", scale: float = 1.0) -> str:
    """ "472.9 g/kWh (20.8–958.7; direct; 2024)": the value, and in brackets its range where it has one and what else is said of it."""
    span = [] if low is None or high is None or low == high else [f"{number(low * scale)}–{number(high * scale)}"]
    notes = "; ".join([*span, *(m for m in more if m)])
    return f"{number(value * scale)}{f' {unit}' if unit else ''}{f' ({notes})' if notes else ''}"


def percent(share: float) -> str:
    """A share of 0 to 1; what is not all or nothing never reads so."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "<1 %"
    return ">99 %" if whole == 100 and share < 1 - 1e-9 else f"{whole} %"


def count(n: int, word: str) -> str:
    """ "1 run", "12 runs"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def listed(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    *firsts, last = list(words) or [""]
    return f"{', '.join(firsts)} and {last}" if firsts else last


def tallied(items: Iterable[T], word: Callable[[T], Any]) -> dict[Any, int]:
    """What is said of items, and of how many, in the order of the first of each."""
    found: dict[Any, int] = defaultdict(int)
    for item in items:
        found[word(item)] += 1
    return dict(found)


def alternatives(said: dict[str, int], of: int) -> str:
    """What is said of all runs, or of how many of them each: "a (2 runs) and b (1 run)"."""
    return next(iter(said)) if list(said.values()) == [of] else "; ".join(f"{words} ({count(n, 'run')})" for words, n in said.items())


_TRUST = {
    "verified": "",
    "cross-checked": "",
    "given": "supplied by the authors",
    "secondary": "secondary source",
    "memory": "not verified",
    "range of its class": "class value",
}


def trust(status: str) -> list[str]:
    """How far a figure is to be believed, in words, from its status; nothing for one that was read at its source."""
    return [words for part in status.split(", ") if (words := _TRUST.get(part, part))]


def citation(source: Cited) -> Sentence:
    """The works of a source, as a fragment; nothing where there is none."""
    return [source.works] if source.works else []
