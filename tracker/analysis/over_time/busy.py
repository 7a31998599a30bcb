"""PURE: how busy the GPUs and the processors of a run were over time, on the axis of its power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...core.activity import ActivityPoint
from ...energy.shares.policy import CGROUP, MACHINE
from .outlines import Key
from .timeline import Clock, Curve, watts

MS = 1e-3


class Lane(NamedTuple):
    """The busy share of some devices of a kind ("gpu" or "cpu"), from 0 to 1, by bin of time; None where it is not known."""

    label: str
    kind: str
    shares: list[float | None]


def lanes(points: Mapping[Key, Sequence[ActivityPoint]], clocks: Mapping[str, Clock], cuts: Sequence[float]) -> list[Lane]:
    """A lane for all GPUs, which is their mean, and one for the processors. `cuts` are the ends of the bins; empty without any."""
    known = {key: of for key, of in points.items() if key[0] in clocks and len(of) > 1 and of[-1].busy_ms is not None}
    gpus = {key: of for key, of in known.items() if key[1] not in (CGROUP, MACHINE)}
    names = {name for _, name in gpus}
    label = f"mean of {len(names)} GPUs" if len(names) > 1 else next(iter(names), "")
    of_kind = (
        (label, "gpu", gpus),
        ("processors", "cpu", {key: of for key, of in known.items() if key not in gpus}),
    )
    return [Lane(name, kind, _shares(found, clocks, cuts)) for name, kind, found in of_kind if found and cuts]


def _shares(points: Mapping[Key, Sequence[ActivityPoint]], clocks: Mapping[str, Clock], cuts: Sequence[float]) -> list[float | None]:
    busy = [_curve(clocks[segment_id], of, ((p.busy_ms or 0.0) / (p.cpus or 1.0) for p in of)) for (segment_id, _), of in points.items()]
    seen = [_curve(clocks[segment_id], of, (p.seen_ms for p in of)) for (segment_id, _), of in points.items()]
    both = zip(watts(busy, cuts), watts(seen, cuts), strict=True)
    return [None if b is None or not s else min(1.0, max(0.0, b / s)) for b, s in both]


def _curve(clock: Clock, points: Sequence[ActivityPoint], sums_ms: Iterable[float]) -> Curve:
    """Sums as a curve that grows by 1 a second where it is all of the time."""
    return [(clock.seconds(p.t_ns), ms * MS) for p, ms in zip(points, sums_ms, strict=True)]
