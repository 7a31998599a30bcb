"""PURE: a run's share of the hardware that it held, as lines for its GPUs and lines for its host.

Each GPU model is a line of its own. The host is either one row of the table that matches its product name and excludes the GPUs, or it is
composed of the recorded parts (processor sockets, gigabytes of DRAM), one mainboard, two power supplies, a case and the assembly. A whole
server with its GPUs is never added to GPU lines, because the boards would count twice. Disks and network are not recorded, so they have no
line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .accounting import DEFAULT_AMORTISATION, WHOLE, Amortisations, EmbodiedLine, Estimate, embodied_g, total
from .assumption import GIVEN, FactorStatus
from .host_share import WHOLE_HOST, HostShare, Piece
from .tables.hardware import HardwareRow, HardwareTable

BYTES_PER_GB = 2.0**30
"""Bytes in a gigabyte of a DIMM: a 32 GB module has 32 × 2³⁰ bytes."""
POWER_SUPPLIES = 2
"""A rack server has two, one of them spare, as Boavizta's default server does. GPU servers have more; the range of the row covers them."""
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
    models: dict[str, int] = {}
    for kind, name, detail in pieces:
        if kind == "gpu":
            model = str(detail.get("model") or name)
            models[model] = models.get(model, 0) + 1
    for model, count in models.items():
        row = rows.match("gpu", model)
        if row is not None:
            found.append(line_of_row("gpu", model, row, reserved_hours, amortisation, count))
    return found + host_lines(pieces, reserved_hours, rows, amortisation, share)


def host_lines(
    pieces: Sequence[Piece], reserved_hours: float, rows: HardwareTable, amortisation: Amortisations, share: HostShare
) -> list[EmbodiedLine]:
    """The lines of the host: one line if its product is in the table, otherwise one for each kind of part; none if nothing is recorded."""
    for kind, name, _ in pieces:
        row = rows.match_host(name) if kind == "host" else None
        if row is not None:
            return [line_of_row("host", name, row, reserved_hours, amortisation, 1.0, share.machine)]
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
    """A line for a footprint that the user gives, in kilograms per unit."""
    kg = Estimate.exact(footprint_kg)
    grams = embodied_g(kg, reserved_hours, amortisation, Estimate.exact(count))
    return EmbodiedLine(
        part=part,
        component="server" if part == "host" else part,
        name=name,
        amount=count,
        unit="device",
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
