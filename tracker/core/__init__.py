"""It belongs here if it is a type or a unit that two or more packages use. Nothing here does I/O.

What is listed in `__all__` is public: a sensor or sink of your own imports it from `trainwatt.core`. All else in this package is private.
"""

from __future__ import annotations

from ..errors import ReadError, SensorLostError
from .point import Provenance
from .sensing import Availability, Counter, Device, DeviceKind, Discovery, DiscoveryRequest, Finding, Gauge, Reading, Sensor
from .sink import LiveDevice, LiveRun, Sink, SinkRun
from .work import singular

__all__ = [
    "Availability",
    "Counter",
    "Device",
    "DeviceKind",
    "Discovery",
    "DiscoveryRequest",
    "Finding",
    "Gauge",
    "LiveDevice",
    "LiveRun",
    "Provenance",
    "ReadError",
    "Reading",
    "Sensor",
    "SensorLostError",
    "Sink",
    "SinkRun",
    "singular",
]
