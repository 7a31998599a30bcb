"""Watts from utilisation and size, where no sensor measures: the coefficients, their ranges and their sources.

Pure, except that it reads data/power_model.csv. It uses the trusted rows only (`status` verified, cross-checked or derived); each row names
its source. A model is always a central value with two factors that bound it.
"""

from __future__ import annotations

import csv
import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from ...machine.resources import folder_of, text_of

_TRUSTED = ("verified", "cross-checked", "derived")

TDP_FACTORS = (0.6, 1.5)
"""The bounds around the curve over TDP. They are an estimate, not a measurement. The curve is the mean of several Xeon packages under one
load; at the same utilisation parts differ, and vector code draws more than scalar code."""
VCPU_FACTORS = (0.4, 1.5)
"""The bounds around W per vCPU. They are an estimate, not a measurement. A row is a server's power at the wall divided by its hardware
threads. It includes fans, supply losses, disks and memory, so the processor may draw only 0.4 of it. It is also a mean over the parts of a
generation, and some parts draw 1.5 times the mean."""
UNKNOWN_CORES_FACTOR = 2.0
"""Where it is not known which processors of the machine a container has, each may be a core of its own. Such a processor draws up to twice
as much as one that shares its core with another."""
_DIMM_GB = (64.0, 8.0)
"""The DIMM sizes that turn the trusted 5 W per DIMM into bounds of W/GB: the largest that is common in servers, and the smallest still in
use."""


@dataclass(frozen=True, slots=True)
class PowerModel:
    """Central watts at a utilisation from 0 to 1, the factors that bound them, and a description."""

    watts: Callable[[float], float]
    low_factor: float
    high_factor: float
    words: str

    def widened(self, factor: float) -> PowerModel:
        """The same with an upper bound that is `factor` times as high."""
        return replace(self, high_factor=self.high_factor * factor)

    def at_unknown_utilisation(self) -> PowerModel:
        """The same power at any utilisation: halfway between idle and full, with bounds that contain both."""
        idle_w, full_w = self.watts(0.0), self.watts(1.0)
        mid_w = (idle_w + full_w) / 2
        return PowerModel(lambda _: mid_w, self.low_factor * idle_w / mid_w, self.high_factor * full_w / mid_w, self.words)

    @property
    def max_w(self) -> float:
        """The upper bound of the power at full utilisation."""
        return self.watts(1.0) * self.high_factor


def cpu_from_tdp(tdp_w: float, share: float) -> PowerModel:
    """Processors of `tdp_w` watts in total; the run may use the share `share` (0 to 1) of them."""
    curve = [(u / 100, _value("cpu", "generic", f"tdp_fraction_at_{u}")) for u in (0, 10, 50, 100)]
    low, high = TDP_FACTORS
    words = f"{curve[0][1]:.2f} to {curve[-1][1]:.2f} of {tdp_w * share:,.0f} W (TDP, by the power limit)"
    return PowerModel(lambda u: _interpolate(curve, u) * tdp_w * share, low, high, words)


def cpu_from_generation(generation: str | None, cpus: float) -> PowerModel:
    """`cpus` hardware threads of a generation. If the table lacks it: the median of all generations, with a range over all."""
    table = _vcpu_table()
    if generation in table:
        idle, full = table[generation]
        low, high = VCPU_FACTORS
        words = f"{cpus:g} CPUs of {idle:.2f} to {full:.2f} W ({generation})"
    else:
        idles, fulls = zip(*table.values(), strict=True)
        idle, full = statistics.median(idles), statistics.median(fulls)
        low = VCPU_FACTORS[0] * min(min(idles) / idle, min(fulls) / full)
        high = VCPU_FACTORS[1] * max(max(idles) / idle, max(fulls) / full)
        words = f"{cpus:g} CPUs of {idle:.2f} to {full:.2f} W (processor not in the table: the median of all servers)"
    return PowerModel(lambda u: cpus * (idle + u * (full - idle)), low, high, words)


def dram(gib: float) -> PowerModel:
    """Memory of `gib` GiB (DIMMs are sold by these "gigabytes"): the mean of the trusted W/GB, bounded by 5 W per DIMM at two sizes of
    DIMM. Utilisation is ignored."""
    per_gb = statistics.fmean(_values("dram", "generic", "watts_per_gb"))
    per_dimm = _value("dram", "x86 server", "watts_per_dimm")
    low, high = (per_dimm / size / per_gb for size in _DIMM_GB)
    return PowerModel(lambda _: per_gb * gib, low, high, f"{gib:,.4g} GB of memory at {per_gb:.2f} W/GB")


def _interpolate(curve: list[tuple[float, float]], u: float) -> float:
    for (u0, y0), (u1, y1) in itertools.pairwise(curve):
        if u <= u1:
            return y0 + (u - u0) / (u1 - u0) * (y1 - y0)
    return curve[-1][1]


def _vcpu_table() -> dict[str, tuple[float, float]]:
    """Generation to (idle, full) W per vCPU."""
    names = dict.fromkeys(model for component, model, _, _ in _rows() if component == "cpu_vcpu")
    return {name: (_value("cpu_vcpu", name, "watts_min"), _value("cpu_vcpu", name, "watts_max")) for name in names}


def _value(component: str, model: str, parameter: str) -> float:
    return _values(component, model, parameter)[0]


def _values(component: str, model: str, parameter: str) -> list[float]:
    return [value for *key, value in _rows() if key == [component, model, parameter]]


@cache
def _rows() -> tuple[tuple[str, str, str, float], ...]:
    lines = text_of(folder_of(__package__, "data") / "power_model.csv").splitlines()
    return tuple(
        (row["component"], row["model"], row["parameter"], float(row["value"]))
        for row in csv.DictReader(lines)
        if row["status"] in _TRUSTED
    )
