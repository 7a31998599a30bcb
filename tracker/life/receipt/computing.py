"""The result of a receipt: computed from the files that are in it, when it is made and when it is verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...carbon.accounting import Estimate
from ...carbon.tables.basis import Basis
from ...carbon.tables.hardware import table
from ...carbon.terms import Terms
from ...errors import ConfigurationError
from ..disclosing import disclosure
from ..footprints import gathered
from ..reading import read_life
from ..whole import whole_life
from .archive import HARDWARE, LIFE, RUNS, TERMS

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson

_BASES = ("basis", "intensity_basis")


def terms_as_json(terms: Terms) -> str:
    """The terms of the command line; series and prices over time are not among them."""
    default = Terms()
    names = (f.name for f in fields(Terms) if f.name not in ("series", "prices", "hardware"))
    return json.dumps({name: value for name in names if (value := getattr(terms, name)) != getattr(default, name)}, indent=2) + "\n"


def terms_from_json(text: str) -> Terms:
    """The terms of a receipt. Raises ConfigurationError."""
    try:
        found: dict[str, Any] = json.loads(text)
        given: dict[str, Any] = {name: Basis(value) if name in _BASES and value else value for name, value in found.items()}
        if isinstance(unmeasured := given.get("unmeasured"), list):
            given["unmeasured"] = Estimate(*unmeasured)
        return replace(Terms(), **given)
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(f"{TERMS} of the receipt is damaged") from None


def computed(folder: Path, say: Callable[[str], None]) -> DisclosureJson:
    """The result, from the files of a receipt in a folder. Raises TrainwattError."""
    hardware = folder / HARDWARE
    terms = terms_from_json((folder / TERMS).read_text(encoding="utf-8"))
    terms = replace(terms, hardware=str(hardware) if hardware.exists() else None)
    life = read_life(folder / LIFE)
    rows = table(terms.hardware)
    runs = gathered(life, terms, str(folder / RUNS), say)
    whole = whole_life(life, runs.of, runs.found, runs.measured, terms, rows)
    return disclosure(life, runs.of, runs.found, whole, "", "", terms, rows)
