"""PURE: values of other libraries as plain values. They are what they look like.

The lists of Hydra and OmegaConf, the numbers of NumPy and PyTorch, paths and enums are known by what they can do. No such library is
imported.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from enum import Enum
from numbers import Number

from ..unwarned import unwarned


def text(value: object) -> str:
    """A name: text, a path, a number, or a member of an enum (its value if that is text, else its name)."""
    if isinstance(value, Enum):
        return str(value.value if isinstance(value.value, str) else value.name)
    if is_path(value):
        value = value.__fspath__()  # type: ignore[attr-defined]
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, Number) and _is_scalar_array(value):
        return str(value.item())  # type: ignore[attr-defined]
    return unwarned(str, value)


def whole(value: object) -> int:
    """A whole number. Raises TypeError, ValueError or OverflowError if it is none, and what the user's type raises."""
    if isinstance(value, Enum):
        value = value.value
    try:
        return unwarned(operator.index, value)  # type: ignore[arg-type]
    except TypeError:
        number = unwarned(float, value)  # type: ignore[arg-type]  # as of an array with one element
    if not number.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def elements(value: object) -> list[object] | None:
    """The elements of a list, a tuple, an array or another collection without keys. None for anything else, text too."""
    if isinstance(value, (str, bytes, Mapping)) or is_path(value) or not isinstance(value, Iterable):
        return None
    try:
        return unwarned(list[object], value)
    except Exception:  # the type is the user's: an array without a dimension, a list whose values are missing
        return None


def is_path(value: object) -> bool:
    """Whether a value is a path, but not text."""
    return hasattr(type(value), "__fspath__")


def _is_scalar_array(value: object) -> bool:
    return getattr(value, "shape", None) == () and hasattr(value, "item")
