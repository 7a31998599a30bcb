"""EnergyTracker: wires sensors, sampler, recorder and store together, and is the run's life in a process."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ..config import Config, Settings, arguments, resolve, working_folder
from ..core.clock import Clock, SystemClock
from ..errors import ConfigurationError, TrainwattError
from .harmless import Harmless
from .outcome import outcome
from .phase import Phase, Phases
from .target import Target
from .work import CountedIterable, SampleCount

if TYPE_CHECKING:
    from ..presentation.notebook.summary import Summary
    from .active_run import ActiveRun

T = TypeVar("T")


class EnergyTracker(contextlib.ContextDecorator):
    """Measure the energy of what runs between `start()` and `stop()`, or within a `with` block, or in a decorated function.

    ::

        with EnergyTracker(project="digits") as tracker:
            for epoch in range(10):
                with tracker.phase("train", step=epoch):
                    for batch in tracker.wrap(loader): ...
        print(tracker.summary())

    Arguments (each also an environment variable `TRAINWATT_…` and a key in `trainwatt.toml`): `project`, `name`, `group`, `stage` (of
    the model's life: data, experimentation, training, inference), `zone` (of the grid; "auto" asks the cloud's own metadata address),
    `intensity_g_per_kwh`, `pue` and `hardware` (a CSV file; with the zone the terms of the footprint), `tags`, `db` (a file or folder),
    `gpus` (NVML indices or UUIDs; default: what CUDA_VISIBLE_DEVICES leaves), `scope` ("machine"), `period_s` (0.1), `baseline`
    (seconds of idling measured first), `gain_gpu`, `gain_cpu`, `gain_dram` (relative 95 % scale error of the sensors), `sensors` (your
    own, as "module:function").

    Raises ConfigurationError for a setting that cannot be, and StoreError for a database that cannot be used, before the training
    begins. After that no fault of the tracker reaches the training: it becomes an event of the run, and one line in the log.
    """

    _begun: ActiveRun | None
    _ended: ActiveRun | None
    _harmless: Harmless

    def __init__(self, **settings: Unpack[Settings]) -> None:
        self._watch: Target | None = None  # this process, whichever it is when a run begins
        self._clock: Clock = SystemClock()
        self._config: Config = resolve(arguments(settings), os.environ, working_folder())
        self._phases = Phases()
        self._stand_by()

    @classmethod
    def watching(cls, watch: Target, **settings: Unpack[Settings]) -> EnergyTracker:
        """A tracker for another process than this one: `trainwatt run` and `trainwatt attach` use it."""
        tracker = cls(**settings)
        tracker._watch = watch
        return tracker

    # ---- the run's life

    def start(self) -> EnergyTracker:
        """Begin a run; the first reading is its last act. Raises ConfigurationError or StoreError."""
        from .start import begin  # what it takes to run is loaded when something runs

        if self._begun is not None:
            raise ConfigurationError("this tracker is already running: stop() it first, or make a second EnergyTracker")
        others = [other for tracker in list(_trackers) if (other := tracker._begun) is not None]
        self._begun = begun = begin(self._config, self._watch or Target(), self._clock, os.environ)
        self._phases.begin(begun)
        atexit.register(self._at_exit)
        begun.begin_sampling()
        begun.mention(others)
        return self

    def stop(self, status: str = "completed", reason: str | None = None) -> None:
        """End the run; the last reading is its first act. A tracker that does not run is left alone."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        self._ended = begun
        self._phases.end()
        atexit.unregister(self._at_exit)
        with self._harmless("the run could not be closed"):
            begun.end(status, reason, os.environ)

    def __enter__(self) -> EnergyTracker:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(*outcome(error))

    def _recreate_cm(self) -> EnergyTracker:
        """As a decorator: every call of the function is a run of its own."""
        return copy(self)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in another process or not, is a tracker with the same settings that does not run."""
        return {"_watch": self._watch, "_clock": self._clock, "_config": self._config, "_phases": self._phases}

    def __copy__(self) -> EnergyTracker:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__() | {"_phases": Phases()})
        return twin

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._stand_by()

    def _stand_by(self) -> None:
        self._begun = self._ended = None
        self._harmless = Harmless()
        _trackers.add(self)

    def _at_exit(self) -> None:
        error = getattr(sys, "last_value", None)
        status, reason = outcome(error) if isinstance(error, BaseException) else ("completed", "the interpreter ended without stop()")
        self.stop(status, reason)

    def _in_child(self) -> None:
        """After a fork: the parent goes on measuring, the child does nothing."""
        begun, self._begun = self._begun, None
        self._phases.after_fork()
        if begun is not None:
            begun.recorder.abandon()

    # ---- what happens within

    def phase(self, name: str, *, step: int | None = None, exact: bool = False, synchronize: bool = False) -> Phase:
        """A named part of the run, as a context manager or decorator; phases may nest and overlap, and repeat.

        `step` numbers the instances (an epoch). GPU work is asynchronous: by default the edges are where the host was, and the phase
        is labelled host-side; `synchronize=True` waits for the GPU at both edges. `exact=True` reads the sensors at both edges in
        the calling thread (as long as a round of readings takes) instead of interpolating between ticks.
        """
        return Phase(self._phases, name, step, exact, synchronize)

    def update(self, *, samples: int = 0, tokens: int = 0) -> None:
        """Count units of work done, in the run and in the current phase of this thread."""
        begun = self._begun
        if begun is None:
            return
        try:
            phase = self._phases.current
            for unit, amount in (("samples", samples), ("tokens", tokens)):
                if not 0 <= amount < 2**53:
                    raise ValueError(f"{unit}={amount!r}: work done is a number, and not negative")
                if amount:
                    begun.recorder.work(unit, phase, int(amount))
        except Exception as error:
            self._harmless.failed("work done could not be counted", error)

    def wrap(self, items: Iterable[T], *, samples: SampleCount = None) -> CountedIterable[T]:
        """Iterate over `items` (a data loader) and count the samples of each batch once the loop is done with it.

        `samples`: a number, or a function of the batch; by default, and for `len`, the size of the batch's first tensor.
        """
        return CountedIterable(items, samples, lambda n: self.update(samples=n))

    def summary(self) -> Summary:
        """The run as it is stored: printable, and `to_dict()` is what `show --json` prints. Raises StoreError, RunNotFoundError."""
        from ..presentation.notebook.summary import Summary

        begun = self._begun or self._ended
        if begun is None:
            raise TrainwattError("there is no run to sum up: start() the tracker first, or use it as a context manager")
        if self._begun is not None:
            with self._harmless("what is known so far could not be written"):
                begun.recorder.flush()
        return Summary.load(str(begun.path), begun.run_id, patience_s=3.0 if begun.joined else 0.0)

    @property
    def run_id(self) -> str | None:
        """The id of the current run, or of the last one; None before the first."""
        begun = self._begun or self._ended
        return None if begun is None else begun.run_id

    @property
    def path(self) -> Path | None:
        """The database file of the current run, or of the last one; None before the first."""
        begun = self._begun or self._ended
        return None if begun is None else begun.path


def _forget_parents_runs() -> None:
    for tracker in list(_trackers):
        tracker._in_child()


_trackers: weakref.WeakSet[EnergyTracker] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_parents_runs)  # once for all: a fork hook can never be taken back
