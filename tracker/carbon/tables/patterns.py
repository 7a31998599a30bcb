"""PURE: the patterns of a user's table: regular expressions whose time is bounded, whatever the pattern and the name.

Python's `re` tries one way after the other, and some patterns have more ways than can ever be tried. Here all ways are followed at once: a
part of the pattern takes a set of places in the name to the set of places at which it may end. A repeated part in a repeated group, a
reference to a group and a look back are refused; no pattern for a device's name needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

LONGEST, LONGEST_NAME = 200, 100
"""Characters of a pattern, and of a name that is searched: NVML's names have at most 96."""
MOST_GROUPS = 20
"""Groups within groups."""
MOST_AHEAD = 2
"""Looks ahead, each of which is asked at every place of the name."""
_Places = set[int]
_Part = Callable[[str, _Places], _Places]
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_COUNT = re.compile(r"\{(\d{0,3})(,?)(\d{0,3})\}")
_CHARACTER = re.compile(r"\\[dDsSwW.+*?^$|()\[\]{}\\/\-_ ,:#&~@%=!<>;'\"]|[^\\^$*+?{}\[\]()|]", re.DOTALL)
_ENDS = {"^": r"\A", "$": r"\Z", "\\b": r"\b", "\\B": r"\B", "\\A": r"\A", "\\Z": r"\Z"}
_MANY = 10_000


class PatternError(ValueError):
    """The pattern cannot be used; the text says why."""


class Pattern:
    """A pattern that is searched in names, whatever their case. Raises PatternError."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise PatternError(f"it has {len(text):,} characters, and {LONGEST} is the most")
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternError(f"it is not a regular expression: {error}") from None
        reader = _Reader(text)
        self._part = reader.choice(0)
        if reader.left:
            raise PatternError(f"{reader.left[:12]!r} has no meaning here")

    def found_in(self, name: str) -> bool:
        """Whether it is found anywhere in the name."""
        searched = name[:LONGEST_NAME]
        return bool(self._part(searched, set(range(len(searched) + 1))))


@lru_cache(20_000)
def found_in(text: str, name: str) -> bool:
    """Whether the pattern is found in the name. Raises PatternError."""
    return made(text).found_in(name)


@lru_cache(4096)
def made(text: str) -> Pattern:
    """The pattern, read once. Raises PatternError."""
    return Pattern(text)


class _Reader:
    """Reads a pattern from left to right. `left` is what is not read yet."""

    def __init__(self, text: str) -> None:
        self.left = text
        self._repeats = self._ahead = 0

    def choice(self, depth: int) -> _Part:
        """Sequences between bars."""
        if depth > MOST_GROUPS:
            raise PatternError(f"it has more than {MOST_GROUPS} groups in each other")
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else lambda name, at: set().union(*(part(name, at) for part in parts))

    def _sequence(self, depth: int) -> _Part:
        parts: list[_Part] = []
        while self.left and self.left[0] not in "|)":
            before = self._repeats
            part = self._one(depth)
            parts.append(self._repeated(part, self._repeats > before))

        def followed(name: str, at: _Places) -> _Places:
            for part in parts:
                if not at:
                    break
                at = part(name, at)
            return at

        return followed

    def _one(self, depth: int) -> _Part:
        for mark, meaning in _ENDS.items():
            if self._take(mark):
                place = re.compile(meaning)
                return lambda name, at: {p for p in at if place.match(name, p)}
        if self._take("("):
            return self._group(depth + 1)
        found = _CLASS.match(self.left) or _CHARACTER.match(self.left)
        if found is None:
            raise PatternError(f"{self.left[:2]!r} is not known here")
        self.left = self.left[found.end() :]
        one = re.compile(found[0], re.IGNORECASE)
        return lambda name, at: {p + 1 for p in at if one.match(name, p)}

    def _group(self, depth: int) -> _Part:
        ahead = next((mark for mark in ("?=", "?!", "?:") if self._take(mark)), None)
        if ahead is None and self.left.startswith("?"):
            raise PatternError(f"'({self.left[:3]}' is not known here")
        if ahead in ("?=", "?!"):
            self._ahead += 1
            before, inner = self._ahead, self.choice(depth)
            if self._ahead > min(before, MOST_AHEAD):
                raise PatternError(f"it looks ahead within a look ahead, or more than {MOST_AHEAD} times")
        else:
            inner = self.choice(depth)
        if not self._take(")"):
            raise PatternError("a group is not closed")
        if ahead in ("?=", "?!"):
            return lambda name, at: {p for p in at if bool(inner(name, {p})) == (ahead == "?=")}
        return inner

    def _repeated(self, part: _Part, repeats_inside: bool) -> _Part:
        fewest, most = self._count()
        if (fewest, most) == (1, 1):
            return part
        if repeats_inside and most > 1:
            raise PatternError("a repeated group has a repeated part")
        self._repeats += 1

        def many(name: str, at: _Places) -> _Places:
            for _ in range(fewest):
                at = part(name, at)
            ends, new = set(at), at
            for _ in range(most - fewest):
                new = part(name, new) - ends
                if not new:
                    break
                ends |= new
            return ends

        return many

    def _count(self) -> tuple[int, int]:
        counts = {"*": (0, _MANY), "+": (1, _MANY), "?": (0, 1)}
        found = _COUNT.match(self.left)
        if found is not None and (found[1] or found[3]):
            self.left = self.left[found.end() :]
            fewest = int(found[1] or 0)
            count = (fewest, fewest if not found[2] else int(found[3] or _MANY))
        else:
            count = next((c for mark, c in counts.items() if self._take(mark)), (1, 1))
            if count == (1, 1):
                return count
        self._take("?")  # whether the longest or the shortest is tried first changes nothing here
        return count

    def _take(self, mark: str) -> bool:
        if not self.left.startswith(mark):
            return False
        self.left = self.left[len(mark) :]
        return True
