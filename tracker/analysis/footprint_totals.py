"""Footprints of many runs as sums: one for each status, and one for all.

Failed and interrupted runs have emitted their grams too. The devices of all runs go into one range of energy, as they do within a run and
in `list --by`. For grams, low and high are the sums of lows and of highs: most of their range is of factors that the runs share. A run
without a known figure is counted; the sum lacks it and is a lower bound.

Runs that read a device at the same time have its joules, and held it, at the same time: their sum has both twice. `count_once` says what
each of them adds to a sum in which a device counts once at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ..carbon.accounting import NOTHING, Estimate, total
from ..carbon.assumption import FactorKind, HostPart, LeftOut
from ..core.choices import Basis
from ..core.run import NO_HOST, Origin, Status
from ..energy.intervals import Share, by_sensor, interval
from ..errors import ConfigurationError
from .overlaps import Curves, Measured, Own, Reading, at_once, identity, names_of, own_parts
from .view import device_share

if TYPE_CHECKING:
    from ..core.contract import CarbonJson, CountedOnceJson, DeviceJson, ErrorsJson, FootprintJson, ShowJson
    from ..storage.read.store import Store

UNKNOWN = "unknown"


class Once(NamedTuple):
    """The sums of runs in which each device counts once at any time."""

    hours: float
    gpu_hours: float
    energy: Estimate
    operational: Estimate
    embodied: Estimate

    @property
    def total(self) -> Estimate:
        """All grams."""
        return self.operational.plus(self.embodied)


class Tally(NamedTuple):
    """Sums over runs. Energy is in joules, the others in grams; None if no run has a figure. `…_unknown` counts the runs without a figure,
    `cut_short` those whose energy is a lower bound because a device was lost, `unmeasured` those in which one was never read, `gpu_unread`
    those in which it was a GPU, `at_once` those that read a device at the same time as another: these sums have it more than once, and
    `once` has it once (None if no runs overlap). `estimated` and `imported` count the runs that the tracker did not record;
    `estimated_g` and `imported_g` are their grams in the total. `no_pue` counts the runs whose PUE is not known."""

    runs: int
    hours: float
    gpu_hours: float
    energy: Estimate | None
    operational: Estimate | None
    embodied: Estimate | None
    total: Estimate | None
    energy_unknown: int
    cut_short: int
    unmeasured: int
    gpu_unread: int
    grams_unknown: int
    embodied_unknown: int
    at_once: int
    once: Once | None
    estimated: int
    imported: int
    estimated_g: float
    imported_g: float
    no_pue: int

    @property
    def energy_is_least(self) -> bool:
        """Whether the energy, and therefore all grams, are a lower bound."""
        return self.energy_unknown > 0 or self.cut_short > 0 or self.unmeasured > 0

    @property
    def grams_are_least(self) -> bool:
        """Whether the operational grams are a lower bound."""
        return self.energy_is_least or self.grams_unknown > 0 or self.no_pue > 0

    @property
    def embodied_is_least(self) -> bool:
        """Whether the embodied grams are a lower bound: those of a GPU that was never read are not in them."""
        return self.grams_unknown > 0 or self.embodied_unknown > 0 or self.gpu_unread > 0

    @property
    def total_is_least(self) -> bool:
        """Whether the total is a lower bound."""
        return self.grams_are_least or self.embodied_is_least


def footprint_of(view: ShowJson) -> FootprintJson:
    """A run with its footprint, as sums and papers need it."""
    return {
        "run": view["run"],
        "energy": view["energy"],
        "work": view["work"],
        "unit": view["unit"],
        "per_unit": view["per_unit"],
        "carbon": view["carbon"],
        "footprint_id": None,
    }


def require_one_basis(footprints: Sequence[FootprintJson] | Sequence[ShowJson]) -> None:
    """Raises ConfigurationError if runs recorded different bases: life-cycle grams and direct ones are never added."""
    runs = {f["carbon"]["intensity_basis"]: f["run"]["id"][:8] for f in reversed(footprints) if f["carbon"] is not None}
    runs.pop(None, None)
    if len(runs) > 1:
        named = " and ".join(f"{basis} ({run_id})" for basis, run_id in runs.items())
        raise ConfigurationError(
            f"the settings of these runs have different bases, {named}: such grams cannot be added; put all runs on one, with"
            f" {' or '.join(f'--basis {basis}' for basis in Basis)}"
        )


def by_status(footprints: Sequence[FootprintJson]) -> dict[str, Tally]:
    """The sums of each status that occurs, in the order in which they are shown."""
    found = {f["run"]["status"] for f in footprints}
    order = [*(status for status in Status if status in found), *sorted(found - set(Status))]
    return {str(status): tally([f for f in footprints if f["run"]["status"] == status]) for status in order}


def tally(footprints: Sequence[FootprintJson]) -> Tally:
    """The sums over some runs."""
    known = [f for f in footprints if f["energy"]["total_j"] is not None]
    devices = [device for f in footprints for device in counted(f)]
    carbons = [f["carbon"] for f in footprints if f["carbon"] is not None]
    embodied = [grams for c in carbons if (grams := _embodied(c)) is not None]
    overlapping = len(at_once(_readings(footprints)))
    return Tally(
        runs=len(footprints),
        hours=sum(hours(f) for f in footprints),
        gpu_hours=sum(gpu_hours(f) for f in footprints),
        energy=Estimate(*interval(Share.from_json(e) for device in devices for e in device["errors"])) if known else None,
        operational=_sum([Estimate(c["operational_g"], c["operational_low_g"], c["operational_high_g"]) for c in carbons]),
        embodied=_sum(embodied),
        total=_sum([Estimate(c["total_g"], c["total_low_g"], c["total_high_g"]) for c in carbons]),
        energy_unknown=len(footprints) - len(known),
        cut_short=sum(f["energy"]["lower_bound"] and not f["energy"]["unmeasured"] for f in known),
        unmeasured=sum(bool(f["energy"]["unmeasured"]) for f in known),
        gpu_unread=sum(any(d["kind"] == "gpu" for d in f["energy"]["unmeasured"]) for f in footprints),
        grams_unknown=len(footprints) - len(carbons),
        embodied_unknown=len(carbons) - len(embodied),
        at_once=overlapping,
        once=once_of(footprints) if overlapping else None,
        estimated=sum(f["run"]["origin"] == Origin.ESTIMATED for f in footprints),
        imported=sum(f["run"]["origin"] == Origin.IMPORTED for f in footprints),
        estimated_g=_grams_of(footprints, Origin.ESTIMATED),
        imported_g=_grams_of(footprints, Origin.IMPORTED),
        no_pue=sum(LeftOut.SITE_OVERHEAD in c["left_out_codes"] for c in carbons),
    )


def count_once(store: Store, footprints: Sequence[FootprintJson]) -> None:
    """Put into each footprint what it adds to a sum in which each device counts once at any time; None if it overlaps no other. Raises
    StoreError."""
    overlapping = at_once(_readings(footprints))
    duration_s = {f["run"]["id"]: f["run"]["duration_s"] or 0.0 for f in footprints}
    measured = []
    for stored in chain.from_iterable(store.load_all((run_id for run_id in duration_s if run_id in overlapping), phases=False)):
        run, curves = stored.run, Curves(store.points(stored.run.id), stored.anchors)
        measured.append(Measured(run.id, run.started_utc_ns, duration_s[run.id], stored.devices, curves))
    own = own_parts(measured)
    for f in footprints:
        f["counted_once"] = None
    for f in footprints:
        if f["run"]["id"] in own:
            f["counted_once"] = _counted(f, own[f["run"]["id"]])


def counted_share(footprint: FootprintJson) -> float:
    """The part of the energy of a run that counts in a sum in which a device counts once at any time. 1 if the run overlaps no other."""
    once, whole_j = footprint.get("counted_once"), footprint["energy"]["total_j"]
    return once["energy_j"] / whole_j if once and whole_j else 1.0


def _counted(footprint: FootprintJson, own: Own) -> CountedOnceJson:
    """The part of a footprint that counts: its operational grams as its energy; those of making the GPUs as the time of the GPUs, and
    those of the host as that of its other devices. If the run held GPUs of the host only, its part of the host is with the GPUs."""
    read = [d for d in own.devices if d.included_in_total and d.first is not None]
    shares, of_gpus = (by_sensor(map(device_share, some)) for some in (read, [d for d in read if d.kind == "gpu"]))
    joules = interval(shares)
    carbon, whole_j = footprint["carbon"], footprint["energy"]["total_j"]
    operational = embodied = None
    if carbon is not None:
        of_energy = joules.energy_j / whole_j if whole_j else 1.0
        operational = Estimate(carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"]).times(of_energy)
        host_share = own.gpu_share if _host_by_gpus(carbon) else own.host_share
        gpu = _estimate(carbon["embodied_gpu_g"], carbon["embodied_gpu_low_g"], carbon["embodied_gpu_high_g"])
        host = _estimate(carbon["embodied_host_g"], carbon["embodied_host_low_g"], carbon["embodied_host_high_g"])
        if gpu is not None or host is not None:
            embodied = (gpu or NOTHING).times(own.gpu_share).plus((host or NOTHING).times(host_share))
    operational_g, operational_low_g, operational_high_g = operational or (None, None, None)
    embodied_g, embodied_low_g, embodied_high_g = embodied or (None, None, None)
    return {
        "energy_j": joules.energy_j,
        "low_j": joules.low_j,
        "high_j": joules.high_j,
        "errors": [share.as_json() for share in shares],
        "gpu_errors": [share.as_json() for share in of_gpus],
        "hours": own.share * hours(footprint),
        "gpu_hours": own.gpu_share * gpu_hours(footprint),
        "operational_g": operational_g,
        "operational_low_g": operational_low_g,
        "operational_high_g": operational_high_g,
        "embodied_g": embodied_g,
        "embodied_low_g": embodied_low_g,
        "embodied_high_g": embodied_high_g,
    }


def _host_by_gpus(carbon: CarbonJson) -> bool:
    shares = [a["host"] for a in carbon["assumptions"] if a["kind"] == FactorKind.HOST_SHARE]
    return any(host is not None and host["counted"] == HostPart.GPUS for host in shares)


def once_of(footprints: Sequence[FootprintJson]) -> Once | None:
    """The sum of the parts that count; None where `count_once` has not said them, or no run overlaps another."""
    if not any(f.get("counted_once") for f in footprints):
        return None
    result = Once(0.0, 0.0, NOTHING, NOTHING, NOTHING)
    errors: list[ErrorsJson] = []
    for f in footprints:
        once, carbon = f.get("counted_once"), f["carbon"]
        if once:
            time, gpus = once["hours"], once["gpu_hours"]
            errors += once["errors"]
            operational = _estimate(once["operational_g"], once["operational_low_g"], once["operational_high_g"])
            embodied = _estimate(once["embodied_g"], once["embodied_low_g"], once["embodied_high_g"])
        else:
            time, gpus = hours(f), gpu_hours(f)
            errors += (e for device in counted(f) for e in device["errors"])
            operational = carbon and Estimate(carbon["operational_g"], carbon["operational_low_g"], carbon["operational_high_g"])
            embodied = carbon and _embodied(carbon)
        result = Once(
            result.hours + time,
            result.gpu_hours + gpus,
            NOTHING,
            result.operational.plus(operational or NOTHING),
            result.embodied.plus(embodied or NOTHING),
        )
    return result._replace(energy=Estimate(*interval(map(Share.from_json, errors))))


def _grams_of(footprints: Sequence[FootprintJson], origin: Origin) -> float:
    return sum(f["carbon"]["total_g"] for f in footprints if f["carbon"] is not None and f["run"]["origin"] == origin)


def hours(footprint: FootprintJson) -> float:
    """How long the run lasted."""
    return float(footprint["run"]["duration_s"] or 0.0) / 3600


def gpu_hours(footprint: FootprintJson) -> float:
    """The hours of all GPUs: those that an estimate or another tool states, else the time of the run for each of its GPUs."""
    stated = footprint["run"]["device_hours"]
    return hours(footprint) * sum(d["kind"] == "gpu" for d in counted(footprint)) if stated is None else stated


def counted(footprint: FootprintJson) -> list[DeviceJson]:
    """The devices that are in the run's total."""
    return [d for d in footprint["energy"]["devices"] if d["included_in_total"]]


def _readings(footprints: Sequence[FootprintJson]) -> Iterator[Reading]:
    names = names_of((d.get("machine"), d["host"]) for footprint in footprints for d in counted(footprint))
    for footprint in footprints:
        run = footprint["run"]
        start_s = datetime.fromisoformat(run["started_at"]).timestamp()
        for d in (d for d in counted(footprint) if d["uuid"] or d["host"] != NO_HOST):
            host = names.get(d.get("machine"), d["host"])
            yield Reading(run["id"], identity(host, d["uuid"], d["device"]), start_s, start_s + (run["duration_s"] or 0.0))


def _embodied(carbon: CarbonJson) -> Estimate | None:
    return _estimate(carbon["embodied_g"], carbon["embodied_low_g"], carbon["embodied_high_g"])


def _estimate(central: float | None, low: float | None, high: float | None) -> Estimate | None:
    return None if central is None or low is None or high is None else Estimate(central, low, high)


def _sum(parts: Sequence[Estimate]) -> Estimate | None:
    return total(parts) if parts else None
