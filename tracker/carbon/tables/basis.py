"""PURE: from a direct emission factor of electricity to a life-cycle one, and back, for a fuel mix that is not known.

A direct factor counts the stack alone. A life-cycle factor also counts the supply of the fuel and the building of the plants. What lies
between them depends on the fuel mix. For each kind of plant, the IPCC publishes both (AR5 WG III, 2014, Annex III, table A.III.2, medians
in g/kWh): coal 760 direct and 820 life-cycle, gas (combined cycle) 370 and 490; plants without a stack from 11 (wind) and 12 (nuclear)
over 24 (hydropower) to 48 (solar). If fossil plants emit d a kWh on average, a grid with x direct has a share x/d of them, and

    life-cycle = x ÷ d × life-cycle of these plants + (1 − x ÷ d) × life-cycle of the other plants

The low figure is that of coal with wind, the high one that of gas with solar, and the central one that of half coal, half gas, with
hydropower. Above d, coal replaces gas; above 760, the plants are less efficient than the median. Biomass (230) and oil lie within the
ranges that spread.py adds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from ...core.choices import Basis as Basis
from ...core.choices import basis_named as basis_named
from ...errors import ConfigurationError
from ..accounting import Estimate

SOURCE = "IPCC AR5 WG III, 2014, Annex III, table A.III.2"


class HasBasis(Protocol):
    """A factor with its basis; None if it is not stated."""

    @property
    def basis(self) -> Basis | None: ...


Line = tuple[tuple[float, float], ...]
"""Points (direct, life-cycle) in g/kWh, in order, joined by straight lines. Beyond the last point, both grow in proportion."""

COAL, GAS = (760.0, 820.0), (370.0, 490.0)
HALF = ((COAL[0] + GAS[0]) / 2, (COAL[1] + GAS[1]) / 2)
LINES: tuple[Line, Line, Line] = (
    ((0.0, 24.0), HALF, COAL),
    ((0.0, 11.0), COAL),
    ((0.0, 48.0), GAS, COAL),
)
"""Central, lowest and highest life-cycle figure for a direct one."""


def lifecycle_of(direct_g_per_kwh: float) -> Estimate:
    """The life-cycle figure of a grid of which only the direct one is known."""
    return Estimate(*(_along(line, direct_g_per_kwh) for line in LINES))


def direct_of(lifecycle_g_per_kwh: float) -> Estimate:
    """The direct figure of a grid of which only the life-cycle one is known; never below 0."""
    central, most, least = (max(0.0, _along([(y, x) for x, y in line], lifecycle_g_per_kwh)) for line in LINES)
    return Estimate(central, least, most)


def on_basis(g_per_kwh: float, known: Basis, wanted: Basis) -> Estimate:
    """A figure on the wanted basis, derived if that is not its own."""
    if known is wanted:
        return Estimate.exact(g_per_kwh)
    return lifecycle_of(g_per_kwh) if wanted is Basis.LIFECYCLE else direct_of(g_per_kwh)


def require_same_basis(figures: Iterable[HasBasis]) -> Basis | None:
    """The common basis of all figures that state one. Raises ConfigurationError if life-cycle and direct figures are mixed."""
    found = sorted({f.basis for f in figures if f.basis is not None})
    if len(found) > 1:
        raise ConfigurationError(
            f"intensities on different bases ({' and '.join(found)}) cannot be added or compared: a life-cycle figure counts fuel supply"
            " and construction too; choose factors of one basis"
        )
    return found[0] if found else None


def _along(line: Sequence[tuple[float, float]], x: float) -> float:
    last_x, last_y = line[-1]
    if x >= last_x:
        return x * last_y / last_x
    pieces = list(pairwise(line))
    at = min(max(bisect_left([end[0] for _, end in pieces], x), 0), len(pieces) - 1)
    (x0, y0), (x1, y1) = pieces[at]
    return y0 + (x - x0) * (y1 - y0) / (x1 - x0)
