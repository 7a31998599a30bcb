"""The results of the sampling at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...core.activity import ActivityPoint
from ...core.run import Event
from ...core.sensing import Reading
from ...energy.integrator import DeviceIntegrator, DeviceSnapshot
from .channel import Channel


class LastReading(NamedTuple):
    """The last raw reading of a counter: a process that takes the sensor over continues from it."""

    device: str
    sensor: str
    reading: Reading


class Snapshot(NamedTuple):
    """Every part is of the same instant, and nothing in it changes any more.

    `devices` is by name; `events` are those since the snapshot before; `activity` has what each GPU did until now. `samples` counts rounds
    of readings and `missed` the ticks that were skipped; `cpu_s` and `startup_cpu_s` are the CPU seconds of the sampling thread.
    """

    devices: Mapping[str, DeviceSnapshot]
    counters: Sequence[LastReading]
    events: Sequence[Event]
    activity: Mapping[str, ActivityPoint]
    samples: int
    missed: int
    cpu_s: float
    startup_cpu_s: float


def snapshot_of(
    integrators: Mapping[str, DeviceIntegrator],
    channels: Sequence[Channel],
    own: Sequence[Event],
    activity: Mapping[str, ActivityPoint],
    *counts: *tuple[int, int, float, float],
) -> Snapshot:
    """The snapshot of these devices as they are now. `own` are the events of the sampling itself; `counts` are the last four fields."""
    events = [event for integrator in integrators.values() for event in integrator.take_events()]
    states = [LastReading(c.sensor.device.name, c.sensor.name, c.last) for c in channels if c.counts and c.last is not None]
    devices = {name: integrator.snapshot() for name, integrator in integrators.items()}
    return Snapshot(devices, states, [*events, *own], activity, *counts)
