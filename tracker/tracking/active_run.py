"""A run under way in this process."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..core.clock import Clock
from ..core.run import STORED_AS, Event, EventKind, Status
from ..errors import TrainwattError
from ..log import warn
from ..machine.job import external_ids
from ..masking.text import hidden_in
from ..texts import repr_of
from ..unwarned import unwarned
from .recording.recorder import Recorder
from .recording.rows import Row, as_json
from .recording.work_done import LONGEST_SHOWN, AmountError
from .sampling.sampler import Sampler
from .work.counted import UNCOUNTED

if TYPE_CHECKING:
    from ..core.contract import ShowJson
    from ..presentation.notebook.summary import Summary
    from ..storage.owed.starting import Debt
    from .feeding.feed import Feed
    from .recording.phases.phase_record import PhaseRecord
    from .sampling.edges import EdgeListener, EdgeSender

READ_S = 30.0
"""How long a summary waits for a database: a busy machine may need seconds to read a large run."""


@dataclass(slots=True)
class ActiveRun:
    """A run under way in this process. `sampler` is None if the process does not measure: it joined a run, or is not the first rank of its
    node."""

    run_id: str
    segment_id: str
    path: Path
    joined: bool
    sampler: Sampler | None
    recorder: Recorder
    clock: Clock
    begun_cpu_s: float
    sender: EdgeSender | None = None
    """Of a process that joined a run."""
    listener: EdgeListener | None = None
    """Of a run that other processes may join."""
    debt: Debt | None = None
    """Of a run that is also to be on a server."""
    feed: Feed | None = None
    """Of a run that this process shows to sinks."""
    start_t_ns: int = 0
    _overlap: threading.Lock = field(default_factory=threading.Lock)
    """Taken by the first thread that reports an overlap in this run, and never released: one event is enough."""

    def begin_sampling(self) -> None:
        """Take the first reading, then start the threads."""
        with self.recorder.harmless("the devices that nobody reads could not be taken over"):
            self.recorder.take_over()
        if self.sampler is None:
            self.start_t_ns = self.clock.monotonic_ns()
        else:
            self.start_t_ns = self.sampler.poll()
            try:
                self.sampler.start()
            except RuntimeError as error:  # the limit of threads is reached; the recorder reports what follows
                warn("the sampling thread could not be started (%s)", error)
        self.recorder.start(self.start_t_ns, self.clock.thread_cpu_s() - self.begun_cpu_s)
        if self.debt is not None:
            self.debt.begin()
        if self.feed is not None:
            self.feed.begin()

    def nudge(self, t_ns: int) -> None:
        """A phase of this process begins or ends at `t_ns`. Wakes the sampler, in this process or in another one. Never blocks."""
        if self.sampler is not None:
            self.sampler.nudge(t_ns)
        if self.sender is not None:
            self.sender.nudge(t_ns)

    def step(self, name: str) -> None:
        """A step of the loop begins now. Never blocks."""
        if self.sampler is not None:
            self.sampler.steps.own.begin(name, self.clock.monotonic_ns())
        elif self.sender is not None:
            self.sender.step(name, self.clock.monotonic_ns())

    def count(self, step: str, phases: Sequence[PhaseRecord], units: Mapping[str, object]) -> None:
        """Work was done in the open phases, and a step of the loop begins. What cannot be counted is reported once, and the rest counts."""
        self.step(step)
        for unit, given in units.items():
            try:
                self.recorder.work(unit, phases, given)
            except AmountError as error:
                self.recorder.harmless.failed(UNCOUNTED, error)
            except TrainwattError as error:
                self.recorder.harmless.failed("a unit of work is not counted", error)
            except Exception as error:  # the types are the user's
                self.recorder.harmless.failed(UNCOUNTED, error)

    def log(self, metrics: object, values: Mapping[str, object], step: int | None) -> None:
        """Metrics of the training have new values at a step: `metrics` by name, and `values`. What is no metric is reported once, and the
        others count."""
        named: dict[str, object] = {}
        if isinstance(metrics, Mapping):
            named.update(metrics)
        elif metrics is not None:
            wrong = f"log({repr_of(metrics, LONGEST_SHOWN)}): give values by name, as in log(val_accuracy=0.97)"
            self.recorder.harmless.failed("metrics could not be logged", TrainwattError(wrong))
        for name, given in {**named, **values}.items():
            try:
                self.recorder.metric(name, given, step)
            except Exception as error:  # the types are the user's
                self.recorder.harmless.failed("a metric is not logged", error)

    def mention(self, others: Sequence[ActiveRun]) -> None:
        """Record in this run, and in each of the `others` of this process, that they count the same joules."""
        measuring = [other for other in others if other.sampler is not None and self.sampler is not None and other.run_id != self.run_id]
        if not measuring:
            return
        runs = ", ".join(other.run_id for other in measuring)
        text = f"run {runs} of this process measures too: both count the same joules, so do not add them up"
        warn("in run %s: %s", self.run_id, text)
        self._overlaps(self.start_t_ns, text)
        text = f"run {self.run_id} of this process, and perhaps others, measures too: both count the joules of that time"
        for other in measuring:
            other._overlaps(self.start_t_ns, text)

    def can_pause(self) -> bool:
        """Whether no other process measures for this run. If one does, the run says so."""
        if self.joined:
            self.recorder.harmless.failed("pause() had no effect", TrainwattError("trainwatt run measures for this process"))
        return not self.joined

    def summary(self) -> Summary:
        """The run as it is stored. Raises StoreError, and RunNotFoundError."""
        from ..presentation.notebook.summary import Summary
        from ..storage.write.patient import within

        patience_s = 3.0 if self.joined else 0.0
        return within(READ_S + patience_s, lambda: Summary.load(str(self.path), self.run_id, patience_s))

    def known_summary(self, grams: bool) -> Summary | None:
        """The run that has ended as this process knows it; None if it does not."""
        from ..presentation.notebook.summary import Summary

        image = self.recorder.remembered()
        return None if image is None else Summary.of(image, str(self.path), self.run_id, grams=grams)

    def _overlaps(self, t_ns: int, text: str) -> None:
        if self._overlap.acquire(blocking=False):
            self.recorder.note(Event(EventKind.OVERLAP, t_ns, None, text))

    def end(self, status: Status, reason: str | None, environ: Mapping[str, str]) -> None:
        """Take the last reading, then make the last commit. Raises StoreError."""
        if self.feed is not None:
            with self.recorder.harmless("the sinks could not be told of the end"):
                self.feed.hold()
        with self.recorder.harmless("the devices of processes that have ended could not be read"):
            self.recorder.take_over(ending=True)
        try:
            end_t_ns = self.clock.monotonic_ns() if self.sampler is None else self.sampler.finish()
        except Exception as error:  # the run must be closed in any case
            warn("the last reading failed", fault=error)
            end_t_ns = self.clock.monotonic_ns()
        kept = STORED_AS.get(status, status)
        closing: Row = {"status": kept, "end_reason": reason, "ended_utc_ns": self.clock.anchor().utc_of(end_t_ns)}
        run = closing | {"outcome": None if status is kept else status, "duration_s": (end_t_ns - self.start_t_ns) * 1e-9}
        with self.recorder.harmless("the ids of the job could not be read"):
            run["external"] = as_json(hidden_in(external_ids(environ)))
        try:
            self.recorder.finish(run, segment=closing | {"end_t_ns": end_t_ns})
        finally:
            self.recorder.live.end()
            if self.sender is not None:
                self.sender.close()
            if self.listener is not None:
                self.listener.close()
            if self.sampler is not None:
                self.sampler.close()
            self._end_feed()
        if self.debt is not None:
            self.debt.end()

    def _end_feed(self) -> None:
        if (feed := self.feed) is not None:
            with self.recorder.harmless("the sinks do not get the final figures"):
                known = self.known_summary(grams=True) if self.recorder.unreadable else None
                feed.end(cast("ShowJson", (known or unwarned(self.summary)).to_dict()))
                return
            feed.leave()
