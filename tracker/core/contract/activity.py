"""PURE: what the devices of a run did, in `show --json`."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class ActivityJson(TypedDict):
    """What a GPU did during a run; None for what its driver does not tell. Times are in seconds.

    `busy_fraction` is the share of the time in which a kernel ran, with its 95 % interval: the driver is asked about once a second for the
    mean over its last sample period. It and the other means are over `seen_s`, the part of the run in which the GPU was looked at.
    `throttled_s` has the seconds by `Throttle`; several reasons may hold at once."""

    seen_s: float
    busy_s: float | None
    busy_fraction: float | None
    busy_low: float | None
    busy_high: float | None
    memory_busy_fraction: float | None
    sm_clock_mhz: float | None
    memory_clock_mhz: float | None
    throttled_s: dict[str, float] | None
    temperature_c: float | None
    temperature_max_c: float | None
    memory_bytes: float | None
    memory_max_bytes: float | None
    power_limit_w: float | None


class ProcessorsJson(TypedDict):
    """How busy the processors of a host were during a run. `of`: "cgroup" for the CPU time of the control group of the run, which may use
    `cpus` processors, or "machine" for that of all processes of the machine. CPU time is counted, so there is no interval.
    `busy_now_fraction` is that of the last seconds; only a run that is watched has it."""

    host: str
    of: str
    cpus: float
    seen_s: float
    busy_cpu_s: float
    busy_fraction: float
    busy_now_fraction: NotRequired[float | None]
