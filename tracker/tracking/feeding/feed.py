"""The feed of the sinks of a run: one thread for each, so that one that waits holds up neither the training nor the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ...core.clock import Clock
from ...core.run import Event, EventKind
from ...core.sink import LiveRun, SinkRun
from ...log import warn
from ...machine.threads import start_thread
from ...texts import error_text
from ...unwarned import unwarned
from .chosen import Chosen
from .devices import LiveDevices
from .live_run import Watched, stored

if TYPE_CHECKING:
    from ...core.contract import ShowJson
    from ..recording.recorder import Recorder
    from ..sampling.sampler import Sampler
    from ..sharing.standby import Standby

END_S = 5.0
"""How long the end of a run waits for its sinks, all together."""
SHORTEST_S, LONGEST_S = 0.1, 300.0
"""The shortest time between two calls of a sink, and the longest one to which a fault lets it grow."""


class Feed:
    """Shows a run to its sinks. `now` gives the run at this moment, and `note` takes an event of the run.

    `shows_host`: whether this process shows the devices of its machine; the others leave out the sinks that are for a machine. `attach` is
    called if there are sinks to show the run to.
    """

    def __init__(
        self,
        sinks: Iterable[Chosen],
        run: SinkRun,
        now: Callable[[], LiveRun],
        note: Callable[[str], None],
        shows_host: Callable[[], bool],
        attach: Callable[[], None],
    ) -> None:
        self._live = now
        self._host = run.host
        self._held: LiveRun | None = None
        self._shows_host = shows_host
        self._attach = attach
        self._feeders = [_Feeder(chosen, run, self._now, note) for chosen in sinks]

    @classmethod
    def of(
        cls, sinks: Iterable[Chosen], run: SinkRun, recorder: Recorder, clock: Clock, sampler: Sampler | None, standby: Standby | None
    ) -> Feed:
        """The feed of a run that is recorded. `sampler` reads the sensors of this process. `standby`: None if no other rank reads any."""
        devices = LiveDevices(run.host, clock)
        watched = Watched(recorder.live, devices, recorder.units, clock)

        def note(text: str) -> None:
            recorder.note(Event(EventKind.SINK, clock.monotonic_ns(), None, text))

        def shows_host() -> bool:
            return sampler is not None and (standby is None or (bool(sampler.integrators) and standby.shows_host()))

        return cls(sinks, run, watched.now, note, shows_host, lambda: recorder.live.shown(devices))

    def begin(self) -> None:
        """The run begins, and the devices that this process reads are known. Each sink begins in its thread."""
        if any(feeder.per_host for feeder in self._feeders) and not self._shows_host():
            self._feeders = [feeder for feeder in self._feeders if not feeder.per_host]
        if self._feeders:
            self._attach()
        for feeder in self._feeders:
            feeder.start()

    def hold(self) -> None:
        """The run is about to end: what is known now stays until the final figures are known."""
        self._held = self._live()

    def end(self, view: ShowJson) -> None:
        """The run has ended; `view` is what `show --json` prints. Each sink that is not stuck gets the final figures, and ends."""
        self._held = stored(view, self._host, self._now())
        self.leave()

    def leave(self) -> None:
        """Each sink that is not stuck gets what is known last, and ends."""
        until_s = time.monotonic() + END_S
        for feeder in self._feeders:
            feeder.over.set()
        for feeder in self._feeders:
            feeder.join(max(0.0, until_s - time.monotonic()))

    def _now(self) -> LiveRun:
        return self._held or self._live()


class _Feeder:
    """The thread of one sink."""

    def __init__(self, chosen: Chosen, run: SinkRun, now: Callable[[], LiveRun], note: Callable[[str], None]) -> None:
        self._name, self._sink = chosen
        self.per_host = chosen.sink.per_host
        self._run = run
        self._now = now
        self._note = note
        self._begun = self._said = False
        self._thread: threading.Thread | None = None
        self.over = threading.Event()

    def start(self) -> None:
        try:
            self._thread = start_thread(self._loop, f"trainwatt-{self._name}")
        except RuntimeError as error:  # the limit of threads is reached
            self._failed(error)

    def join(self, timeout_s: float) -> None:
        if self._thread is None:
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            warn("the sink %s does not answer; it may not have the last figures of the run", self._name)

    def _loop(self) -> None:
        wait_s = 0.0
        while not self.over.wait(wait_s):
            period_s = min(max(SHORTEST_S, self._sink.period_s), LONGEST_S)
            wait_s = period_s if self._shown() else min(max(period_s, 2 * wait_s), LONGEST_S)
        self._shown()
        if self._begun:
            self._try(self._sink.end)

    def _shown(self) -> bool:
        """Show the run as it is now. Returns whether that went well."""
        if not self._begun:
            self._begun = self._try(lambda: self._sink.begin(self._run, self._now))
        return self._begun and self._try(lambda: self._sink.write(self._now()))

    def _try(self, call: Callable[[], None]) -> bool:
        try:
            unwarned(call)
        except Exception as error:  # the code is that of other packages
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        if not self._said:
            self._said = True
            text = f"the sink {self._name} does not get the figures of the run: {error_text(error)}"
            warn("%s; the training is not affected", text)
            self._note(text)
