"""The tables of devices and of what was read from them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, Table, Text, text

from ...core.activity import SUMS_AND_PEAKS
from ...core.point import Point
from ...energy.shares.policy import Use
from .parts import METADATA, joules, of_segment

DEVICE = Table(
    "device",
    METADATA,
    of_segment(),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("model", Text),
    Column("uuid", Text),
    Column("included_in_total", Integer, nullable=False),
    Column("max_power_w", Double, nullable=False),
    Column("gain", Double, nullable=False),
    Column("gain_class", Text, nullable=False),
    Column("note", Text),
    Column("covered_ns", BigInteger, server_default=text("0"), nullable=False),
    Column("idle_w", Double),
    Column("residual", Double),
    Column("update_period_ns", BigInteger),
    Column("offset_w", Double),
)
"""A device that draws power in a segment."""

SENSOR_STATE = Table(
    "sensor_state",
    METADATA,
    of_segment(),
    Column("device", Text, primary_key=True),
    Column("sensor", Text, primary_key=True),
    Column("raw", Text, nullable=False),
    Column("t_ns", BigInteger, nullable=False),
    Column("boot_id", Text, nullable=False),
)
"""The last raw value of a sensor."""

CURVE_POINT = Table(
    "curve_point",
    METADATA,
    of_segment(),
    Column("device", Text, primary_key=True),
    Column("t_ns", BigInteger, primary_key=True, autoincrement=False),
    *joules(*(name for name in Point._fields if name != "t_ns")),
)
"""A point of a device's energy curve."""

DEVICE_USE = Table(
    "device_use",
    METADATA,
    of_segment(),
    Column("device", Text, primary_key=True),
    Column("user_segment_id", Text, primary_key=True),
    *(Column(name, Double, nullable=False) for name in Use._fields),
)
"""What a rank has used of a device."""

ACTIVITY_POINT = Table(
    "activity_point",
    METADATA,
    of_segment(),
    *(Column("device", Text, primary_key=True), Column("t_ns", BigInteger, primary_key=True, autoincrement=False)),
    Column("seen_ms", BigInteger, nullable=False),
    *(Column(name, BigInteger) for name in SUMS_AND_PEAKS),
    *(Column("throttled", Text), Column("cpus", Double)),
)
"""What a device did until an instant, in sums."""
