"""PURE: the floating-point operations of a run in `show --json`, `list --json` and `report`."""

from __future__ import annotations

from typing import TypedDict


class PeakJson(TypedDict):
    """The devices of one model, and the peak speed of one of them, as its manufacturer states it, without sparsity. `peak_flop_per_s` is
    None if none is known for the precision. `device_s`: the seconds for which they belonged to the run, over all of them."""

    model: str | None
    devices: int
    device_s: float
    peak_flop_per_s: float | None
    row: str | None
    year: int | None
    source: str | None


class ComputeJson(TypedDict):
    """The floating-point operations that a run has counted (`flops`), those of a joule, and the model FLOP utilisation: `mfu` is their part
    of what the GPUs of the run could have done in its time, at their peak. `precision` is that of the setting `flops_precision`;
    `precision_given` is false where the default stands in for it. What is not known is None, and `missing` says why `mfu` is (a `NoPeak`).
    The ends of `flop_per_j` are those of the energy."""

    flops: int
    flop_per_j: float | None
    flop_per_j_low: float | None
    flop_per_j_high: float | None
    precision: str
    precision_given: bool
    mfu: float | None
    missing: str | None
    peaks: list[PeakJson]
