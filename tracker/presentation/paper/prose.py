"""PURE: parts of sentences: numbers with their ranges, lists, and what is said of how many runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ..words.quantities import count
from .bibliography import Cited, Reference

Fragment = str | tuple[Reference, ...]
"""Words, or the works that are cited after them."""
Sentence = list[Fragment]

T = TypeVar("T")


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
