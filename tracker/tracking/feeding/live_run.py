"""A run as its sinks see it: while it goes on, from memory; at its end, as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ...config import Config
from ...core.clock import Anchor, Clock
from ...core.point import Provenance
from ...core.run import Status
from ...core.sink import LiveDevice, LiveRun, SinkRun
from ...machine.process import Identity
from ...masking.text import hidden_in, scrubbed_name
from ..budgeting.live import Live
from .devices import LiveDevices, most

if TYPE_CHECKING:
    from ...core.contract import ShowJson

NS = 1e-9


def sink_run(run_id: str, config: Config, me: Identity, anchor: Anchor) -> SinkRun:
    """A run that begins, with the names that it is stored with."""
    return SinkRun(
        run_id=run_id,
        project=scrubbed_name(config.project),
        name=config.name and scrubbed_name(config.name),
        group=config.group and scrubbed_name(config.group),
        stage=config.stage,
        host=me.host,
        tags=hidden_in(config.tags),
        began_utc_s=anchor.utc_ns * NS,
    )


class Watched:
    """A run under way. `units` gives the work so far."""

    def __init__(self, live: Live, devices: LiveDevices, units: Callable[[], Mapping[str, int]], clock: Clock) -> None:
        self._live = live
        self._devices = devices
        self._units = units
        self._clock = clock
        self._begun_ns = clock.monotonic_ns()

    def now(self) -> LiveRun:
        """The run as it is now."""
        anchor = self._clock.anchor()
        forecast = self._live.forecast
        return LiveRun(
            utc_s=anchor.utc_ns * NS,
            seconds=(anchor.monotonic_ns - self._begun_ns) * NS,
            status=Status.RUNNING.value,
            energy_j=self._live.energy_j,
            power_w=self._live.power_w,
            carbon_g=self._live.carbon_g,
            units=self._units(),
            budget_share=self._live.budget_share,
            forecast_j=None if forecast is None or forecast.energy_j is None else forecast.energy_j.value,
            devices=self._devices.now(),
        )


def stored(view: ShowJson, host: str, last: LiveRun) -> LiveRun:
    """A run that has ended, as `show --json` prints it, with its devices on `host`. `last` is what was known while it went on."""
    run, energy, carbon = view["run"], view["energy"], view["carbon"]
    return last._replace(
        utc_s=last.utc_s if run["ended_at"] is None else datetime.fromisoformat(run["ended_at"]).timestamp(),
        seconds=last.seconds if run["duration_s"] is None else run["duration_s"],
        status=run["status"],
        energy_j=energy["total_j"],
        power_w=None,
        carbon_g=None if carbon is None else carbon["total_g"],
        units=view["work"],
        budget_share=None if view["budget"] is None else view["budget"]["share"],
        forecast_j=None,
        devices=tuple(
            LiveDevice(
                host=host,
                name=device["device"],
                kind=device["kind"],
                uuid=device["uuid"],
                model=device["model"],
                counts=device["included_in_total"],
                provenance=most({origin: device["provenance"][origin.value] for origin in Provenance}),
                energy_j=device["energy_j"],
                power_w=None,
            )
            for device in energy["devices"]
            if device["host"] == host
        ),
    )
