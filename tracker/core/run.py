"""The words that describe a run: its stage, its status, and the events that happen during it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """A stage of a model's life (Wu et al., "Sustainable AI", MLSys 2022). A phase, in contrast, is a part of one run."""

    DATA = "data"
    EXPERIMENTATION = "experimentation"
    TRAINING = "training"
    INFERENCE = "inference"


class Status(StrEnum):
    """The state of a run. Lists and sums show the statuses in this order."""

    COMPLETED = "completed"
    SEARCHED = "searched"  # only a search for settings, such as the batch size: nothing was trained
    PRUNED = "pruned"  # a trial that a study stopped because others are better
    FAILED = "failed"  # an exception, or an exit code
    INTERRUPTED = "interrupted"  # Ctrl-C, a signal, or the process vanished
    RUNNING = "running"


STORED_AS = {Status.SEARCHED: Status.COMPLETED, Status.PRUNED: Status.COMPLETED}
"""The statuses that came after the first schema, and what the column `status` has for each; its column `outcome` has the status itself."""


class Origin(StrEnum):
    """Where the figures of a run come from."""

    TRACKED = "tracked"  # the tracker recorded the run
    ESTIMATED = "estimated"  # it was described: from hardware, time and power
    IMPORTED = "imported"  # another tool recorded it


ORIGIN_KEY, SOURCE_KEY, CONTENT_KEY, PLAN_KEY, DEVICE_HOURS_KEY = "origin", "source", "content", "plan", "device_hours"
FLOPS_PRECISION_KEY = "flops_precision"
"""The keys of the settings of a run that was not tracked: its origin, what its figures come from in words, a digest of them; of an
estimate its description; and the hours of all its GPUs, where they are stated."""
FORECAST_KEY = "forecast"
"""The key of the settings of a run under way that has its newest forecast. Not a setting: its trackers write it with their commits."""


NO_HOST = "an unknown host"
"""The host of a run that was not tracked, where its file names none. Two such runs may or may not be on one host."""


class EventKind(StrEnum):
    """What can happen to a sensor or to a run."""

    WRAP = "wrap"  # a counter reached the end of its range and started at 0 again
    RESET = "reset"  # a counter was set back
    GAP = "gap"  # readings are missing
    STALE = "stale"  # a counter stood still while its device drew power
    RESUMED = "resumed"  # a stale counter moved again
    FOUND = "found"  # a device that could not be read at first is read from here on
    LOST = "lost"  # a sensor is gone and will not come back
    ABSURD = "absurd"  # a reading that cannot be true
    LATE = "late"  # readings were taken later than planned
    LIMIT = "limit"  # a device draws more than its stated limit
    IN_STEP = "in-step"  # the loop is in step with a sensor that looks at part of the time only
    DISAGREEMENT = "disagreement"  # two sensors of one device contradict each other
    SHARED = "shared"  # a process outside the run used the GPU too
    OVERLAP = "overlap"  # another run measured the same devices at the same time
    OUTLIVED = "outlived"  # processes of the run went on after its end
    SUSPENDED = "suspended"  # the machine slept
    DEAD = "dead"  # the sampling thread died
    USE = "use"  # it cannot be told which GPUs the run used
    STORE = "store"  # the database could not be written, or a part of the record could not be made
    FORGOTTEN = "forgotten"  # a run was not stopped, and one that began in its place ended it
    CONTINUED = "continued"  # the run goes on after it had ended, or after a pause
    RANK = "rank"  # the rank that read a device was killed; another one reads it from here on
    BUDGET = "budget"  # the run has used its budget
    SINK = "sink"  # a sink did not take the figures of the run
    UNMEASURED = "unmeasured"  # the run has a budget, and nothing that it uses is measured


class Event(NamedTuple):
    """Something that happened to the sensors of `device` at `t_ns` (monotonic clock), or to the run where `device` is None."""

    kind: EventKind
    t_ns: int
    device: str | None
    detail: str
