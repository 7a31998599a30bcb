"""The best value of a metric that each of several runs has logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.metric import Better, Metric, better
from ...errors import ConfigurationError

if TYPE_CHECKING:
    from ...core.contract import MetricValueJson
    from ...storage.read.store import Store


def best_values(store: Store, run_ids: Sequence[str], name: str) -> dict[str, MetricValueJson]:
    """The value of a metric of each run that has logged it, by run. Raises StoreError."""
    return {run_id: _value(name, of) for run_id, of in store.metric(run_ids, name).items()}


def not_logged(store: Store, run_ids: Sequence[str], name: str) -> ConfigurationError:
    """The error that none of the runs has logged a metric. It names those that they have logged."""
    names = store.metric_names(run_ids)
    others = f"they have logged {', '.join(names)}" if names else "they have logged none: log it with tracker.log()"
    return ConfigurationError(f"--metric {name}: none of these runs has logged it; {others}")


def greatest_first(name: str) -> bool:
    """Whether an order by a metric begins with its greatest values: the best ones, or those if the name does not tell which are better."""
    return better(name) is not Better.LOWER


def _value(name: str, of: Sequence[Metric]) -> MetricValueJson:
    """The best value of a run, of which each process has logged one; the newest one if the name does not tell which values are better."""
    kind = better(name)
    if kind is Better.LOWER:
        return {"name": name, "value": min(metric.lowest for metric in of), "which": "lowest"}
    if kind is Better.HIGHER:
        return {"name": name, "value": max(metric.highest for metric in of), "which": "highest"}
    return {"name": name, "value": of[-1].last, "which": "last"}
