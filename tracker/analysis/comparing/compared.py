"""PURE: what a comparison consists of: figures and their changes, why one is missing, what limits it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...core.contract import ShowJson
    from ...energy.difference import Change


class Reason(Enum):
    """Why a figure has no value."""

    NO_ENERGY = auto()  # of the run
    NOT_IN_RUN = auto()  # the device or the phase
    NOT_COUNTED = auto()  # the unit of work
    NO_TIME = auto()
    PENDING = auto()  # it is still being computed
    NOT_MEASURED = auto()
    DEVICE_UNREAD = auto()  # a device of the run was never read, so its energy is a lower bound
    NO_GRAMS = auto()
    ONE_RANK = auto()  # each rank of the job has a run of its own
    SOME_RANKS = auto()  # not all ranks have joined the run


class Missing(NamedTuple):
    """Why a figure has no value. `detail` is the unit for NOT_COUNTED, the problem of the computation for NO_GRAMS, how many ranks the node
    has for ONE_RANK, and of how many ranks the work is known for SOME_RANKS, as "1 of 4"."""

    reason: Reason
    detail: str = ""


class Amount(NamedTuple):
    """How often something was done: units of work, or instances of `phase`, which count as these units."""

    number: int
    unit: str
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity of one side: `value` between `low` and `high`, in `unit` (J, s, W or g). If there is none, `missing` says why. `change` is
    the difference from the baseline. It is None for the baseline itself, and if `apart` lists reasons why the two cannot be compared. The
    value is divided by `amount` or summed over it. `own_name` is this run's name of a device that has another name in the baseline.
    `values` has the value of each run, of which `value` is the mean.
    """

    name: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    missing: Missing | None = None
    change: Change | None = None
    apart: tuple[str, ...] = ()
    amount: Amount | None = None
    own_name: str | None = None
    beside_total: bool = False
    values: tuple[float, ...] = ()


class Limit(Enum):
    """What limits the comparison of a run with the baseline."""

    RUNNING = auto()
    FAILED = auto()
    INTERRUPTED = auto()
    SEARCHED = auto()
    PRUNED = auto()
    DEVICE_LOST = auto()
    DEVICE_UNMEASURED = auto()
    ONE_RANK = auto()
    SOME_RANKS = auto()
    OTHER_KINDS = auto()
    OTHER_SCOPE = auto()  # the share of processes on one side, and whole devices on the other
    OTHER_DEVICES = auto()
    MODELLED = auto()
    ONE_RUN_EACH = auto()
    ONE_RUN = auto()  # on one side, and several on the other
    PAIRED = auto()  # the runs of both sides alternate


class Note(NamedTuple):
    """What a reader must know before believing a difference. `kinds` and `base_kinds` are the device kinds of both, for OTHER_KINDS."""

    limit: Limit
    kinds: frozenset[str] = frozenset()
    base_kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compared:
    """A side compared with the baseline. `name`: what the user calls its runs, None for a single run. `views` has what `show --json` prints
    of each run. `each` has the phases' energy per instance."""

    label: str
    name: str | None
    views: tuple[ShowJson, ...]
    figures: tuple[Figure, ...]
    devices: tuple[Figure, ...]
    phases: tuple[Figure, ...]
    each: tuple[Figure, ...]
    notes: tuple[Note, ...]

    @property
    def view(self) -> ShowJson:
        """The first run, which is the only one of most sides."""
        return self.views[0]
