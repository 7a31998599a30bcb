"""The energy of a run so far, kept in memory: who asks during the training opens no database and calls no driver."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from ...config import Config
from ...core.clock import Clock
from ...core.run import Event
from ...core.sensing import Device
from ...energy.curve import Curve
from ...errors import StoreError
from ...storage.write.statements import Statement
from ...storage.write.writer import Writer
from ..harmless import Harmless
from ..sampling.sampler import Sampler
from ..sampling.snapshot import Snapshot
from .cost import Cost
from .epochs import Epochs, Forecast
from .limit import Limit
from .others import AHEAD_NS, MEAN_NS, STORED, Others, Row
from .passes import Pass

if TYPE_CHECKING:
    from ..feeding.devices import LiveDevices
    from ..surroundings import Surroundings
    from ..target import Target

NS = 1e-9
SETTLED_NS = 250_000_000
"""Once somebody has asked, readings are integrated with the first round after this time."""
OTHERS_WORK = (
    "SELECT w.unit, SUM(w.amount) FROM work w JOIN segment s ON s.id = w.segment_id"
    " WHERE s.run_id = ? AND s.id <> ? AND w.phase = '' GROUP BY w.unit"
)
"""The work that they have stored."""


class Process(NamedTuple):
    """This process as a part of a run. `joined`: the run is that of another process; `several`: other processes record in it too. `tells`:
    no other process says when the budget is used."""

    run_id: str
    segment_id: str
    joined: bool
    several: bool
    tells: bool = True

    @property
    def shares(self) -> bool:
        """Whether other processes may have stored energy of the run."""
        return self.joined or self.several


class _Known(NamedTuple):
    t_ns: int
    energy_j: float


class Live:
    """The joules of a run so far.

    `sampler` and `surroundings`: None if this process reads no sensor. `process`: None if no other process knows the run.
    `limit`: the budget of the run, and `epochs`: its epochs, if it has them. `grams`: what its energy is in grams.
    """

    def __init__(
        self,
        clock: Clock,
        sampler: Sampler | None,
        surroundings: Surroundings | None = None,
        process: Process | None = None,
        limit: Limit | None = None,
        epochs: Epochs | None = None,
        grams: Cost | None = None,
    ) -> None:
        self._clock = clock
        self._sampler = sampler
        self._process = process
        self._surroundings = surroundings
        self.limit = limit
        self._epochs = epochs
        if epochs is not None:
            epochs.late = sampler is None or not sampler.integrators
        if limit is not None:
            limit.live = self
        self._lock = threading.Lock()
        self._known: deque[_Known] = deque(maxlen=64)
        self._first: _Known | None = None
        self._others = Others()
        self._others_known = process is None or not process.shares
        self._highest_j = 0.0
        self._asked = self._over = False
        self._devices: LiveDevices | None = None
        self._grams = grams
        self._grams_asked = False
        self.others_work: Mapping[str, int] = {}
        """The work that other processes of the run have stored, by unit, once somebody has asked for the energy or the grams."""
        if self._sampler is not None and not (surroundings is not None and surroundings.attributes):  # shares are known at a commit
            self._sampler.on_settled = self._settled
        if limit is not None or (epochs is not None and epochs.of is not None):
            self.ask()

    @classmethod
    def of(
        cls,
        config: Config,
        process: Process,
        clock: Clock,
        sampler: Sampler | None,
        surroundings: Surroundings | None,
        note: Callable[[Event], None],
        target: Target,
    ) -> Live:
        """The joules of a run with these settings, and its budget and epochs. `note` takes events of the run."""
        limit = Limit.of(config, process[:2], clock, note, lambda: target.on_over())
        epochs = Epochs(config.epochs, clock, process[:2], lambda: live.known_j())
        epochs.stores = not process.several or (sampler is not None and bool(sampler.integrators))
        if limit is not None:
            limit.tells = process.tells and epochs.stores
        live = cls(clock, sampler, surroundings, process, limit, epochs, Cost(process[:2], clock))
        return live

    # ---- for who asks, in any thread

    @property
    def energy_j(self) -> float | None:
        """The joules until now: what was read, and since then the last power. It never falls while the run goes on. None if nothing is
        known (yet)."""
        self.ask()
        return self.known_j()

    def known_j(self) -> float | None:
        """The same from what is known anyway: if nobody has asked, that of the last commit and what the last power has added."""
        with self._lock:
            others_j = self._others.energy_j
            if not self._others_known or not (self._known or others_j):
                return None
            now_ns, own = self._clock.monotonic_ns(), self._known[-1] if self._known else _Known(0, 0.0)
            if self._over:
                return own.energy_j + others_j
            ahead_j = (self._own_w() or 0.0) * NS * min(max(0, now_ns - own.t_ns), AHEAD_NS) + self._others.ahead_j(now_ns)
            self._highest_j = max(self._highest_j, own.energy_j + others_j + ahead_j)
            return self._highest_j

    @property
    def power_w(self) -> float | None:
        """The mean watts of the last MEAN_NS; of what other processes read, of the MEAN_NS before they last stored it. None if they are not
        known (yet), and after the end."""
        self.ask()
        with self._lock:
            if self._over or not self._others_known:
                return None
            own_w, others_w = self._own_w(), self._others.power_w(self._clock.monotonic_ns())
            if own_w is None and (self._known or not self._others.energy_j):
                return None
            return None if others_w is None else (own_w or 0.0) + others_w

    @property
    def forecast(self) -> Forecast | None:
        """What the run will have used at its end. None if that is not known (yet), and after the end."""
        self.ask()
        return None if self._epochs is None or self._over else self._epochs.forecast()

    @property
    def carbon_g(self) -> float | None:
        """The grams of CO2e until now. None if they are not known (yet)."""
        self._grams_asked = True
        energy_j = self.energy_j
        return None if energy_j is None or self._grams is None else self._grams.of(energy_j)

    @property
    def budget_share(self) -> float | None:
        """The part of the budget that is used. None without a budget, and if it is not known (yet)."""
        used = None if self.limit is None else self.limit.used
        return None if used is None or self.limit is None else used / self.limit.budget.amount

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self._over

    def shown(self, devices: LiveDevices) -> None:
        """From now on each device is of interest too, and the grams: sinks show them."""
        self._devices, self._grams_asked = devices, True
        self.ask()

    def begun(self, t_ns: int) -> None:
        """The run began at `t_ns`."""
        self._first = _Known(t_ns, 0.0) if self._process is None or not self._process.shares else None
        for part in (*self._costs, self._epochs):
            if part is not None:
                part.begun_ns = t_ns

    def begins(self, phase: str, step: int | None, t_ns: int) -> None:
        """A phase begins."""
        if self._epochs is not None:
            self._epochs.begins(phase, step, t_ns)

    def begin_pass(self, loader: object) -> Pass | None:
        """A pass over a loader begins. None if it tells nothing of the length of the training."""
        if self._epochs is None or self._over:
            return None
        if self._process is not None and self._process.shares:
            self.ask()
        return self._epochs.begin_pass(loader)

    def ask(self) -> None:
        """From now on readings are integrated soon, and other processes of the run are looked at with each commit."""
        if not self._asked:
            self._asked = True
            if self._sampler is not None:
                self._sampler.settle_ns = SETTLED_NS

    # ---- where it comes from

    def look(self, seen: Snapshot | None, writer: Writer | None) -> None:
        """In a commit: what the sensors showed, and what other processes have stored, if `writer` may ask. Raises StoreError."""
        if self._process is not None and self._asked and writer is not None:
            if self._process.shares:
                stored = cast("list[Row]", writer.query(STORED, self._process[:2]))
                with self._lock:
                    self._others.learn(stored, self._clock.monotonic_ns())
                    self._others_known = True
            self.others_work = dict(writer.query(OTHERS_WORK, self._process[:2]))
        if self.limit is not None and writer is not None:
            self.limit.learn(writer)
        if self._epochs is not None and writer is not None:
            self._epochs.learn(writer)
        if self._grams is not None and self._grams_asked and writer is not None:
            self._grams.learn(writer)
        if seen is not None:
            self._take((device.device, device.curve) for device in seen.devices.values())
        elif self.limit is not None and self._others.energy_j:
            self.limit.check()

    def look_safely(self, seen: Snapshot | None, writer: Writer | None, harmless: Harmless) -> None:
        """The same, without an error: what is not known now is known later."""
        with harmless("the energy so far is not known"):
            try:
                self.look(seen, writer)
            except StoreError:
                self.look(seen, None)

    def changes(self, *, final: bool) -> list[Statement]:
        """What stores the forecast, in this commit."""
        return [] if self._epochs is None else self._epochs.changes(final=final)

    def end(self) -> None:
        """The run has ended: what is known now is its energy."""
        self._over = True
        if self.limit is not None:
            self.limit.ended = True
        for cost in self._costs:
            cost.ended_ns = self._clock.monotonic_ns()

    @property
    def _costs(self) -> list[Cost]:
        return [cost for cost in (self._grams, None if self.limit is None else self.limit.cost) if cost is not None]

    def _settled(self) -> None:
        """In the thread that has integrated readings."""
        if self._asked and self._sampler is not None and self._sampler.integrators:
            self._take((integrator.device, integrator.curve) for integrator in self._sampler.integrators.values())

    def _take(self, devices: Iterable[tuple[Device, Curve]]) -> None:
        out = frozenset() if self._surroundings is None else self._surroundings.uncounted
        newest = [(device, curve.latest) for device, curve in devices]
        if self._devices is not None:
            self._devices.take(newest, out)
        known = [point for device, point in newest if point is not None and device.included_in_total and device.name not in out]
        if known:
            self._publish(max(point.t_ns for point in known), sum(point.energy_j for point in known))
        if self.limit is not None and self._others_known and (known or self._others.energy_j):
            self.limit.check()

    def _publish(self, t_ns: int, energy_j: float) -> None:
        with self._lock:
            while self._known and self._known[-1].t_ns >= t_ns:  # a commit may publish what is older than the last round of readings
                self._known.pop()
            self._known.append(_Known(t_ns, energy_j))
            while len(self._known) > 2 and self._known[1].t_ns <= t_ns - MEAN_NS:
                self._known.popleft()

    def _own_w(self) -> float | None:
        first = self._known[0] if len(self._known) > 1 else self._first
        last = self._known[-1] if self._known else None
        if first is None or last is None or last.t_ns <= first.t_ns:
            return None
        return max(0.0, (last.energy_j - first.energy_j) / ((last.t_ns - first.t_ns) * NS))
