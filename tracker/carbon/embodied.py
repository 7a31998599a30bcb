"""PURE: a run's share of the hardware that it held, as lines for its GPUs and lines for its host.

Each GPU model is a line of its own; of a GPU that is partitioned, the run held its partitions. A server is composed of the recorded parts
(processor sockets, gigabytes of DRAM), one mainboard, two power supplies, a case and the assembly, whatever the name on its case. A laptop,
a desktop computer and a small board are one line each, because makers publish the footprint of the whole. Only a row of the user's own
table can stand for a host by its product name. A whole server with its GPUs is never added to GPU lines, because the boards would count
twice. Disks and network of a server are not recorded, so they have no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from .accounting import DEFAULT_AMORTISATION, WHOLE, Amortisations, EmbodiedLine, Estimate, embodied_g, total
from .assumption import GIVEN, FactorStatus
from .host_share import WHOLE_HOST, HostShare, Piece
from .tables.hardware import HardwareRow, HardwareTable
from .tables.names import slice_share

BYTES_PER_GB = 2.0**30
"""Bytes in a gigabyte of a DIMM: a 32 GB module has 32 × 2³⁰ bytes."""
POWER_SUPPLIES = 2
"""A rack server has two, one of them spare, as Boavizta's default server does. GPU servers have more; the range of the row covers them."""
_PORTABLE, _RACK = frozenset({8, 9, 10, 14, 30, 31, 32}), frozenset({17, 22, 23, 25, 28, 29})
"""Types of a case in the DMI tables (DMTF DSP0134, System Management BIOS, "System Enclosure or Chassis Types")."""
_SMALL = re.compile(r"\b(Jetson|Orin|Xavier|Thor|Tegra|nvgpu|GB10|Cortex)\b", re.IGNORECASE)
_MOBILE = re.compile(r"Laptop|with Max-Q|\bi[3579]-\d{4,5}(?:U|H|HK|HQ|HX|P|G\d)\b|\b\d{3,4}(?:U|H|HS|HX|V)\b")
_CONSUMER = re.compile(r"Ryzen(?! Threadripper)|Core\(TM\)|Core Ultra|Core i\d|Pentium|Celeron|Athlon|Apple M\d", re.IGNORECASE)
_FRAME = (("mainboard", 1.0), ("psu", float(POWER_SUPPLIES)), ("chassis", 1.0), ("assembly", 1.0))


def lines(
    inventory: Iterable[Piece],
    reserved_hours: float,
    rows: HardwareTable,
    amortisation: Amortisations = DEFAULT_AMORTISATION,
    share: HostShare = WHOLE_HOST,
) -> list[EmbodiedLine]:
    """The lines of one host: GPUs by model, then the host. `inventory` contains the GPUs that the run held, not all GPUs of the host."""
    pieces = list(inventory)
    found: list[EmbodiedLine] = []
    models: dict[str, float] = {}
    for kind, name, detail in pieces:
        if kind == "gpu":
            model = str(detail.get("model") or name)
            slices = detail.get("mig_slices")
            models[model] = models.get(model, 0) + (1.0 if slices is None else slice_share(model, slices))
    for model, count in models.items():
        row = rows.match("gpu", model)
        if row is not None:
            found.append(line_of_row("gpu", model, row, reserved_hours, amortisation, count))
    return found + host_lines(pieces, reserved_hours, rows, amortisation, share)


def host_lines(
    pieces: Sequence[Piece], reserved_hours: float, rows: HardwareTable, amortisation: Amortisations, share: HostShare
) -> list[EmbodiedLine]:
    """The lines of the host: one line if its product is in the user's table or it is no server, otherwise one for each kind of part; none
    if nothing is recorded."""
    for kind, name, _ in pieces:
        row = rows.match_host(name) if kind == "host" else None
        if row is not None:
            return [line_of_row("host", name, row, reserved_hours, amortisation, 1.0, share.machine)]
    sort = host_class(pieces)
    whole = None if sort is None or sort is HostClass.SERVER else rows.match(sort, "")
    if whole is not None:
        return [line_of_row("host", whole.name, whole, reserved_hours, amortisation, 1.0, share.machine)]
    parts: list[tuple[str, str, float]] = []
    for kind, name, detail in pieces:
        if kind == "cpu":
            parts.append(("cpu", name, float(detail.get("sockets") or 1)))
        elif kind == "dram" and detail.get("bytes"):
            parts.append(("dram", name, float(detail["bytes"]) / BYTES_PER_GB))
    if not parts:
        return []
    parts += [(kind, f"server {kind}", count) for kind, count in _FRAME]
    return [
        line_of_row("host", name, row, reserved_hours, amortisation, count, share.memory if kind == "dram" else share.machine)
        for kind, name, count in parts
        if (row := rows.match(kind, name)) is not None
    ]


class HostClass(StrEnum):
    """What a host is. The value is the kind of its row, where it is counted as a whole."""

    SERVER = "server"
    DESKTOP = "desktop"
    LAPTOP = "laptop"
    SMALL_BOARD = "small-board"


def host_class(pieces: Iterable[Piece]) -> HostClass | None:
    """What the host is, by its recorded parts and the type of its case; None if no part of it is recorded. The name on a case says nothing.

    A consumer's processor is in a laptop or a desktop computer, unless the case is one for a rack. Any other is in a server: the parts of
    a workstation are those of a server. Only a board that its device tree describes is known by its name, because it has no case.
    """
    found = list(pieces)
    parts = [name for kind, name, _ in found if kind == "cpu"]
    parts += [str(detail.get("model") or name) for kind, name, detail in found if kind == "gpu"]
    host, about = next(((name, detail) for kind, name, detail in found if kind == "host"), ("", {}))
    if any(_SMALL.search(name) for name in parts):
        return HostClass.SMALL_BOARD
    if about.get("board"):
        return HostClass.LAPTOP if "MacBook" in host else HostClass.DESKTOP if "Mac" in host else HostClass.SMALL_BOARD
    if not any(kind in ("cpu", "dram") for kind, _, _ in found):
        return None
    case = about.get("chassis_type")
    if about.get("virtual") or case in _RACK:
        return HostClass.SERVER
    if case in _PORTABLE:
        return HostClass.LAPTOP
    if not any(_CONSUMER.search(name) for name in parts):
        return HostClass.SERVER
    return HostClass.LAPTOP if case is None and any(_MOBILE.search(name) for name in parts) else HostClass.DESKTOP


def line_of_row(
    part: str,
    name: str,
    row: HardwareRow,
    reserved_hours: float,
    amortisation: Amortisations,
    count: float = 1.0,
    share: Estimate = WHOLE,
) -> EmbodiedLine:
    """A line for `count` units of a row, of which the run held `share`. `row.footprint_kg` is of one unit."""
    return EmbodiedLine(
        part=part,
        component=row.kind,
        name=name,
        amount=count * share.central,
        unit=row.unit,
        footprint_kg=row.footprint_kg,
        grams=embodied_g(row.footprint_kg, reserved_hours, amortisation, share.times(count)),
        row=row.name,
        status=row.status,
        class_range=row.scope != "model",
        source=row.source,
        year=row.year,
    )


def line_given(
    part: str, name: str, footprint_kg: float, reserved_hours: float, amortisation: Amortisations, count: float, source: str
) -> EmbodiedLine:
    """A line for a footprint that the user gives, in kilograms per device or host."""
    kg = Estimate.exact(footprint_kg)
    grams = embodied_g(kg, reserved_hours, amortisation, Estimate.exact(count))
    return EmbodiedLine(
        part=part,
        component="server" if part == "host" else part,
        name=name,
        amount=count,
        unit="host" if part == "host" else "device",
        footprint_kg=kg,
        grams=grams,
        row=GIVEN,
        status=FactorStatus.GIVEN,
        class_range=False,
        source=source,
        year=None,
    )


def total_g(found: Iterable[EmbodiedLine]) -> Estimate | None:
    """The sum of the lines; None if there are none, because unknown is not zero."""
    grams = [line.grams for line in found]
    return total(grams) if grams else None
