"""What a figure depends on beside the runs and the file: the terms of the command, and intensities over time, as files of a receipt."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, NamedTuple

from ...carbon.accounting import Estimate
from ...carbon.series import INTENSITY, Series, iso, read_series
from ...carbon.tables.basis import Basis
from ...carbon.terms import Terms, check
from ...errors import ConfigurationError
from .archive import INTENSITIES, TERMS

_BASES = ("basis", "intensity_basis")
_TEXTS = ("zone", "currency")
_NOT_KEPT = ("series", "prices", "hardware")
_KEPT = tuple(f.name for f in fields(Terms) if f.name not in _NOT_KEPT)
"""The terms that a receipt has in this file; series and hardware have files of their own."""
_NAME = "name"
_HEADER = f"start,end,{INTENSITY.name},basis,estimated"


class Asked(NamedTuple):
    """What the command was asked: the name of the life, which may be that of its file, and the terms."""

    name: str
    terms: Terms

    def as_json(self) -> str:
        """The file. Series and hardware are not in it."""
        default = Terms()
        kept = {name: value for name in _KEPT if (value := getattr(self.terms, name)) != getattr(default, name)}
        return json.dumps({_NAME: self.name, **kept}, indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> Asked:
        """Raises ConfigurationError."""
        try:
            found: dict[str, Any] = json.loads(text)
            name = found.pop(_NAME)
            if not isinstance(name, str):
                raise ValueError("the name is no text")
            terms = replace(Terms(), **{name: _term(name, value) for name, value in found.items()})
            check(terms)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConfigurationError):
            raise ConfigurationError(f"{TERMS} of the receipt is damaged") from None
        return cls(name, terms)


def _term(name: str, value: Any) -> Any:
    """The value of a term. Raises ValueError, or TypeError, for one that it cannot have."""
    if name not in _KEPT:
        raise ValueError(f"{name} is no such term")
    if value is None:
        return None
    if name in _BASES:
        return Basis(value)
    if name == "unmeasured":
        return Estimate(*map(_number, value))
    if name in _TEXTS or name == "allow_suspect":
        if not isinstance(value, str if name in _TEXTS else bool):
            raise ValueError(f"{name} has the wrong type")
        return value
    return _number(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it is no number")
    return value


def series_as_csv(of: Series) -> str:
    """Intensities over time, each to the digit. Every row has its end, because that may follow from rows that are not among them."""
    basis = of.basis or ""
    rows = (f"{iso(s.start_utc_ns)},{iso(s.end_utc_ns)},{s.value!r},{basis},{'yes' if s.estimated else 'no'}" for s in of.slots)
    return "\n".join([_HEADER, *rows, ""])


def series_from_csv(text: str) -> Series:
    """Those of a receipt; without a row, they have no value for the time of the runs. Raises ConfigurationError."""
    return Series((), INTENSITIES) if text.split() == [_HEADER] else read_series(text, INTENSITIES)
