"""Settings whose value is a list, or has a form of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ..core.plain import elements, text, whole
from ..errors import ConfigurationError
from ..texts import repr_of
from .budget import Budget, OnBudget, parse_budget
from .named import Pinned

_SINK = re.compile(r"[\w.-]+(=.*)?", re.DOTALL)
_PROVIDER = re.compile(r"(?:[\w.]+|.+\.py):\w+")


def parse_gpus(text: str) -> tuple[int | str, ...]:
    """ "0,2" or "GPU-5c1f,GPU-77" as a tuple. "none" and an empty text mean no GPU."""
    parts = [p.strip() for p in text.split(",") if p.strip()]
    return () if parts == ["none"] else tuple(int(p) if p.isdecimal() else p for p in parts)


def gpus(value: Any, source: str) -> tuple[int | str, ...]:
    """The GPUs to measure. Raises ConfigurationError."""
    if isinstance(value, str):
        return parse_gpus(text(value))
    given = elements(value)
    try:
        if given is not None:
            return tuple(_gpu(one) for one in given)
    except (TypeError, ValueError):
        pass
    raise ConfigurationError(f"gpus={value!r} in {source}: give a list of NVML indices or UUIDs, for example gpus=[0, 2]")


def _gpu(value: object) -> int | str:
    if isinstance(value, str):
        name = text(value).strip()
        return int(name) if name.isdecimal() else name
    if isinstance(value, (bool, float)):
        raise TypeError
    return whole(value)


def tags(value: Any, source: str) -> dict[str, str]:
    """Names and values. Raises ConfigurationError."""
    pairs = text(value).split(",") if isinstance(value, str) else elements(value)
    try:
        if isinstance(value, Mapping):
            return {text(k): text(v) for k, v in value.items()}
        if pairs is not None and (isinstance(value, str) or all(isinstance(pair, str) and "=" in pair for pair in pairs)):
            return dict(part.partition("=")[::2] for pair in pairs if (part := text(pair)))
    except Exception:  # the type is the user's: a value may be missing
        pass
    raise ConfigurationError(f"tags={value!r} in {source}: give names and values, for example tags={{'lr': '1e-3'}}")


def providers(value: Any, source: str) -> tuple[str, ...]:
    """The functions that find sensors. Raises ConfigurationError."""
    listed = None if isinstance(value, (str, os.PathLike)) else elements(value)
    if listed is None:
        names = [name.strip() for name in text(value).split(",") if name.strip()]
    else:
        names = [one if isinstance(one, Pinned) else text(one) for one in listed]
    if not all(_PROVIDER.fullmatch(name) for name in names):
        raise ConfigurationError(
            f"sensors={value!r} in {source}: name each function that finds sensors with its module or file, for example"
            " sensors=['my_meter:discover'] or ['meters/my_meter.py:discover']"
        )
    return tuple(dict.fromkeys(names))


def sinks(value: Any, source: str) -> tuple[str, ...]:
    """Where the run is shown. Raises ConfigurationError."""
    listed = value.split(",") if isinstance(value, str) else elements(value)
    try:
        named = [] if listed is None else [text(one).strip() for one in listed]
    except Exception:  # the types are the user's
        named, listed = [], None
    if listed is None or not all(_SINK.fullmatch(name) for name in named if name):
        raise ConfigurationError(
            f"sinks={repr_of(value)} in {source}: name each sink, and after a = what it needs, for example sinks=['prometheus',"
            " 'tensorboard=runs/energy']"
        )
    return tuple(dict.fromkeys(name for name in named if name))


def budget(value: Any, source: str) -> Budget:
    """What the run may use. Raises ConfigurationError."""
    try:
        return parse_budget(text(value))
    except ValueError as error:
        raise ConfigurationError(f"budget={repr_of(value)} in {source} {error}") from None


def on_budget(value: Any, source: str) -> OnBudget:
    """What happens when the budget is used. Raises ConfigurationError."""
    try:
        return OnBudget(text(value))
    except ValueError:
        raise ConfigurationError(f"on_budget={repr_of(value)} in {source} is unknown: give one of {', '.join(OnBudget)}") from None


def epochs(value: Any, source: str) -> int:
    """How many epochs the training has. Raises ConfigurationError."""
    try:
        number = int(value) if isinstance(value, str) else whole(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ConfigurationError(f"epochs={repr_of(value)} in {source} is no number of epochs: give a whole number of at least 1")
    return number
