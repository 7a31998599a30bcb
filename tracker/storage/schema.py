"""The tables as SQLAlchemy models, for the reading side. `migrations/*.sql` is their source, and says what the columns mean."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Big = Annotated[int, mapped_column(BigInteger)]
Key = Annotated[str, mapped_column(Text, primary_key=True)]
IntKey = Annotated[int, mapped_column(Integer, primary_key=True, autoincrement=False)]
BigKey = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
Json = Annotated[str, mapped_column(Text, server_default=text("'{}'"))]
Blank = Annotated[str, mapped_column(Text, server_default=text("''"))]
Flag = Annotated[int, mapped_column(Integer, server_default=text("0"))]
Count = Annotated[int, mapped_column(BigInteger, server_default=text("0"))]
Sum = Annotated[float, mapped_column(Double, server_default=text("0"))]
OfRun = Annotated[str, mapped_column(Text, ForeignKey("run.id", ondelete="CASCADE"))]
OfSegment = Annotated[str, mapped_column(Text, ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)]

_STATUS = "status IN ('running', 'completed', 'failed', 'interrupted')"


class Base(DeclarativeBase):
    """Python's types stand for the portable SQL ones."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, int: Integer, float: Double}


class Run(Base):
    """What the user calls a run."""

    __tablename__ = "run"
    __table_args__ = (CheckConstraint(_STATUS), Index("run_by_start", "started_utc_ns"))
    id: Mapped[Key]
    project: Mapped[str]
    name: Mapped[str | None]
    group_name: Mapped[str | None]
    stage: Mapped[str | None]
    status: Mapped[str]
    end_reason: Mapped[str | None]
    started_utc_ns: Mapped[Big]
    ended_utc_ns: Mapped[Big | None]
    last_seen_utc_ns: Mapped[Big]
    duration_s: Mapped[float | None]
    host: Mapped[str]
    command: Mapped[str | None]
    git_commit: Mapped[str | None]
    tags: Mapped[Json]
    external: Mapped[Json]
    zone: Mapped[str | None]
    settings: Mapped[Json]
    version: Mapped[str]


class Segment(Base):
    """One process of a run."""

    __tablename__ = "segment"
    __table_args__ = (CheckConstraint(_STATUS), CheckConstraint("role IN ('owner', 'joined')"), Index("segment_by_run", "run_id"))
    id: Mapped[Key]
    run_id: Mapped[OfRun]
    role: Mapped[str]
    host: Mapped[str]
    boot_id: Mapped[str]
    pid_namespace: Mapped[str]
    pid: Mapped[int]
    start_ticks: Mapped[Big]
    rank: Mapped[int | None]
    restart: Mapped[Flag]
    started_utc_ns: Mapped[Big]
    ended_utc_ns: Mapped[Big | None]
    last_seen_utc_ns: Mapped[Big]
    start_t_ns: Mapped[Big]
    end_t_ns: Mapped[Big | None]
    status: Mapped[str]
    end_reason: Mapped[str | None]
    period_s: Mapped[float]
    samples: Mapped[Count]
    missed: Mapped[Count]
    cpu_s: Mapped[Sum]
    startup_cpu_s: Mapped[Sum]


class Device(Base):
    """What draws power in a segment."""

    __tablename__ = "device"
    segment_id: Mapped[OfSegment]
    name: Mapped[Key]
    kind: Mapped[str]
    model: Mapped[str | None]
    uuid: Mapped[str | None]
    included_in_total: Mapped[int]
    max_power_w: Mapped[float]
    gain: Mapped[float]
    gain_class: Mapped[str]
    note: Mapped[str | None]
    covered_ns: Mapped[Count]
    idle_w: Mapped[float | None]
    residual: Mapped[float | None]
    update_period_ns: Mapped[Big | None]


class SensorState(Base):
    """The last raw value of a sensor."""

    __tablename__ = "sensor_state"
    segment_id: Mapped[OfSegment]
    device: Mapped[Key]
    sensor: Mapped[Key]
    raw: Mapped[str]
    t_ns: Mapped[Big]
    boot_id: Mapped[str]


class CurvePoint(Base):
    """A point of a device's energy curve."""

    __tablename__ = "curve_point"
    segment_id: Mapped[OfSegment]
    device: Mapped[Key]
    t_ns: Mapped[BigKey]
    counter_j: Mapped[float]
    power_j: Mapped[float]
    imputed_j: Mapped[float]
    modelled_j: Mapped[float]
    slack_low_j: Mapped[float]
    slack_high_j: Mapped[float]
    edge_low_j: Mapped[float]
    edge_high_j: Mapped[float]


class Phase(Base):
    """One instance of a phase."""

    __tablename__ = "phase"
    __table_args__ = (
        Index("phase_by_run", "run_id"),
        Index("phase_pending", "run_id", sqlite_where=text("resolved IS NULL"), postgresql_where=text("resolved IS NULL")),
    )
    segment_id: Mapped[OfSegment]
    seq: Mapped[IntKey]
    run_id: Mapped[OfRun]
    parent_seq: Mapped[int | None]
    name: Mapped[str]
    step: Mapped[Big | None]
    start_t_ns: Mapped[Big]
    end_t_ns: Mapped[Big | None]
    start_utc_ns: Mapped[Big]
    synchronized: Mapped[Flag]
    exact: Mapped[Flag]
    resolved: Mapped[int | None]


class PhaseEnergy(Base):
    """What one device used in one phase instance."""

    __tablename__ = "phase_energy"
    segment_id: Mapped[OfSegment]
    seq: Mapped[IntKey]
    device: Mapped[Key]
    owner_segment_id: Mapped[str]
    energy_j: Mapped[float]
    slack_low_j: Mapped[float]
    slack_high_j: Mapped[float]
    edge_low_j: Mapped[float]
    edge_high_j: Mapped[float]


class PhaseFold(Base):
    """Instances of a phase that are no longer kept one by one."""

    __tablename__ = "phase_fold"
    segment_id: Mapped[OfSegment]
    name: Mapped[Key]
    count: Mapped[Big]
    duration_ns: Mapped[Big]
    first_start_utc_ns: Mapped[Big]
    unresolved: Mapped[Big]
    synchronized: Mapped[Big]
    exact: Mapped[Big]


class PhaseFoldEnergy(Base):
    """What one device used in them."""

    __tablename__ = "phase_fold_energy"
    segment_id: Mapped[OfSegment]
    name: Mapped[Key]
    owner_segment_id: Mapped[Key]
    device: Mapped[Key]
    energy_j: Mapped[float]
    slack_low_j: Mapped[float]
    slack_high_j: Mapped[float]
    edge_low_j: Mapped[float]
    edge_high_j: Mapped[float]


class Work(Base):
    """Samples or tokens processed."""

    __tablename__ = "work"
    segment_id: Mapped[OfSegment]
    unit: Mapped[Key]
    phase: Mapped[Key]
    amount: Mapped[Big]


class Inventory(Base):
    """A piece of hardware that was found."""

    __tablename__ = "inventory"
    run_id: Mapped[OfRun] = mapped_column(primary_key=True)
    host: Mapped[Key]
    kind: Mapped[Key]
    name: Mapped[Key]
    detail: Mapped[Json]


class Event(Base):
    """Anything that happened to a sensor or to the run."""

    __tablename__ = "event"
    segment_id: Mapped[OfSegment]
    seq: Mapped[IntKey]
    device: Mapped[str | None]
    kind: Mapped[str]
    t_ns: Mapped[Big]
    utc_ns: Mapped[Big]
    detail: Mapped[str]


class ClockAnchor(Base):
    """The same instant on three clocks."""

    __tablename__ = "clock_anchor"
    segment_id: Mapped[OfSegment]
    monotonic_ns: Mapped[BigKey]
    utc_ns: Mapped[Big]
    boottime_ns: Mapped[Big]


class Finding(Base):
    """What became of one source of readings at discovery."""

    __tablename__ = "finding"
    segment_id: Mapped[OfSegment]
    seq: Mapped[IntKey]
    source: Mapped[str]
    availability: Mapped[str]
    what: Mapped[str]
    detail: Mapped[str]
    remedy: Mapped[Blank]
    worth: Mapped[Blank]


class GridIntensity(Base):
    """What a grid emits per kWh, cached."""

    __tablename__ = "grid_intensity"
    provider: Mapped[Key]
    zone: Mapped[Key]
    basis: Mapped[Key]
    start_utc_ns: Mapped[BigKey]
    end_utc_ns: Mapped[Big]
    g_per_kwh: Mapped[float]
    estimated: Mapped[Flag]
    fetched_utc_ns: Mapped[Big]


class Footprint(Base):
    """A footprint as it was computed once."""

    __tablename__ = "footprint"
    __table_args__ = (Index("footprint_by_run", "run_id"),)
    id: Mapped[Key]
    run_id: Mapped[OfRun]
    created_utc_ns: Mapped[Big]
    inputs: Mapped[str]
    result: Mapped[str]
