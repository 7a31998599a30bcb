"""EnergyTracker: starts and ends a run in a process, and counts its phases and work."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import AsyncIterable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsFloat, TypeVar, Unpack

from ..config import Config, Settings, arguments, resolve, working_folder
from ..core.clock import Clock, SystemClock
from ..core.run import Status
from ..core.work import SAMPLES
from ..errors import ConfigurationError, StoreStalledError, TrainwattError
from ..settings import values
from ..unwarned import unwarned
from .forgotten import Running
from .forking import before_fork
from .harmless import Harmless
from .outcome import ending, outcome
from .phase import Phase, Phases, whole_step
from .so_far import SoFar
from .target import Target
from .work.calls import Call, Calls, Covered
from .work.counted import UNCOUNTED, CountedIterable, SampleCount, counted
from .work.decorated import F, Measured, measured

if TYPE_CHECKING:
    from ..presentation.notebook.summary import Summary
    from .active_run import ActiveRun

T = TypeVar("T")


class EnergyTracker(SoFar, contextlib.ContextDecorator):
    """Measure the energy used between `start()` and `stop()`, in a `with` block, or in a decorated function.

    ::

        with EnergyTracker(project="digits") as tracker:
            for epoch in range(10):
                with tracker.phase("train", step=epoch):
                    for batch in tracker.wrap(loader): ...
        print(tracker.summary())

    All arguments are keywords. Each is also a variable `TRAINWATT_…` and a key of `trainwatt.toml` (`baseline` is `baseline_s` there):

    - `project`, `name`, `group`, `tags` (names and values): how the run is found again.
    - `stage`: of the model's life: "data", "experimentation", "training" (the default) or "inference".
    - `zone`: of the electricity grid, such as "FR"; "auto" asks the metadata address of the cloud.
    - `basis` ("lifecycle" or "direct"), `intensity_g_per_kwh`, `pue`, `hardware` (a CSV file): with the zone, the terms of the footprint.
    - `db`: the database. `resume`: a run that goes on, by its id, or "auto": the newest of this job or command that was not completed.
    - `budget`: what the run may use, as "2 kWh", "500 gCO2e" or "3 EUR" (with `price_per_kwh`); `on_budget`: what happens then, "warn",
      "stop" (frameworks and `trainwatt run` stop) or "raise" (BudgetExceeded, in the loop).
    - `epochs`: how many epochs the training has, for `tracker.forecast`.
    - `gpus`: NVML indices or UUIDs; by default those that CUDA_VISIBLE_DEVICES leaves visible; "used": those that the run is seen to use.
    - `scope`: "machine", or "process" for the share of its energy that is attributed to the processes of the run.
    - `period_s`: seconds between two readings; by default a gauge is read ten times a second, a counter only where that tells more.
    - `baseline`: seconds during which the idle machine is measured first (0).
    - `gain_gpu`, `gain_cpu`, `gain_dram`: the relative 95 % scale error of the sensors; `offset_gpu_w`: their constant error in watts.
    - `flops_precision`: what the model computes in ("bf16", "fp32" …), for the peak of its GPUs beside the `flops` that are counted.
    - `sensors`: your own sensors, each as "module:function" or "file.py:function".
    - `sinks`: where the run is shown too, as ["prometheus", "tensorboard=runs/energy"].

    Raises ConfigurationError for an argument that is not allowed. `start()` raises ConfigurationError or StoreError if a setting does not
    fit this machine or the database cannot be used. After that no fault of the tracker reaches the training: it becomes an event of the
    run, and one line in the log.
    """

    _ended: ActiveRun | None

    def __init__(self, **settings: Unpack[Settings]) -> None:
        self._watch: Target | None = None  # None: the process in which a run begins
        self._clock: Clock = SystemClock()
        self._config: Config = unwarned(resolve, arguments(settings), os.environ, working_folder())
        self._phases = Phases()
        self._stand_by()

    def __call__(self, function: F) -> F:
        """Measure each call of a function as a run of its own, to the end of the coroutine or generator that it may be.

        In the function, and in the threads and tasks that it starts, all of this tracker means the run of the call. Calls at the same time
        are runs at the same time. A call within a run of this tracker, such as a recursive one, belongs to that run.
        """
        return measured(function, self._call)

    @classmethod
    def watching(cls, watch: Target, **settings: Unpack[Settings]) -> EnergyTracker:
        """A tracker for another process than this one: `trainwatt run` and `trainwatt attach` use it."""
        tracker = cls(**settings)
        tracker._watch = watch
        return tracker

    # ---- the run's life

    def start(self, *, tags: Mapping[str, str] | None = None, resume: str | None = None, epochs: int | None = None) -> Self:
        """Begin a run; the first reading is taken last. For this run only, `tags` are added to those of the tracker, `resume` names the run
        that goes on, and `epochs` counts if the tracker has none. Raises ConfigurationError or StoreError."""
        if self._begun is not None:
            raise ConfigurationError("this tracker is already running: stop() it first, or make a second EnergyTracker")
        known = self._config.epochs or (None if epochs is None else values.epochs(epochs, "start()"))
        self._start(replace(self._config, tags={**self._config.tags, **(tags or {})}, resume=resume or self._config.resume, epochs=known))
        return self

    def _start(self, config: Config) -> None:
        from .start import begin  # loaded by the first run, not by the import of trainwatt

        self._begun = begun = unwarned(begin, config, self._watch or Target(), self._clock, os.environ)
        self._paused = None
        self._phases.begin(begun)
        with self._harmless("runs that were not stopped could not be ended"):
            _running.add(begun, self, lambda tracker: tracker.stop, self._config)
        begun.begin_sampling()
        # Last: if two threads start at the same instant, at least the later one finds the other here, and reports it in both runs.
        begun.mention(_running.others(begun))

    def pause(self) -> None:
        """Stop measuring until `resume()`: the time and the energy in between are not those of the run, and open phases end. Other ranks
        go on, and read the sensors of this one. Does nothing if no run is under way, or if `trainwatt run` measures it."""
        here = self._here
        if (begun := here._begun) is not None and begun.can_pause():
            here.stop(Status.INTERRUPTED, "paused")
            here._paused = begun.run_id

    def resume(self) -> None:
        """Measure again after `pause()`, in the same run. No fault of that reaches the training. Does nothing if the run is not paused."""
        here = self._here
        if (paused := here._paused) is not None:
            with here._harmless("the run could not go on after a pause"):
                here._start(replace(here._config, resume=paused))

    def stop(self, status: str = "completed", reason: str | None = None) -> None:
        """End the run; the last reading is taken first. Does nothing if no run is under way.

        `status` is "completed", "searched" (only a search for settings), "pruned" (a trial that others beat), "failed" or "interrupted".
        """
        if (here := self._here) is not self:
            here.stop(status, reason)
            return
        self.resume()  # a paused run ends too, and not as one that was left there
        begun, self._begun = self._begun, None
        if begun is None:
            return
        self._ended = begun
        self._phases.end()
        _running.remove(begun)
        with self._harmless("the run could not be closed"):
            begun.end(*ending(status, reason), os.environ)

    def __enter__(self) -> EnergyTracker:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop(*outcome(error))

    def _call(self) -> Measured:
        """A call of a decorated function."""
        return Covered() if self.running else Call(self._calls, lambda: copy(self), self._remember)

    @property
    def _here(self) -> EnergyTracker:
        """The tracker of the call that this code belongs to; this tracker itself outside of its functions."""
        return (None if self.running else self._calls.here()) or self

    def _remember(self, call: EnergyTracker) -> None:
        """Take the run of a call that is over for the last run."""
        self._ended = call._begun or call._ended

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in this or another process, is a tracker with the same settings and no run."""
        return {"_watch": self._watch, "_clock": self._clock, "_config": self._config, "_phases": self._phases}

    def __copy__(self) -> EnergyTracker:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__() | {"_phases": Phases()})
        return twin

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._stand_by()

    def _stand_by(self) -> None:
        self._begun = self._ended = self._paused = None
        self._calls: Calls[EnergyTracker] = Calls()
        self._harmless = Harmless()
        _trackers[id(self)] = self

    def _in_child(self) -> None:
        """After a fork: the parent continues to measure, the child has no run."""
        begun, self._begun = self._begun, None
        self._phases.after_fork()
        if begun is not None:
            begun.recorder.abandon()

    # ---- phases and work

    def phase(self, name: str, *, step: int | None = None, exact: bool = False, synchronize: bool = False) -> Phase:
        """A named part of the run, as a context manager or decorator. Phases may nest, overlap and repeat.

        `step` numbers the instances, for example by epoch. GPU work is asynchronous: by default a phase begins and ends when the host does,
        and is labelled host-side. `synchronize=True` waits for the GPU at both edges. By default the energy at an edge is interpolated
        between ticks. `exact=True` reads the sensors at both edges in the calling thread, which takes as long as a round of readings.
        """
        return Phase(self._phases_to_enter, self._harmless, name, step, exact, synchronize)

    def _phases_to_enter(self) -> Phases:
        self._halt()
        return self._here._phases

    def update(self, /, **units: SupportsFloat) -> None:
        """Count work, in the run and in the current phase of this thread or task: `update(samples=64)`, `update(requests=1, tokens=512)`.

        A unit is a lower-case name in the plural. An amount is a whole number of at least 0. `flops` are floating-point operations.
        """
        self._count("update", units)
        self._halt()

    def _count(self, step: str, units: Mapping[str, SupportsFloat]) -> None:
        here = self._here
        if (begun := here._begun) is None:
            return
        try:
            begun.count(step, here._phases.open_here, units)
        except Exception as error:
            self._not_counted(UNCOUNTED, error)

    def log(self, metrics: Mapping[str, SupportsFloat] | None = None, /, *, step: int | None = None, **values: SupportsFloat) -> None:
        """Log how good the model is, when that is known: `log(val_accuracy=0.97)`, or `log({"val/loss": 0.31}, step=epoch)`.

        `show --phases` has the values beside the energy, and `advise` knows what was used after the best one. A value that is not finite is
        never the best.
        """
        with self._harmless("metrics could not be logged"):
            if (begun := self._here._begun) is not None:
                begun.log(metrics, values, whole_step(step))

    def wrap(self, items: Iterable[T] | AsyncIterable[T], *, samples: SampleCount = None) -> CountedIterable[T]:
        """Iterate over `items` (a data loader), and count the samples of each batch when it is handed over. An iterator stays one.

        `samples`: a number, or a function of the batch. By default, and for `len`, it is the size of the batch where that is certain: the
        first dimension of its first tensor, or the length of a list of samples. A batch whose size cannot be told is not counted, and the
        run says so once.
        """
        return counted(items, samples, self._next_batch, self._no_batch, self._begin_pass)

    def _next_batch(self, samples: int) -> None:
        self._halt()  # before it counts: this batch is not handed over
        self._count("batch", {SAMPLES: samples})

    def _no_batch(self, what: str, error: Exception) -> None:
        self._halt()
        self._not_counted(what, error)

    def _not_counted(self, what: str, error: Exception) -> None:
        begun = self._here._begun
        (self._harmless if begun is None else begun.recorder.harmless).failed(what, error)

    def summary(self) -> Summary:
        """The run as it is stored; as this process knows it if it could not be stored. It can be printed, and its `to_dict()` is what
        `show --json` prints. Raises StoreError, RunNotFoundError, and TrainwattError before the first run."""
        here = self._here
        begun = here._begun or here._ended
        if begun is None:
            raise TrainwattError("there is no run yet: start() the tracker first, or use it as a context manager")
        if here.running:
            with self._harmless("the run so far could not be written"):
                begun.recorder.flush()
        if begun.recorder.unreadable and (known := self._known_summary()) is not None:
            return known
        try:
            return unwarned(begun.summary)
        except StoreStalledError:
            if (known := self._known_summary()) is None:
                raise
            return known

    def _known_summary(self, *, grams: bool = True) -> Summary | None:
        """The last run as this process knows it, without a look into the database. None if it is not over, or is another process's."""
        ended = self._here._ended
        return None if ended is None else unwarned(ended.known_summary, grams)

    @property
    def _newest(self) -> ActiveRun | None:
        return self._here._begun or self._here._ended


def _forget_parents_runs() -> None:
    for reference in _trackers.valuerefs():  # a list: an iteration over the dictionary may fail if another thread makes a tracker
        if (tracker := reference()) is not None:
            tracker._in_child()
    _running.after_fork()


_running = Running()
_trackers: weakref.WeakValueDictionary[int, EnergyTracker] = weakref.WeakValueDictionary()
os.register_at_fork(before=before_fork, after_in_child=_forget_parents_runs)  # once for all trackers: a fork hook cannot be removed
