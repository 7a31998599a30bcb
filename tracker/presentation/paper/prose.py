"""PURE: parts of sentences: what is said of how many runs, how reliable a figure is, and citations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ...carbon.assumption import FactorStatus
from ..words.quantities import count
from ..words.safe_text import clipped
from .bibliography import Cited, Reference

Fragment = str | tuple[Reference, ...]
"""Words, or the works that are cited after them."""
Sentence = list[Fragment]

T = TypeVar("T")


def tallied(items: Iterable[T], word: Callable[[T], Any]) -> dict[Any, int]:
    """What is said of items, each with the number of items, in order of first appearance."""
    found: dict[Any, int] = defaultdict(int)
    for item in items:
        found[word(item)] += 1
    return dict(found)


def alternatives(said: dict[str, int], of: int) -> str:
    """What is said of all `of` runs; where it differs, each with its number of runs: "a (2 runs); b (1 run)"."""
    return next(iter(said)) if list(said.values()) == [of] else "; ".join(f"{words} ({count(n, 'run')})" for words, n in said.items())


_TRUST = {
    FactorStatus.VERIFIED: "",
    FactorStatus.CROSS_CHECKED: "",
    FactorStatus.GIVEN: "supplied by the authors",
    FactorStatus.SECONDARY: "secondary source",
    FactorStatus.MEMORY: "not verified",
}


def trust(evidence: str) -> list[str]:
    """How reliable a figure is, in words; nothing for one that was read at its source. A user's own table may have words of its own."""
    words = _TRUST.get(FactorStatus(evidence), evidence) if evidence in set(FactorStatus) else clipped(evidence)
    return [words] if words else []


def citation(source: Cited) -> Sentence:
    """The works of a source, as a fragment; nothing where there is none."""
    return [source.works] if source.works else []
