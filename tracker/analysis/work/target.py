"""PURE: the energy that a run took until a metric reached a target."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...core.metric import MetricPoint
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ..over_time.used import Curves, offset_of, used_share

if TYPE_CHECKING:
    from ...core.contract import EnergySumJson, ReachedJson
    from ...storage.read.records import StoredRun

_WRITTEN = re.compile(r"\s*(?P<metric>.+?)\s*(?P<sign>>=|<=|≥|≤)\s*(?P<value>[^<>=≥≤]+?)\s*")


class Target(NamedTuple):
    """A value that a metric is to reach: at least this, or at most."""

    metric: str
    at_least: bool
    value: float

    def met_by(self, value: float) -> bool:
        """Whether a value of the metric is good enough."""
        return value >= self.value if self.at_least else value <= self.value

    def __str__(self) -> str:
        return f"{self.metric} {'≥' if self.at_least else '≤'} {self.value:g}"


def target_of(text: str) -> Target:
    """A target as a user writes it: "val_accuracy>=0.98", or "val_loss<=0.3". Raises ConfigurationError."""
    mend = 'give a metric, >= or <=, and a value, as in --to "val_accuracy>=0.98"'
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"--to {text!r}: it is no target; {mend}")
    try:
        value = float(found["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigurationError(f"--to {text!r}: {found['value']} is no number; {mend}")
    return Target(found["metric"], found["sign"] in (">=", "≥"), value)


def reached(
    stored: StoredRun, energy: EnergySumJson, curves: Curves, logged: Mapping[tuple[str, str], Sequence[MetricPoint]], target: Target
) -> ReachedJson | None:
    """When a run first reached a target, and what it had used by then. None if it never did, or has no energy. The range is the same part
    of the range of the run."""
    first = min(
        (
            (offset_ns + point.t_ns, point.value)
            for (segment_id, name), points in logged.items()
            if name == target.metric and (offset_ns := offset_of(stored, segment_id)) is not None
            for point in points
            if target.met_by(point.value)
        ),
        default=None,
    )
    share = None if first is None else used_share(stored, curves, first[0])
    if first is None or share is None or energy["total_j"] is None or energy["low_j"] is None or energy["high_j"] is None:
        return None
    return {
        "value": first[1],
        "after_s": max(0.0, (first[0] - stored.run.started_utc_ns) / NS_PER_S),
        "energy_j": share * energy["total_j"],
        "low_j": share * energy["low_j"],
        "high_j": share * energy["high_j"],
    }
