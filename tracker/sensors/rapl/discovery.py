"""CPU and DRAM energy through Linux's powercap files (RAPL), Intel and AMD.

A zone is identified by its `name` file, never by its number. Packages count. DRAM is listed under its package but is not part of it, so it
counts too. Core and uncore are parts of a package and do not count. Psys contains the packages, so it is not in the total.

A package of several dies has one zone a die. On Intel each die has its own counter, and each counts. On AMD and Hygon every die shows the
one counter of the socket, so one zone a package counts (Linux, drivers/powercap/intel_rapl_common.c: the package counter of AMD and Hygon
has the scope of the package, not of the die).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.sensing import Availability, Device, DeviceKind, Discovery, DiscoveryRequest, Finding, Missed
from ...errors import ReadError
from ...machine.files import read_int, read_text
from ...machine.host import processor
from . import remedies
from .reader import RaplSensor, counter_of

SOURCE = "powercap"
_ZONE = re.compile(r"intel-rapl(-mmio)?(:[0-9a-f]+)+")  # powercap numbers its zones in hexadecimal
_PACKAGE = re.compile(r"(package-\d+)(-die-\d+)?")
_MIRRORING = ("AuthenticAMD", "HygonGenuine")
"""Makes of processors whose dies all show the counter of their socket."""
_CONSTRAINT = re.compile(r"constraint_\d+_(power_limit|max_power)_uw")

_PLATFORM_NOTE = "the whole platform: it contains the packages, so it is not in the total"

# If no limit can be read: more than any part sold in 2025 draws (the largest server packages are rated at 500 W).
_UNKNOWN_MAX_W: dict[DeviceKind, float] = {"cpu": 1000.0, "dram": 200.0, "platform": 2000.0}
# Short peaks exceed a limit that a user or a laptop maker has set low.
_LEAST_MAX_W: dict[DeviceKind, float] = {"cpu": 150.0, "dram": 60.0, "platform": 300.0}
_PEAK_FACTOR = 1.2  # the limits apply to the average over their time window, not to every instant
_ONE_LIMIT_FACTOR = 1.5  # the short-term limit is unknown; Intel's default is 1.2 to 1.25 times the long-term one


@dataclass(frozen=True, slots=True)
class Zone:
    """A powercap zone: `zone_id` such as "intel-rapl:0:1", `label` the content of its `name` file, `path` its resolved folder."""

    zone_id: str
    label: str
    path: Path

    @property
    def parent_id(self) -> str:
        """The id of the parent zone."""
        return self.zone_id.rpartition(":")[0]

    @property
    def order(self) -> tuple[str, list[int]]:
        """What zones are sorted by: their numbers, not their text."""
        control, *numbers = self.zone_id.split(":")
        return control, [int(number, 16) for number in numbers]

    @property
    def is_mmio(self) -> bool:
        """Whether it reads the memory-mapped registers, which duplicate the model-specific ones."""
        return self.zone_id.startswith("intel-rapl-mmio")


@dataclass(slots=True)
class _Candidate:
    """A device and the zones that measure it, the preferred one first."""

    name: str
    kind: DeviceKind
    zones: list[Zone]


def discover(request: DiscoveryRequest) -> Discovery:
    """Find the RAPL counters below `request.sysfs`, with a finding for each device, or one that says why there is none. Raises nothing."""
    zones, dangling = find_zones(request.sysfs)
    found = Discovery()
    candidates = _candidates(zones, _dies_mirror(request), found)
    if not candidates and not found.findings:
        unknown = [f"{zone.zone_id} ({zone.label or 'no name'})" for zone in zones]
        found.findings.append(remedies.unknown_zones(unknown) if unknown else remedies.nothing_found(request, dangling))
        return found
    denied: list[_Candidate] = []
    for candidate in candidates:
        outcome = _open(candidate, request.gains.get(candidate.kind, 0.0))
        if isinstance(outcome, RaplSensor):
            found.sensors.append(outcome)
            found.findings.append(_ok(outcome, candidate))
        elif outcome is None:
            denied.append(candidate)
        else:
            found.findings.append(outcome)
            found.missed += _missed(candidate, outcome)
    if denied:
        finding = remedies.denied([candidate.name for candidate in denied])
        found.findings.append(finding)
        found.missed += [missed for candidate in denied for missed in _missed(candidate, finding)]
    return found


def _missed(candidate: _Candidate, finding: Finding) -> list[Missed]:
    """A counter that cannot be read, if its energy would be in the total."""
    if candidate.kind == "platform":
        return []
    return [Missed(_device(candidate, candidate.zones[0], 0.0), finding.availability, finding.detail)]


def package_limit_w(request: DiscoveryRequest) -> float | None:
    """The sum over packages of the long-term power limit (by default the TDP), in watts, for a model of unreadable packages.

    None if there is no package, or the limit of one cannot be read or is more than any package draws.
    """
    zones, _ = find_zones(request.sysfs)
    mirror = _dies_mirror(request)
    packages: dict[str, list[Zone]] = {}
    for zone in zones:
        if (name := _package(zone, mirror)) is not None:
            packages.setdefault(name, []).append(zone)
    limits = [_first(read_int(z.path / "constraint_0_power_limit_uw") for z in twins) for twins in packages.values()]
    known = [limit for limit in limits if limit and limit / 1e6 <= _UNKNOWN_MAX_W["cpu"]]
    return sum(known) / 1e6 if known and len(known) == len(limits) else None


def find_zones(sysfs: str) -> tuple[list[Zone], list[str]]:
    """Every zone below <sysfs>/class/powercap, each once, sorted by number; and the entries whose links are dangling."""
    zones: dict[str, Zone] = {}
    dangling: list[str] = []
    for folder in _rapl_entries(Path(sysfs, "class", "powercap")):
        if not folder.exists():
            dangling.append(folder.name)
            continue
        for zone in _walk(folder.resolve(), set()):
            zones.setdefault(zone.zone_id, zone)
    return sorted(zones.values(), key=lambda zone: zone.order), dangling


def _walk(folder: Path, seen: set[Path]) -> Iterator[Zone]:
    if folder in seen:
        return
    seen.add(folder)
    if _ZONE.fullmatch(folder.name):
        yield Zone(folder.name, read_text(folder / "name"), folder)
    for entry in _rapl_entries(folder):
        if entry.is_dir():
            yield from _walk(entry.resolve(), seen)


def _rapl_entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.name.startswith("intel-rapl"))
    except OSError:
        return []


def _candidates(zones: list[Zone], mirror: bool, found: Discovery) -> list[_Candidate]:
    """The devices that the zones measure. A device in both interfaces is one candidate, with the MSR zone first; so is a package whose dies
    `mirror` one counter, with its first die first."""
    by_id = {zone.zone_id: zone for zone in zones}
    candidates: dict[str, _Candidate] = {}
    for zone in sorted(zones, key=lambda z: z.is_mmio):
        device = _device_of(zone, by_id, mirror)
        if device is None:
            continue
        name, kind = device
        candidate = candidates.setdefault(name, _Candidate(name, kind, []))
        if any(_are_one_place(other, zone, by_id) for other in candidate.zones):
            text = f"{zone.zone_id} and {candidate.zones[0].zone_id} are both named {name}; only the latter is counted"
            found.findings.append(Finding(SOURCE, Availability.BROKEN, zone.zone_id, text, devices=(name,)))
            continue
        candidate.zones.append(zone)
    return list(candidates.values())


def _are_one_place(one: Zone, other: Zone, by_id: dict[str, Zone]) -> bool:
    """Whether two zones claim to be the same die of the same package in one interface, which no kernel does."""
    labels = [(zone.label, by_id[zone.parent_id].label if zone.parent_id in by_id else "") for zone in (one, other)]
    return one.is_mmio == other.is_mmio and labels[0] == labels[1]


def _dies_mirror(request: DiscoveryRequest) -> bool:
    """Whether the dies of a package all show the counter of their socket."""
    return processor(request.procfs).vendor in _MIRRORING


def _package(zone: Zone, mirror: bool) -> str | None:
    """The name of the package or die that a zone is; None for other zones. Dies that `mirror` one counter are one package."""
    match = _PACKAGE.fullmatch(zone.label)
    return None if match is None else match[1] if mirror else zone.label


def _device_of(zone: Zone, by_id: dict[str, Zone], mirror: bool) -> tuple[str, DeviceKind] | None:
    """The device that a zone measures; None for parts of the parent (core, uncore) and for unknown zones."""
    if (package := _package(zone, mirror)) is not None:
        return package, "cpu"
    if zone.label == "dram":
        parent = by_id.get(zone.parent_id)
        if parent is not None and (package := _package(parent, mirror)) is not None:
            return "dram" + package.removeprefix("package"), "dram"
        return f"dram-{zone.zone_id.partition(':')[2]}", "dram"
    return ("psys", "platform") if zone.label == "psys" else None


def _open(candidate: _Candidate, gain: float) -> RaplSensor | Finding | None:
    """The sensor of the first readable zone; else None if permission is missing, or a finding that says what is wrong."""
    problem: str | None = None
    denied = False
    for zone in candidate.zones:
        device = _device(candidate, zone, gain)
        try:
            return RaplSensor(zone.path / "energy_uj", device, counter_of(read_int(zone.path / "max_energy_range_uj")))
        except ReadError as e:
            problem = str(e)
        except OSError as e:
            denied = denied or e.errno in (errno.EACCES, errno.EPERM)
            problem = f"{zone.path / 'energy_uj'}: {e.strerror or e}"
    return None if denied else remedies.broken(candidate.name, problem or "")


def _device(candidate: _Candidate, zone: Zone, gain: float) -> Device:
    return Device(
        name=candidate.name,
        kind=candidate.kind,
        max_power_w=_max_power_w(zone, candidate.kind),
        gain=gain,
        gain_class=candidate.kind,
        included_in_total=candidate.kind != "platform",
        note=_PLATFORM_NOTE if candidate.kind == "platform" else None,
    )


def _max_power_w(zone: Zone, kind: DeviceKind) -> float:
    """The most that the zone can draw, in watts: more than its largest limit, and plausible for such a device."""
    limits = {p.name: read_int(p) for p in zone.path.glob("constraint_*_uw") if _CONSTRAINT.fullmatch(p.name)}
    sane = {name: w / 1e6 for name, w in limits.items() if w and w / 1e6 <= _UNKNOWN_MAX_W[kind]}
    if not sane:
        return _UNKNOWN_MAX_W[kind]
    factor = _PEAK_FACTOR if len(sane) > 1 else _ONE_LIMIT_FACTOR
    return max(_LEAST_MAX_W[kind], factor * max(sane.values()))


def _ok(sensor: RaplSensor, candidate: _Candidate) -> Finding:
    device, counter = sensor.device, sensor.kind
    if counter.modulus is None:
        wraps = "its range cannot be read, so a wrap is booked as a gap"
    else:
        seconds = counter.modulus * counter.unit_j / device.max_power_w
        wraps = f"wraps at {counter.modulus * counter.unit_j / 1e3:,.1f} kJ, {seconds:,.0f} s at {device.max_power_w:,.0f} W"
    slow = "; slow to read, so reads release the GIL" if sensor.releases_gil else ""
    dies = len({zone.label for zone in candidate.zones})
    mirrored = f"; its {dies} dies all show this counter, so it counts once" if dies > 1 else ""
    return Finding(SOURCE, Availability.OK, device.name, f"energy counter; {wraps}{mirrored}{slow}", devices=(device.name,))


def _first(values: Iterable[int | None]) -> int | None:
    return next((value for value in values if value), None)
