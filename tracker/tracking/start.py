"""The start of a run in one process: the store is opened, the sensors are found, and the run is written down."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from ..carbon.grid.whereabouts import known_zone
from ..config import PROCESS, Config, working_folder
from ..core.clock import Anchor, Clock
from ..core.run import Event, EventKind
from ..core.sensing import Discovery, DiscoveryRequest
from ..core.sink import SinkRun
from ..errors import DamagedDatabaseError
from ..log import warn
from ..machine.git import git_commit
from ..machine.host import require_kernel_trees
from ..machine.job import external_ids, rank_in_run, ranks_here, ranks_in_job
from ..machine.launch import Launch, job_of, launch
from ..machine.process import Identity, own_command, this_process
from ..masking.text import hidden_in
from ..storage.owed.starting import Debt, require_driver
from ..storage.place import is_server
from ..storage.write import damage
from ..storage.write.owners import Owners
from ..storage.write.patient import PatientWriter
from ..storage.write.statements import insert_once
from ..storage.write.writer import Writer
from ..unwarned import unwarned
from . import joining
from .active_run import ActiveRun
from .budgeting.live import Live, Process
from .budgeting.terms import never_used, question
from .feeding.chosen import Chosen, chosen, of_process
from .feeding.feed import Feed
from .feeding.live_run import sink_run
from .harmless import Harmless
from .recording import rows
from .recording.first_rows import run_row, segment_row
from .recording.record import Record
from .recording.recorder import Recorder
from .recording.rows import Row, as_json
from .sampling.idle import mean_power_w
from .sampling.sampler import Sampler
from .sampling.schedule import CALM_S, FULL_S
from .sharing.attribution import Attribution, attribution
from .sharing.logical import Claim, claim, resumed
from .sharing.others import Neighbours, SharedDevices
from .sharing.rank_use import RankUse
from .sharing.standby import Standby, divided
from .surroundings import Surroundings
from .target import Target

T = TypeVar("T")


def begin(config: Config, target: Target, clock: Clock, environ: Mapping[str, str]) -> ActiveRun:
    """Open the store, find the sensors and write the run down.

    Raises ConfigurationError or StoreError; then nothing is left open or stored.
    """
    if config.zone is not None:
        known_zone(config.zone)
    require_kernel_trees(config.sysfs, config.procfs)
    around = None if target.joinable else joining.run_to_join(environ, config.procfs)
    if around is None:  # else `trainwatt run` around it has asked
        question(config)
    sinks = unwarned(chosen, config.sinks)
    if around is None and config.db is not None and is_server(os.fspath(config.db)):
        require_driver(os.fspath(config.db))
    writer, joined = around or (PatientWriter.at(config.db), None)
    try:
        return _Start(config, target, clock, environ, writer, joined).begin(sinks)
    except BaseException:
        writer.close()
        raise


class _Meters(NamedTuple):
    """What this process measures. `sampler` is None if another process measures this machine. `idle_w`: the mean power of each device
    before the run began, empty without a baseline. `shares`: what is attributed to the processes of the run, with scope="process"."""

    found: Discovery
    sampler: Sampler | None
    idle_w: Mapping[str, float]
    shares: Attribution | None = None


class _Start:
    """The start of one run, once its database is open. `joined` is the id of the run that this process joins, None for a new run."""

    def __init__(
        self, config: Config, target: Target, clock: Clock, environ: Mapping[str, str], writer: Writer, joined: str | None
    ) -> None:
        self._begun_cpu_s = clock.thread_cpu_s()
        self._config = config
        self._period_s = FULL_S if config.period_s is None else config.period_s
        self._target = target
        self._clock = clock
        self._environ = environ
        self._writer = writer
        self._joined = joined
        self._root = target.root(environ)
        self._claim: Claim | None = None
        self._tells = True  # when the budget is used
        self._standby: Standby | None = None
        self._rank, self._ranks_here = rank_in_run(environ), ranks_here(environ)
        self._faults: list[str] = []
        self._harmless = Harmless(self._faults.append)
        self._run_id, self._segment_id = joined or os.urandom(6).hex(), os.urandom(8).hex()

    def begin(self, sinks: Sequence[Chosen]) -> ActiveRun:
        """Find the sensors and write the run down. Raises ConfigurationError or StoreError; then no sensor is left open."""
        me = this_process(self._config.procfs)
        if self._joined is None and self._target.environ is None and (claimed := self._claimed(me)) is not None:
            self._claim, self._run_id = claimed, claimed.run_id
        meters = self._meters(me)
        try:
            shares = attribution(self._config, meters.sampler, meters.found.sensors, self._root, me, meters.idle_w)
            meters, anchor = meters._replace(shares=shares), self._clock.anchor()  # the run begins now
            first = self._first_rows(meters, me, anchor)
            self._write(first)
            recorder = self._recorder(meters, me, anchor, first)
        except BaseException:
            if meters.sampler is not None:
                meters.sampler.close()
            if self._standby is not None:
                self._standby.close()
            raise
        return ActiveRun(
            self._run_id,
            self._segment_id,
            self._writer.path,
            self._joined is not None,
            meters.sampler,
            recorder,
            self._clock,
            self._begun_cpu_s,
            *joining.edges(self._run_id, self._joined is not None, self._hears(meters), self._clock, several=self._claim is not None),
            debt=None if self._joined else Debt.of(self._config.db, self._writer.real_path, self._run_id),
            feed=self._feed(sinks, meters, sink_run(self._run_id, self._config, me, anchor), recorder),
        )

    def _claimed(self, me: Identity) -> Claim | None:
        """The run that other processes record in too, or that goes on; None for a new one of this process alone."""
        of_ranks, config, now_ns = launch(self._environ, self._config.procfs), self._config, self._clock.anchor().utc_ns
        if config.resume is not None:
            same = f"{config.project}/{config.name}/{self._target.command or own_command()}"
            auto = Launch(job_of(self._environ) or same, lasting=True, restarted=False)
            return resumed(self._writer, config.resume, auto, self._rank, me, now_ns)
        return None if of_ranks is None else claim(self._writer, of_ranks, self._rank, me, now_ns)

    # ---- the sensors

    def _hears(self, meters: _Meters) -> Sampler | None:
        """The sampler that hears of the phases of other processes."""
        sampler = meters.sampler
        return sampler if sampler is not None and (self._target.joinable or (self._claim and sampler.integrators)) else None

    def _meters(self, me: Identity) -> _Meters:
        if self._joined is not None:
            return _Meters(Discovery(), None, {})
        from ..sensors.discovery import discover  # loads the libraries of the drivers

        config = self._config
        environ = self._environ if self._target.environ is None else self._target.environ
        found = discover(
            DiscoveryRequest(config.gains, config.named_gpus, environ, config.sysfs, config.procfs, config.sensors, config.offsets_w)
        )
        if self._claim is not None:
            owners = Owners(self._writer.path, self._run_id, me.boot_id or me.host)
            found, others = divided(found, owners, first=not self._claim.exists)
            self._standby = Standby(others, owners, self._run_id, self._segment_id, me)
        for reason, names in groupby(found.missed, key=lambda missed: missed.detail):
            warn("not measured: %s (%s)", ", ".join(missed.device.name for missed in names), reason)
        asked = config.baseline_s and found.sensors
        idle_w = mean_power_w(found.sensors, self._clock, config.baseline_s, self._period_s) if asked else {}
        sampler = Sampler(found.sensors, self._clock, self._period_s, CALM_S if config.period_s is None else None)
        return _Meters(found, sampler, idle_w)

    # ---- what is written first

    def _first_rows(self, meters: _Meters, me: Identity, anchor: Anchor) -> dict[str, Sequence[Row]]:
        devices = [] if meters.sampler is None else [i.device for i in meters.sampler.integrators.values()]
        devices += [] if meters.shares is None else meters.shares.devices
        own = segment_row(self._segment_id, self._run_id, me, anchor, joined=bool(self._joined), rank=self._rank, period_s=self._period_s)
        return {
            "run": [] if self._joined else [self._run_row(me, anchor)],
            "segment": [own],
            "device": [
                *(rows.device_row(self._segment_id, device, meters.idle_w.get(device.name)) for device in devices),
                *(rows.missed_row(self._segment_id, missed) for missed in meters.found.missed),
            ],
            "clock_anchor": [rows.anchor_row(self._segment_id, anchor)],
        }

    def _write(self, first: Mapping[str, Sequence[Row]]) -> None:
        if self._joined is not None:
            self._tells = joining.join(self._writer, self._joined, first, self._config, self._ranks_here)
            return
        try:
            self._write_own(first)
        except DamagedDatabaseError:
            warn("%s", damage.wording(self._writer.path, self._writer.begin_anew()))
            self._write_own(first)

    def _write_own(self, first: Mapping[str, Sequence[Row]]) -> None:
        if self._claim is None:
            self._writer.write(first)
            return
        [run] = first["run"]
        self._writer.write({}, then=[insert_once("run", run)])  # whichever rank is first
        row = joining.names(self._writer, self._run_id, self._config, self._ranks_here, inner=False)
        again: Row = {"status": "running", "outcome": None, "end_reason": None, "ended_utc_ns": None, "duration_s": None}
        self._writer.write({**first, "run": []}, {"run": [row | (again if self._claim.over else {})]})

    def _run_row(self, me: Identity, anchor: Anchor) -> Row:
        target = self._target
        command = target.command
        if command is None and target.tree_pid == me.pid:
            command = self._optional("the command line could not be read", own_command)
        row = run_row(self._run_id, self._config, me, anchor, command=command, ranks_here=self._ranks_here)
        ids = self._optional("the ids of the job could not be read", lambda: hidden_in(external_ids(self._environ)))
        commit = self._optional("the git commit could not be read", lambda: git_commit(working_folder()))
        return row | {"git_commit": commit, "external": as_json(ids or {})}

    def _optional(self, what: str, find: Callable[[], T]) -> T | None:
        """What `find` returns. None if it fails: the run begins without it."""
        with self._harmless(what):
            return unwarned(find)
        return None

    # ---- the recorder

    def _recorder(self, meters: _Meters, me: Identity, anchor: Anchor, first: Mapping[str, Sequence[Row]]) -> Recorder:
        neighbours = Neighbours(self._run_id, me, anchor)
        surroundings = None if self._joined else self._surroundings(meters, me, anchor, neighbours)
        process = Process(self._run_id, self._segment_id, self._joined is not None, self._claim is not None, self._tells)
        live = Live.of(self._config, process, self._clock, meters.sampler, surroundings, lambda e: record.notes.append(e), self._target)
        record = Record(
            self._writer,
            self._clock,
            meters.sampler,
            run_id=self._run_id,
            segment_id=self._segment_id,
            first=first,
            boot_id=me.boot_id,
            owner=self._joined is None,
            joinable=self._target.joinable,
            several=self._claim is not None,
            standby=self._standby,
            rank_use=self._rank_use(meters, me),
            surroundings=surroundings,
            live=live,
        )
        recorder = Recorder(self._writer, self._clock, meters.sampler, record)
        notes = [] if meters.sampler is None else neighbours.already_there(self._writer, anchor.monotonic_ns)
        if self._target.refused is not None:
            text = f"the run is recorded in {self._writer.path} instead: {self._target.refused}"
            notes.append(Event(EventKind.STORE, anchor.monotonic_ns, None, text))
        if self._claim is not None and self._claim.said is not None:
            notes.append(Event(EventKind.CONTINUED, anchor.monotonic_ns, None, self._claim.said))
        notes += [Event(EventKind.STORE, anchor.monotonic_ns, None, text) for text in self._faults]
        notes += [] if self._joined or self._standby or meters.found.sensors else never_used(self._config, anchor.monotonic_ns)
        record.notes.extend(notes)
        return recorder

    def _feed(self, sinks: Sequence[Chosen], meters: _Meters, run: SinkRun, recorder: Recorder) -> Feed | None:
        around = [] if self._joined is None else joining.sinks_around(self._writer, self._joined)
        own = of_process(sinks, speaks=self._rank in (None, 0), around=around)
        return Feed.of(own, run, recorder, self._clock, meters.sampler, self._standby) if own else None

    def _rank_use(self, meters: _Meters, me: Identity) -> RankUse | None:
        """None where there are no ranks, and where the energy of processes is attributed to the run as a whole."""
        is_rank = self._rank is not None and ranks_in_job(self._environ) > 1
        measures = meters.sampler is not None and (self._target.joinable or self._claim is not None)
        if self._config.scope == PROCESS or not (is_rank or measures):
            return None
        return RankUse(self._run_id, self._segment_id, me, meters.found.sensors, is_rank=is_rank, sysfs=self._config.sysfs)

    def _surroundings(self, meters: _Meters, me: Identity, anchor: Anchor, neighbours: Neighbours) -> Surroundings:
        return Surroundings(
            run_id=self._run_id,
            segment_id=self._segment_id,
            host=me.host,
            config=self._config,
            environ=self._environ,
            found=meters.found,
            devices=None if meters.sampler is None else [i.device for i in meters.sampler.integrators.values()],
            shared=SharedDevices(meters.found.sensors, self._root, me, self._run_id, anchor.monotonic_ns, full=self._target.full),
            shares=meters.shares,
            neighbours=neighbours,
            writer=self._writer,
            clock=self._clock,
            joinable=self._target.joinable,
            pid=self._target.tree_pid,
        )
