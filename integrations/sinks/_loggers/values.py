"""What the sinks of experiment loggers have in common: the values they log, what they say of a run, and when they log."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatt import ConfigurationError

from ..._names import BUDGET, CARBON, FORECAST, POWER, PREFIX, TOTAL, per

if TYPE_CHECKING:
    from trainwatt.core import LiveRun, SinkRun

PERIOD_S = 10.0
RUNNING, COMPLETED, FAILED = "running", "completed", "failed"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def values(live: LiveRun, host: str) -> dict[str, float]:
    """The figures of a run that are known, by their name in the loggers. `host`: its devices are called by their name alone."""
    return {name: float(value) for name, value in _figures(live, host) if value is not None}


def _figures(live: LiveRun, host: str) -> Iterator[tuple[str, float | None]]:
    for unit, amount in live.units.items():
        if live.energy_j is not None and amount:
            yield per(unit), live.energy_j / amount
    for device in live.devices:
        place = "" if device.host == host else f"{plain(device.host)}/"
        yield f"{PREFIX}{place}{plain(device.name)}_j", device.energy_j
        yield f"{PREFIX}{place}{plain(device.name)}_w", device.power_w
    yield TOTAL, live.energy_j
    yield POWER, live.power_w
    yield CARBON, live.carbon_g
    yield BUDGET, live.budget_share
    yield FORECAST, live.forecast_j


class Line(NamedTuple):
    """What a logger is given of a run at an instant. `utc_s` is Unix time, and `seconds` the time since the run began."""

    figures: Mapping[str, float]
    facts: Mapping[str, str]
    status: str
    utc_s: float
    seconds: float


def line(run: SinkRun, live: LiveRun) -> Line:
    """A run as it is now, for a logger."""
    return Line(values(live, run.host), facts(run, live.status), live.status, live.utc_s, live.seconds)


def plain(text: str) -> str:
    """A name that every logger takes, also as the name of a folder."""
    return _UNSAFE.sub("_", text).strip("._") or "_"


def facts(run: SinkRun, status: str | None = None) -> dict[str, str]:
    """What is said of a run beside its figures."""
    said = {"run_id": run.run_id, "project": run.project, "name": run.name, "group": run.group, "stage": run.stage, "status": status}
    return {f"trainwatt.{key}": value for key, value in said.items() if value is not None}


def title(run: SinkRun) -> str:
    """A name for the run in a logger, which no other run has."""
    return f"{plain(run.name or run.project)}-{run.run_id[:8]}"


def require(library: str) -> None:
    """Raises ConfigurationError if a library is not installed. It is not imported."""
    try:
        spec = None if library in sys.modules else find_spec(library)
    except (ImportError, ValueError):
        spec = None
    if sys.modules.get(library) is None and (spec is None or spec.origin is None):  # a mere folder of this name has no origin
        raise ConfigurationError(f"the sink {library} needs the package {library}: `pip install 'trainwatt[{library}]'`.")


def load(library: str, *modules: str) -> None:
    """Import what a sink needs of a library, before the training and not beside it. Raises ConfigurationError if that fails."""
    require(library)
    for module in modules:
        try:
            import_module(module)
        except Exception as error:  # the code is that of other packages
            raise ConfigurationError(f"the sink {library} cannot import {module}: {type(error).__name__}: {error}") from error


def loaded(library: str) -> Any | None:
    """A library if the program has imported it. Otherwise there is no run of it either."""
    return sys.modules.get(library)
