"""The results of the sampling at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...core.run import Event
from ...core.sensing import Reading
from ...energy.integrator import DeviceSnapshot


class LastReading(NamedTuple):
    """The last raw reading of a counter: a process that takes the sensor over continues from it."""

    device: str
    sensor: str
    reading: Reading


class Snapshot(NamedTuple):
    """Every part is of the same instant, and nothing in it changes any more.

    `devices` is by name; `events` are those since the snapshot before. `samples` counts rounds of readings and `missed` the ticks that
    were skipped; `cpu_s` and `startup_cpu_s` are the CPU seconds of the sampling thread.
    """

    devices: Mapping[str, DeviceSnapshot]
    counters: Sequence[LastReading]
    events: Sequence[Event]
    samples: int
    missed: int
    cpu_s: float
    startup_cpu_s: float
