"""Makes text storable. Names of files and arguments of commands may be any bytes, which Python represents as lone surrogates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ...texts import storable

T = TypeVar("T")


def as_utf8(value: T) -> T:
    """The same rows (or the same value) with valid UTF-8 in every text. See `storable` for characters that cannot be encoded."""
    changed: object = value
    if isinstance(value, str):
        changed = storable(value)
    elif isinstance(value, Mapping):
        changed = {as_utf8(k): as_utf8(v) for k, v in value.items()}
    elif isinstance(value, (tuple, list)):
        changed = [as_utf8(v) for v in value]
    return changed  # type: ignore[return-value]
