"""PURE: the floating-point operations of a run in words: how many, of a joule, and what part of the peak of its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....analysis.work.compute import NoPeak
from ....core.work import FLOPS
from ..quantities import amount, listed, percent, significant

if TYPE_CHECKING:
    from ....core.contract import ComputeJson

_PREFIXES = ((1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (0.0, ""))
_MISSING = {
    NoPeak.RANKS: "the operations of other ranks are not in this run",
    NoPeak.NO_GPU: "it has no GPU, and of processors no peak is known",
    NoPeak.NO_TIME: "its devices were read for no time",
}


def flop_text(value: float) -> str:
    """Operations with a prefix: "412 GFLOP"."""
    size, prefix = next(of for of in _PREFIXES if value >= of[0])
    return f"{significant(value / (size or 1.0))} {prefix}FLOP"


def rate_text(each_second: float, unit: str) -> str:
    """ "12.0 a second", "412 TFLOP/s"."""
    return f"{flop_text(each_second)}/s" if unit == FLOPS else f"{significant(each_second)} a second"


def per_joule_text(compute: ComputeJson) -> str | None:
    """ "412 GFLOP per joule (400–425)"; None if it is not known. An energy that may be 0 has no upper end."""
    each, low, high = compute["flop_per_j"], compute["flop_per_j_low"], compute["flop_per_j_high"]
    if each is None or low is None:
        return None
    size, prefix = next(of for of in _PREFIXES if each >= of[0])
    least, most = (None if end is None else significant(end / (size or 1.0)) for end in (low, high))
    return f"{significant(each / (size or 1.0))} {prefix}FLOP per joule ({f'≥ {least}' if most is None else f'{least}–{most}'})"


def utilisation_text(compute: ComputeJson) -> str:
    """ "38 %", or "unknown"."""
    return "unknown" if compute["mfu"] is None else percent(compute["mfu"])


def of_peak_text(compute: ComputeJson) -> str:
    """What the utilisation is of: "the bf16 peak of 8 × NVIDIA H100 SXM, 989 TFLOP/s each", or why it is not known."""
    precision = compute["precision"]
    if compute["missing"] is not None:
        return _missing_text(compute, NoPeak(compute["missing"]))
    peaks = [f"{p['devices']} × {p['row']}, {flop_text(p['peak_flop_per_s'] or 0.0)}/s each" for p in compute["peaks"]]
    sources = dict.fromkeys(p["source"] for p in compute["peaks"] if p["source"] is not None)
    said = f"of the {precision} peak of {listed(peaks)} ({'; '.join(sources)})"
    if (compute["mfu"] or 0.0) > 1:
        return f"{said}: more than the peak, so the operations or flops_precision are wrong"
    return said if compute["precision_given"] else f"{said}; {precision} stands in, because flops_precision is not set"


def _missing_text(compute: ComputeJson, missing: NoPeak) -> str:
    if missing is NoPeak.DEVICE:
        unknown = dict.fromkeys(p["model"] or "a GPU without a name" for p in compute["peaks"] if p["row"] is None)
        return f"the peak of {listed(unknown)} is not in the table"
    if missing is NoPeak.PRECISION:
        unknown = dict.fromkeys(p["row"] or "" for p in compute["peaks"] if p["peak_flop_per_s"] is None)
        return f"{listed(unknown)} has no figure for {compute['precision']}: set flops_precision to what the model computes in"
    return _MISSING[missing]


def compute_lines(compute: ComputeJson) -> list[str]:
    """ "3.20e15 FLOP, 412 GFLOP per joule (400–425)", and "model FLOP utilisation 38 % of the bf16 peak of …"."""
    each = per_joule_text(compute)
    whole = amount(compute["flops"], FLOPS)
    between = "" if compute["mfu"] is not None else ": "
    return [
        f"{whole}, {each}" if each else whole,
        f"model FLOP utilisation {utilisation_text(compute)}{between or ' '}{of_peak_text(compute)}",
    ]
