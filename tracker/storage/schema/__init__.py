"""The tables in SQLAlchemy's terms, for the reading side. The SQL of the migrations is their source, and says what the columns mean.

They are plain tables: declaring mapped classes would take longer than printing a list of runs.
"""

from .carbon import FOOTPRINT, GRID_INTENSITY
from .parts import METADATA
from .readings import ACTIVITY_POINT, CURVE_POINT, DEVICE, DEVICE_USE, SENSOR_STATE
from .runs import CLOCK_ANCHOR, EVENT, FINDING, INVENTORY, RUN, RUN_STATUS, SEGMENT
from .work import METRIC, METRIC_POINT, PHASE, PHASE_ENERGY, PHASE_FOLD, PHASE_FOLD_ENERGY, PHASE_WORK, WORK

__all__ = [
    "ACTIVITY_POINT",
    "CLOCK_ANCHOR",
    "CURVE_POINT",
    "DEVICE",
    "DEVICE_USE",
    "EVENT",
    "FINDING",
    "FOOTPRINT",
    "GRID_INTENSITY",
    "INVENTORY",
    "METADATA",
    "METRIC",
    "METRIC_POINT",
    "PHASE",
    "PHASE_ENERGY",
    "PHASE_FOLD",
    "PHASE_FOLD_ENERGY",
    "PHASE_WORK",
    "RUN",
    "RUN_STATUS",
    "SEGMENT",
    "SENSOR_STATE",
    "WORK",
]
