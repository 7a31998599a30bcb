"""PURE: makes names shorter, so that they still differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

BOUNDARIES = "/-_,: "
"""A name is cut after one of these, if there is one near."""


def elided(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` cells each, with "…" where something is left out.

    Runs of a sweep often have names with the same beginning or the same end. The place of the cut is the same for all names: it is
    chosen so that as many different names as possible still differ.
    """
    long = sorted({name for name in names if cell_len(name) > width})
    if not long:
        return list(names)
    start, end = _common(long)
    cuts: tuple[Callable[[str], str], ...] = (
        lambda name: _start_of(name, width),
        lambda name: _ends_of(name, width),
        lambda name: _from(name, start, width),
        lambda name: _end_of(name, width),
        lambda name: _from(name, end, width),
    )
    cut = max(cuts, key=lambda each: len({each(name) for name in long}))  # the first one, if several are as good
    return [cut(name) if cell_len(name) > width else name for name in names]


def _common(names: Sequence[str]) -> tuple[int, int]:
    """Where the names begin to differ: from the last boundary before that, and exactly there."""
    first, last = names[0], names[-1]  # they are sorted, so what these two share, all share
    exact = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    exact = 0 if len(names) == 1 else exact
    return max(0, *(first.rfind(c, 0, exact) for c in BOUNDARIES)), exact


def _start_of(text: str, width: int) -> str:
    """ "digits/a-long-na…"."""
    return f"{_head(text, width - 1)}…" if cell_len(text) > width else text


def _end_of(text: str, width: int) -> str:
    """ "…ame/lr=0.1"."""
    return f"…{_tail(text, width - 1)}" if cell_len(text) > width else text


def _ends_of(text: str, width: int) -> str:
    """ "digits/a-…lr=0.1"."""
    tail = _tail(text, (width - 1) // 2)
    return f"{_head(text, width - 1 - cell_len(tail))}…{tail}"


def _from(text: str, start: int, width: int) -> str:
    """ "…/lr=0.1", and "…/lr=0.1-w…" if that is still too long."""
    return f"…{_start_of(text[start:], width - 1)}"


def _head(text: str, width: int) -> str:
    """As much of the beginning as fits `width` cells."""
    used = 0
    for i, c in enumerate(text):
        used += cell_len(c)
        if used > width:
            return text[:i]
    return text


def _tail(text: str, width: int) -> str:
    """As much of the end as fits `width` cells."""
    return _head(text[::-1], width)[::-1]
