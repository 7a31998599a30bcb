"""PURE: the floating-point operations of a run: those of a joule, and the part of the peak of its GPUs.

Model FLOP utilisation is that of Chowdhery et al. 2022 (PaLM, arXiv:2204.02311, section 4.1): the operations that the model needs, over
the time and the peak of the devices. What was counted is taken as it is: recomputed activations are in it if the user counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from ...carbon.tables.names import slice_share
from ...carbon.tables.peaks import peak_of
from ...core.choices import DEFAULT_PRECISION, precision_named
from ...core.run import FLOPS_PRECISION_KEY
from ...core.work import FLOPS, counted
from .units import work_partial

if TYPE_CHECKING:
    from ...core.contract import ComputeJson, EnergyRangeJson, PeakJson, RunJson
    from ...storage.read.records import DeviceRow, StoredRun

NS = 1e-9


class NoPeak(StrEnum):
    """Why the part of the peak is not known."""

    RANKS = "ranks"  # the operations of other ranks are not in the run
    NO_GPU = "no-gpu"  # it had no GPU, and of processors no peak is known
    DEVICE = "device"  # the peak of a device is not in the table
    PRECISION = "precision"  # the device is in the table, but not with this precision
    NO_TIME = "no-time"  # no reading of a GPU spans any time


def compute_of(stored: StoredRun, run: RunJson, energy: EnergyRangeJson, work: Mapping[str, int]) -> ComputeJson | None:
    """The `compute` object of the contract; None if the run has counted no operations."""
    flops = counted(work, FLOPS)
    if not flops:
        return None
    given = precision_named(str(stored.run.settings.get(FLOPS_PRECISION_KEY) or ""))
    precision = given or DEFAULT_PRECISION
    peaks = _peaks(stored, precision.value)
    mfu, missing = _utilisation(flops, peaks)
    if work_partial(run):
        mfu, missing = None, NoPeak.RANKS
    each, low, high = (
        None if joules is None or not joules or work_partial(run) else flops / joules
        for joules in (energy["total_j"], energy["high_j"], energy["low_j"])
    )
    return {
        "flops": flops,
        "flop_per_j": each,
        "flop_per_j_low": low,
        "flop_per_j_high": high,
        "precision": precision.value,
        "precision_given": given is not None,
        "mfu": mfu,
        "missing": None if missing is None else missing.value,
        "peaks": peaks,
    }


def _utilisation(flops: int, peaks: Sequence[PeakJson]) -> tuple[float | None, NoPeak | None]:
    if not peaks:
        return None, NoPeak.NO_GPU
    if any(of["row"] is None for of in peaks):
        return None, NoPeak.DEVICE
    if any(of["peak_flop_per_s"] is None for of in peaks):
        return None, NoPeak.PRECISION
    most = sum((of["peak_flop_per_s"] or 0.0) * of["device_s"] for of in peaks)
    return (flops / most, None) if most else (None, NoPeak.NO_TIME)


def _peaks(stored: StoredRun, precision: str) -> list[PeakJson]:
    """The GPUs of the run by model. A partition is the part of its GPU that its slices are. What a take-over splits is one device."""
    slices = {(p.host, p.name): p.detail.get("mig_slices") for p in stored.inventory if p.kind == "gpu"}
    alike: dict[tuple[str | None, float], list[DeviceRow]] = {}
    for device in stored.devices:
        if device.kind == "gpu" and device.included_in_total and device.first is not None and device.last is not None:
            share = slice_share(device.model or "", slices.get((device.host, device.name)))
            alike.setdefault((device.model, share), []).append(device)
    return [_peak(model, share, devices, precision) for (model, share), devices in alike.items()]


def _peak(model: str | None, share: float, devices: Sequence[DeviceRow], precision: str) -> PeakJson:
    row = None if model is None else peak_of(model)
    figures = {} if row is None else {of.value: flop_per_s * share for of, flop_per_s in row.flop_per_s.items()}
    return {
        "model": model,
        "devices": len({d.sensor for d in devices}),
        "device_s": sum((d.last.t_ns - d.first.t_ns) * NS for d in devices if d.first is not None and d.last is not None),
        "peak_flop_per_s": figures.get(precision),
        "row": None if row is None else row.name,
        "year": None if row is None else row.year,
        "source": None if row is None else row.source,
    }
