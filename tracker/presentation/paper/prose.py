"""PURE: parts of sentences: statements with their number of runs, how reliable a figure is, and citations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from ...carbon.assumption import FactorKind, FactorStatus
from ..words.quantities import count, ranged
from ..words.safe_text import clipped
from .bibliography import Cited, Reference, cited

if TYPE_CHECKING:
    from ...core.contract import AssumptionJson, CarbonJson

Fragment = str | tuple[Reference, ...]
"""Words, or the works that are cited after them."""
Sentence = list[Fragment]

T = TypeVar("T")

SUPPLIED = "supplied by the authors"
UNIT = "g CO2e/kWh"


def tallied(items: Iterable[T], word: Callable[[T], Any]) -> dict[Any, int]:
    """Statements about items, each with its number of items, in order of first appearance."""
    found: dict[Any, int] = defaultdict(int)
    for item in items:
        found[word(item)] += 1
    return dict(found)


def alternatives(said: dict[str, int], of: int) -> str:
    """The statement about all `of` runs. If it differs, each statement with its number of runs: "a (2 runs); b (1 run)"."""
    return next(iter(said)) if list(said.values()) == [of] else "; ".join(f"{words} ({count(n, 'run')})" for words, n in said.items())


_TRUST = {
    FactorStatus.VERIFIED: "",
    FactorStatus.CROSS_CHECKED: "",
    FactorStatus.GIVEN: SUPPLIED,
    FactorStatus.SECONDARY: "secondary source",
    FactorStatus.MEMORY: "not verified",
}


def trust(evidence: str) -> list[str]:
    """How reliable a figure is, in words; nothing for one that was read at its source. A user's own table may have words of its own."""
    words = _TRUST.get(FactorStatus(evidence), evidence) if evidence in set(FactorStatus) else clipped(evidence)
    return [words] if words else []


def citation(source: Cited) -> Sentence:
    """The works of a source, as a fragment; nothing if there is none."""
    return [source.works] if source.works else []


def of_kind(carbon: CarbonJson, kind: FactorKind) -> list[AssumptionJson]:
    return [a for a in carbon["assumptions"] if a["kind"] == kind]


def factor_text(factor: AssumptionJson, *notes: str, unit: str = "", scale: float = 1.0) -> str:
    """A factor's value with its range and notes."""
    if factor["value"] is None:
        return "unknown"
    return ranged(factor["value"], factor["low"], factor["high"], *notes, unit=unit, scale=scale)


def joined(sources: Iterable[str]) -> Cited:
    """The works and remarks of several sources, each once."""
    found = [cited(source) for source in dict.fromkeys(sources)]
    works = dict.fromkeys(work for c in found for work in c.works)
    return Cited(tuple(works), tuple(dict.fromkeys(remark for c in found for remark in c.remarks)))
