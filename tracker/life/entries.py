"""PURE: the figures of what a user added to a life by hand, or plans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import G_PER_KG, Estimate
from ..carbon.assumption import LeftOut
from ..carbon.estimating import Plan, estimate
from ..carbon.terms import Terms
from ..errors import ConfigurationError
from .figures import Figures
from .grids import Grid, grid_of
from .plan import Added

if TYPE_CHECKING:
    from ..carbon.tables.hardware import HardwareTable
    from ..core.contract import CarbonJson

_ENERGY_ALONE = Plan(
    device=None, count=None, hours=None, gpu_hours=None, watts=None, load=None, energy_kwh=None, embodied_kg=None, host_kg=None,
    devices_per_host=None, units=None, unit=None,
)  # fmt: skip


def figures_of_added(added: Added, terms: Terms, rows: HardwareTable) -> Figures:
    """The figures of an entry. What it does not say of its grid and site comes from `terms`. Grams that it states are taken as complete.
    Raises ConfigurationError."""
    figures = Figures()  # the making of hardware has no joules of its own
    own = over(added.terms, terms)
    try:
        if added.plan is not None:
            figures = _of_plan(added.plan, added.energy_kwh, added.gpu_hours, own, rows)
        elif added.energy_kwh is not None:
            figures = of_energy(added.energy_kwh, own, rows)
    except ConfigurationError as error:
        raise ConfigurationError(f"{added.where} ({added.name}): {error}") from None
    if added.operational_kg is not None:
        operational = added.operational_kg.times(G_PER_KG)
        figures = figures._replace(operational=operational, operational_least=False, energy_least=True)
    if added.embodied_kg is not None:
        figures = figures._replace(embodied=added.embodied_kg.times(G_PER_KG), embodied_least=False)
    return figures


class Site(NamedTuple):
    """Where an entry used its energy: its zone and its PUE; None for what is not known. `grid` is None for grams that somebody else has
    computed."""

    zone: str | None
    pue: float | None
    grid: Grid | None


def carbon_of(added: Added, terms: Terms, rows: HardwareTable) -> CarbonJson | None:
    """The footprint of an entry at its likely values, with all factors. None if it has no energy and no time. Raises ConfigurationError."""
    kwh = None if added.energy_kwh is None else added.energy_kwh.central
    if added.plan is None and kwh is None:
        return None
    return estimate(added.plan or replace(_ENERGY_ALONE, energy_kwh=kwh), over(added.terms, terms), rows)[1]


def site_of(added: Added, terms: Terms, rows: HardwareTable) -> Site:
    """The site of an entry: as it says, as `terms` say, or as that of its cloud region. Raises ConfigurationError."""
    carbon = carbon_of(added, terms, rows)
    if carbon is None:
        return Site(None, None, None)
    grid = grid_of(carbon) if added.operational_kg is None else None
    return Site(carbon["zone"], None if LeftOut.SITE_OVERHEAD in carbon["left_out_codes"] else carbon["pue"], grid)


def grid_of_energy(terms: Terms, rows: HardwareTable) -> Grid:
    """The grid and the site of an energy on some terms. Raises ConfigurationError."""
    return grid_of(estimate(replace(_ENERGY_ALONE, energy_kwh=1.0), terms, rows)[1])


def of_energy(kwh: Estimate, terms: Terms, rows: HardwareTable) -> Figures:
    """An energy before PUE, in kWh. Nothing is known of its hardware. Raises ConfigurationError."""
    return _of_plan(_ENERGY_ALONE, kwh, None, terms, rows)


def over(own: Terms, other: Terms) -> Terms:
    """The terms `own`; what they leave open comes from `other`."""
    has_grid = own.zone is not None or own.intensity_g_per_kwh is not None
    grid = {} if has_grid else {name: getattr(other, name) for name in ("zone", "intensity_g_per_kwh", "intensity_basis", "series")}
    names = ("pue", "lifetime_years", "lifetime_utilization", "hardware", "basis")
    open_ = {name: getattr(other, name) for name in names if getattr(own, name) is None}
    return replace(own, allow_suspect=other.allow_suspect, **grid, **open_)


def _of_plan(plan: Plan, kwh: Estimate | None, hours: Estimate | None, terms: Terms, rows: HardwareTable) -> Figures:
    """The figures of a described run. If its energy or its time has a range, the bounds are those of the lowest and of the highest."""

    def at(bound: int) -> Figures:
        return _described(
            replace(plan, energy_kwh=None if kwh is None else kwh[bound], gpu_hours=None if hours is None else hours[bound]), terms, rows
        )

    central, low, high = map(at, range(3))
    return central._replace(
        energy=Estimate(central.energy.central, low.energy.low, high.energy.high),
        site=Estimate(central.site.central, low.site.low, high.site.high),
        operational=Estimate(central.operational.central, low.operational.low, high.operational.high),
        embodied=Estimate(central.embodied.central, low.embodied.low, high.embodied.high),
    )


def _described(plan: Plan, terms: Terms, rows: HardwareTable) -> Figures:
    energy, carbon, _ = estimate(plan, terms, rows)
    joules = Estimate(energy["total_j"], energy["low_j"], energy["high_j"])
    embodied = carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"]
    left_out = set(carbon["left_out_codes"])
    return Figures(
        gpu_hours=plan.device_hours or 0.0,
        energy=joules,
        site=joules.times(carbon["pue"]),
        operational=Estimate(carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"]),
        embodied=Estimate(*(0.0 if grams is None else grams for grams in embodied)),
        operational_least=LeftOut.SITE_OVERHEAD in left_out,
        embodied_least=bool(left_out & {LeftOut.HARDWARE_TIME, LeftOut.DEVICES, LeftOut.HOSTS}),
    )
