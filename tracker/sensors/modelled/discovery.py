"""Modelled processors and memory, where no sensor measures them: power from utilisation and size, labelled, with a range.

The model covers what the run's control group may use, not the whole host. Without such limits it covers the whole machine, because a
package counter measures the whole package too.

A container may show its own processors only, and a job's CPU time may be counted for another group. So a CPU time counts only against the
limit of the same group. If none can be read, the utilisation is unknown, and the range is from idle to full.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from ...core.point import Provenance
from ...core.sensing import Availability, Device, DeviceKind, Discovery, DiscoveryRequest, Finding, Gauge, Missed, StandIn
from ...errors import ReadError
from ...machine.cgroup import Cgroup, CpuShare
from ...machine.files import read_text
from ...machine.host import machine_cpus, processor
from ...machine.proc import busy_ticks, busy_ticks_of, count_of, memory_total_bytes, online_cpus
from . import power_model
from .microarchitecture import microarchitecture
from .power_model import PowerModel

SOURCE = "model"
_PERIOD_S = 0.2  # the kernel counts CPU time in hundredths of a second, which is too coarse for a shorter interval
_SHORTEST_S = 0.05
_BYTES_PER_GIB = 1024.0**3
MOST_W = 10_000.0
"""No host's processors draw as much, and no host's memory does. The largest node of 2025 with GPUs is rated at 14 kW, most of it for the
GPUs. A model that says more has a wrong input."""
_CONTAINED_NOTE = "not in the total: the GPU's module may contain it"


class ModelSensor:
    """A modelled power gauge, in watts: the mean since the previous read, or since the sensor was made."""

    name = "model"
    period_s: float | None = _PERIOD_S

    def __init__(self, device: Device, model: PowerModel, utilisation: Callable[[], float]) -> None:
        self.device = device
        self.kind = Gauge("interval", provenance=Provenance.MODELLED, low_factor=model.low_factor, high_factor=model.high_factor)
        self._model = model
        self._utilisation = utilisation

    def read(self) -> float:
        """Central watts; the gauge's factors bound them. Raises ReadError if the utilisation cannot be read."""
        return self._model.watts(self._utilisation())

    def holder_pids(self) -> None:
        """No process holds a model."""
        return None

    def close(self) -> None:
        """Nothing is open."""


class Utilisation:
    """The busy share of `cpus` processors since the previous call, from 0 to 1. `busy_s` returns cumulative CPU seconds."""

    def __init__(self, busy_s: Callable[[], float | None], cpus: float, now: Callable[[], float] = time.monotonic) -> None:
        self._busy_s, self._cpus, self._now = busy_s, cpus, now
        self._last = 0.0
        self._t, self._busy = now(), busy_s()

    def __call__(self) -> float:
        """Raises ReadError if the CPU time cannot be read. The next call then covers the gap."""
        t, busy = self._now(), self._busy_s()
        if busy is None:
            raise ReadError("CPU time cannot be read, neither of the control group nor of the machine")
        if self._busy is None:
            self._t, self._busy = t, busy
        elif t - self._t >= _SHORTEST_S:  # in a shorter time, one tick of the CPU clock is a large error
            self._last = min(1.0, max(0.0, (busy - self._busy) / ((t - self._t) * self._cpus)))
            self._t, self._busy = t, busy
        return self._last


def discover(request: DiscoveryRequest, measured: Collection[DeviceKind], tdp_w: float | None = None, contained: bool = False) -> Discovery:
    """A modelled `cpu` and `dram`, each only if its kind is not in `measured`, with a finding for each. Raises nothing.

    `tdp_w` is the rated power of all packages, if known. `contained`: a measured device may contain them (the module of a superchip), so
    they are not in the total.
    """
    found = Discovery()
    cgroup = Cgroup(request.sysfs, request.procfs)
    if "cpu" not in measured:
        _add_cpu(request, cgroup, tdp_w, contained, found)
    if "dram" not in measured:
        _add_dram(request, cgroup, contained, found)
    return found


class _Processors(NamedTuple):
    """The processors that the run may use, how many the machine has, and how many /proc/stat lists. `busy_s`: the CPU time of `counted` of
    them; None if it cannot be read for the same ones."""

    allowed: float
    machine: int
    listed: int
    busy_s: Callable[[], float | None] | None
    counted: float


def _processors(request: DiscoveryRequest, cgroup: Cgroup) -> _Processors:
    stat = Path(request.procfs, "stat")
    listed = online_cpus(read_text(stat))
    machine = max(machine_cpus(request.sysfs, request.procfs), cgroup.widest_cpus())
    share = cgroup.cpu_share() or CpuShare(float(machine), None)
    allowed = min(share.cpus, float(listed))

    def of_those_listed() -> float | None:
        return _seconds(busy_ticks(read_text(stat)))

    def of_the_set() -> float | None:
        return _seconds(busy_ticks_of(read_text(stat), share.processors or ()))

    if allowed >= machine:  # the whole machine
        return _Processors(allowed, machine, listed, of_those_listed, float(listed))
    if share.cpus <= listed and share.usage_s() is not None:
        return _Processors(allowed, machine, listed, share.usage_s, share.cpus)
    if share.cpus > listed or (share.cpus == listed and share.processors is not None):  # a container lists its own
        return _Processors(allowed, machine, listed, of_those_listed, float(listed))
    if share.processors is not None and of_the_set() is not None:
        return _Processors(allowed, machine, listed, of_the_set, float(count_of(share.processors)))
    return _Processors(allowed, machine, listed, None, allowed)


def _add_cpu(request: DiscoveryRequest, cgroup: Cgroup, tdp_w: float | None, contained: bool, found: Discovery) -> None:
    cpus = _processors(request, cgroup)
    if not cpus.listed:
        stat = Path(request.procfs, "stat")
        found.findings.append(_nothing("cpu", f"{stat} names no processor: the energy of the CPU is not counted"))
        return
    cpu = processor(request.procfs)
    if tdp_w is not None:
        model = power_model.cpu_from_tdp(tdp_w, cpus.allowed / cpus.machine)
    else:
        model = power_model.cpu_from_generation(microarchitecture(cpu), cpus.allowed)
    whose = f" within its control group ({cpus.allowed:g} of {cpus.machine} CPUs)" if cpus.allowed < cpus.machine else ""
    how = f"utilisation{whose}"
    if cpus.listed < cpus.machine:
        model = model.widened(power_model.UNKNOWN_CORES_FACTOR)
        how += f", of which /proc/stat lists {cpus.listed}"
    if cpus.busy_s is None:
        model = model.at_unknown_utilisation()
        how = f"its size{whose}; their CPU time cannot be read (that of another group does not count), so the range is from idle to full"
    utilisation = (lambda: 0.0) if cpus.busy_s is None else Utilisation(cpus.busy_s, cpus.counted)
    _add("cpu", cpu.name or None, model, utilisation, how, contained, found)


def _add_dram(request: DiscoveryRequest, cgroup: Cgroup, contained: bool, found: Discovery) -> None:
    size = _memory(request, cgroup)
    if size is None:
        found.findings.append(_nothing("dram", "the size of the memory is unknown: its energy is not counted"))
        return
    how = "the memory limit of its control group" if size[1] else "the machine's memory"
    _add("dram", None, power_model.dram(size[0] / _BYTES_PER_GIB), lambda: 0.0, how, contained, found)


def memory_stand_in(request: DiscoveryRequest, parts: int) -> StandIn | None:
    """The model of one of `parts` equal parts of the memory, for a counter that never moves. None if the size is unknown."""
    size = _memory(request, Cgroup(request.sysfs, request.procfs))
    if size is None:
        return None
    model = power_model.dram(size[0] / parts / _BYTES_PER_GIB)
    if model.watts(1.0) * parts > MOST_W:
        return None
    return StandIn(model.watts(0.0), model.low_factor, model.high_factor, model.words)


def _memory(request: DiscoveryRequest, cgroup: Cgroup) -> tuple[int, bool] | None:
    """The bytes of memory that the run may use, and whether its control group limits them. None if nothing tells."""
    total = memory_total_bytes(read_text(Path(request.procfs, "meminfo")))
    limit = cgroup.memory_limit_bytes()
    sizes = [size for size in (total, limit) if size]
    return (min(sizes), min(sizes) == limit) if sizes else None


def _add(
    kind: DeviceKind,
    part: str | None,
    model: PowerModel,
    utilisation: Callable[[], float],
    how: str,
    contained: bool,
    found: Discovery,
) -> None:
    if model.watts(1.0) > MOST_W:
        _refuse(kind, model, how, contained, found)
        return
    bounds = f"×{model.low_factor:.2g} to ×{model.high_factor:.2g}"
    note = f"modelled from {how}: {model.words}, {bounds}" + (f"; {_CONTAINED_NOTE}" if contained else "")
    device = Device(
        name=kind,
        kind=kind,
        max_power_w=model.max_w,
        gain=0.0,  # the factors contain the error of the model
        gain_class="model",
        model=part,
        included_in_total=not contained,
        note=note,
    )
    found.sensors.append(ModelSensor(device, model, utilisation))
    found.findings.append(Finding(SOURCE, Availability.OK, kind, note, devices=(kind,)))


def _refuse(kind: DeviceKind, model: PowerModel, how: str, contained: bool, found: Discovery) -> None:
    """Leave out a device whose model has an input that cannot be true."""
    detail = (
        f"modelled from {how}: {model.words}. That would be {model.watts(1.0) / 1000:,.0f} kW, and no host has a {kind} of more than"
        f" {MOST_W / 1000:.0f} kW: its energy is not counted"
    )
    remedy = "Compare these figures with the machine. Where TRAINWATT_PROCFS or TRAINWATT_SYSFS is set, it must name the host's own tree."
    found.findings.append(Finding(SOURCE, Availability.BROKEN, kind, detail, remedy))
    if not contained:
        missed = Device(name=kind, kind=kind, max_power_w=MOST_W, gain=0.0, gain_class="model")
        found.missed.append(Missed(missed, Availability.BROKEN, detail))


def _nothing(what: str, detail: str) -> Finding:
    return Finding(SOURCE, Availability.ABSENT, what, detail)


def _seconds(ticks: int | None) -> float | None:
    """Seconds of the CPU clock; None stays None."""
    return None if ticks is None else ticks / os.sysconf("SC_CLK_TCK")
