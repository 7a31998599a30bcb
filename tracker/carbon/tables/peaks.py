"""The peak speed of accelerators, by the precision of their numbers, as their manufacturers state it.

Figures are dense: sparsity (two of four weights are zero) doubles some of them, and no training in common use has it. FP64 and FP32 are
those without tensor cores, the others those with them, with the accumulation in FP32 where a sheet has several.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import NamedTuple

from ...core.choices import Precision
from ...machine.resources import folder_of, text_of
from . import names

TERA = 1e12


class Peak(NamedTuple):
    """A device with its peak in FLOP/s, for each precision that it has a figure for."""

    words: str
    name: str
    flop_per_s: dict[Precision, float]
    year: int
    source: str


def peak_of(model: str) -> Peak | None:
    """The row of a device by the name that its driver has for it. None if it is not in the table."""
    return next((peak for peak in peaks() if names.fits(peak.words, None, model)), None)


@cache
def peaks() -> tuple[Peak, ...]:
    """The table; those with more words come first, because "H100 PCIe" is a "H100" too."""
    rows = csv.DictReader(text_of(folder_of(__package__, "data") / "peak_flops.csv").splitlines())
    found = [
        Peak(row["words"], row["name"], {p: float(row[p]) * TERA for p in Precision if row[p]}, int(row["year"]), row["source"])
        for row in rows
    ]
    return tuple(sorted(found, key=lambda peak: -names.detail(peak.words)))
