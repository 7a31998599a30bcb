"""A sink: where a run under way is shown beside what else people watch, such as TensorBoard or Prometheus. Types only, no I/O.

A package offers its sinks as entry points of the group `trainwatt.sinks`. Each is a function that takes the text after the name in
`sinks=["name=text"]`, empty if there is none, and returns a `Sink`. It raises ConfigurationError for a text that it cannot use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from .point import Provenance

GROUP = "trainwatt.sinks"


class SinkRun(NamedTuple):
    """The run that a sink is told of. `began_utc_s` is Unix time. `host` is the machine of this process, and `tags` are the user's."""

    run_id: str
    project: str
    name: str | None
    group: str | None
    stage: str
    host: str
    tags: Mapping[str, str]
    began_utc_s: float


class LiveDevice(NamedTuple):
    """A device of a run: the joules so far, and the mean watts of the last two seconds, None if they are not known (yet).

    `kind`: "gpu", "cpu", "dram" or "platform". `provenance`: where most of its joules come from. `counts`: whether they are in the total.
    """

    host: str
    name: str
    kind: str
    uuid: str | None
    model: str | None
    counts: bool
    provenance: Provenance
    energy_j: float
    power_w: float | None


class LiveRun(NamedTuple):
    """A run at an instant.

    `utc_s` is Unix time, and `seconds` the time since the run began. `energy_j`, `power_w`: of the whole run, None if they are not known
    (yet). `carbon_g`: grams of CO2e. `units`: the work so far, as {"samples": 640}. `budget_share`: the part of its budget that the run has
    used, None without one. `forecast_j`: the joules expected at its end, None if that is not known.

    `status` is "running" until the run has ended. Then all figures are final, and are those of `trainwatt show`.
    """

    utc_s: float
    seconds: float
    status: str
    energy_j: float | None
    power_w: float | None
    carbon_g: float | None
    units: Mapping[str, int]
    budget_share: float | None
    forecast_j: float | None
    devices: tuple[LiveDevice, ...]


class Sink(Protocol):
    """Shows runs somewhere. Each sink has a thread of its own, so it may wait; the training does not wait for it.

    What it raises is logged once and becomes an event of the run. It is called again later.
    """

    period_s: float
    """How many seconds lie between two calls of `write`."""
    per_host: bool
    """Whether each machine of a run has such a sink, which shows its own devices. Otherwise one process of the run has it."""

    def begin(self, run: SinkRun, now: Callable[[], LiveRun]) -> None:
        """The run begins. `now` may be called at any time, in any thread, until `end`; it takes microseconds."""

    def write(self, live: LiveRun) -> None:
        """Show the run as it is now. It is also called once with the final figures, before `end`."""

    def end(self) -> None:
        """Show no more, and close what is open."""
