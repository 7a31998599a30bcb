"""The JSON contract: what `--json` prints, key by key.

The keys are promises; more may be added.

Energies are joules, masses are grams of CO2e, times are seconds, instants are ISO 8601 in UTC with milliseconds. `low` and `high` bound a
value; a value that is not known is None. These types are for annotations only: nothing is checked or converted when a program runs.
"""

from __future__ import annotations

from .bench import BenchedJson, BenchJson
from .carbon import (
    AssumptionJson,
    BesideJson,
    CarbonJson,
    CostJson,
    EmbodiedLineJson,
    EstimatedEnergyJson,
    EstimateJson,
    GridUseJson,
    HostUseJson,
    MarketBasedJson,
    OperationalJson,
    PerUnitJson,
    SciJson,
    SeriesUseJson,
    UnmeasuredJson,
)
from .compare import ChangeJson, ComparedJson, CompareJson, FigureJson, GateJson
from .lists import EntryJson, FootprintJson, FootprintsJson, GroupJson, OfEnergyJson, RunRecord, SumJson, TotalGramsJson
from .show import (
    DeviceJson,
    EnergyJson,
    EnergyRangeJson,
    EnergySumJson,
    EventJson,
    IntervalKind,
    OfRunJson,
    PhaseJson,
    PhaseNowJson,
    ProvenanceJson,
    RanksJson,
    RunJson,
    SamplerJson,
    ShowJson,
    UnreadDeviceJson,
    WatchJson,
    WatchLineJson,
)

__all__ = [
    "AssumptionJson",
    "BesideJson",
    "CarbonJson",
    "ChangeJson",
    "BenchJson",
    "BenchedJson",
    "CompareJson",
    "ComparedJson",
    "CostJson",
    "DeviceJson",
    "EmbodiedLineJson",
    "EnergyJson",
    "EnergyRangeJson",
    "EnergySumJson",
    "EntryJson",
    "EstimateJson",
    "EstimatedEnergyJson",
    "EventJson",
    "FigureJson",
    "FootprintJson",
    "FootprintsJson",
    "GateJson",
    "GridUseJson",
    "GroupJson",
    "HostUseJson",
    "IntervalKind",
    "MarketBasedJson",
    "OfEnergyJson",
    "OfRunJson",
    "OperationalJson",
    "PerUnitJson",
    "PhaseJson",
    "PhaseNowJson",
    "ProvenanceJson",
    "RanksJson",
    "RunJson",
    "RunRecord",
    "SamplerJson",
    "SciJson",
    "SeriesUseJson",
    "ShowJson",
    "SumJson",
    "TotalGramsJson",
    "UnmeasuredJson",
    "UnreadDeviceJson",
    "WatchJson",
    "WatchLineJson",
]
