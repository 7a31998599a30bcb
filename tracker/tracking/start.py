"""The beginning and the end of a run in one process: what is found, what is stored of it first, what is closed last."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..carbon.grid.whereabouts import AUTO, known_zone
from ..config import JOIN_DB, JOIN_RUN, Config, working_folder
from ..core.clock import Anchor, Clock
from ..core.run import Event, EventKind
from ..core.sensing import Discovery, DiscoveryRequest, Sensor
from ..errors import DamagedDatabaseError, StoreError
from ..log import warn
from ..machine.git import git_commit
from ..machine.job import external_ids, global_rank, local_rank
from ..machine.process import Identity, own_command, this_process
from ..storage import place
from ..storage.write import damage
from ..storage.write.writer import Writer
from .active_run import ActiveRun
from .recording import rows
from .recording.recorder import Recorder
from .recording.rows import Row, as_json
from .sampling.sampler import Sampler
from .sharing import Neighbours, SharedDevices
from .surroundings import Surroundings
from .target import Target


def begin(config: Config, watch: Target, clock: Clock, environ: Mapping[str, str]) -> ActiveRun:
    """Open the store, find the sensors and write the run down. Raises ConfigurationError or StoreError, and then leaves nothing."""
    if config.zone is not None:
        known_zone(config.zone)
    writer = None if watch.joinable else _invited(environ, config)
    joining = None if writer is None else environ[JOIN_RUN]
    if writer is None:
        writer = Writer.open(place.sqlite_path(place.locate(None, {}, config.db)))
    try:
        return _begin(config, watch, clock, environ, writer, joining)
    except BaseException:
        writer.close()
        raise


def _invited(environ: Mapping[str, str], config: Config) -> Writer | None:
    """The database of the `trainwatt run` around this process, if that run still goes on; None where there is nothing to join, as in an
    environment that outlived its run."""
    run_id, db = environ.get(JOIN_RUN), environ.get(JOIN_DB)
    if not run_id or not db or not os.path.isfile(db):
        return None
    try:
        writer = Writer.open(Path(db))
    except StoreError:
        return None
    try:
        owners = writer.query(
            "SELECT s.host, s.boot_id, s.pid_namespace, s.pid, s.start_ticks FROM segment s JOIN run r ON r.id = s.run_id"
            " WHERE r.id = ? AND r.status = 'running' AND s.role = 'owner' AND s.status = 'running'",
            (run_id,),
        )
        me = this_process(config.procfs)
        for _, boot_id, namespace, pid, start_ticks in owners:
            # only within one boot do two processes share a monotonic clock; an owner in another container is believed to live
            if boot_id == me.boot_id and (namespace != me.pid_namespace or me.is_alive(pid, start_ticks)):
                return writer
    except StoreError:
        pass
    writer.close()
    return None


def _begin(config: Config, watch: Target, clock: Clock, environ: Mapping[str, str], writer: Writer, joining: str | None) -> ActiveRun:
    begun_cpu_s = clock.thread_cpu_s()
    rank_here = local_rank(environ)
    found, sampler, idle_w = Discovery(), None, dict[str, float]()
    if joining is None and not rank_here:
        from ..sensors.discovery import discover

        seen = environ if watch.environ is None else watch.environ
        found = discover(DiscoveryRequest(config.gains, config.gpus, seen, config.sysfs, config.procfs, config.sensors))
        idle_w = _baseline(found.sensors, clock, config)
        sampler = Sampler(found.sensors, clock, config.period_s)
    me, anchor = this_process(config.procfs), clock.anchor()
    run_id, segment_id = joining or os.urandom(6).hex(), os.urandom(8).hex()
    first: dict[str, Sequence[Row]] = {
        "run": [] if joining else [_run_row(run_id, config, watch, environ, me, anchor)],
        "segment": [_segment_row(run_id, segment_id, config, me, anchor, "joined" if joining else "owner", global_rank(environ))],
        "device": [rows.device_row(segment_id, i.device, idle_w.get(n)) for n, i in sampler.integrators.items()] if sampler else [],
        "clock_anchor": [rows.anchor_row(segment_id, anchor)],
    }
    names = {"run": [_names(writer, joining, config)]} if joining else None
    try:
        try:
            writer.write(first, names)
        except DamagedDatabaseError:
            if joining:
                raise
            warn("%s", damage.wording(writer.path, writer.begin_anew()))
            writer.write(first)
    except BaseException:
        if sampler is not None:
            sampler.close()
        raise

    neighbours = Neighbours(run_id, me, anchor.utc_ns)
    surroundings = Surroundings(
        run_id=run_id,
        segment_id=segment_id,
        host=me.host,
        config=config,
        environ=environ,
        found=found,
        devices=None if sampler is None else [i.device for i in sampler.integrators.values()],
        shared=SharedDevices(found.sensors, os.getppid() if rank_here == 0 and watch.tree_pid == me.pid else watch.tree_pid, me),
        neighbours=neighbours,
        writer=writer,
    )
    recorder = Recorder(
        writer,
        clock,
        sampler,
        run_id=run_id,
        segment_id=segment_id,
        first=first,
        boot_id=me.boot_id,
        owner=joining is None,
        joinable=watch.joinable,
        surroundings=None if joining else surroundings,
    )
    for event in neighbours.already_there(writer, anchor.monotonic_ns) if sampler is not None else ():
        recorder.note(event)
    if rank_here:
        text = f"local rank {rank_here} measures nothing, so that no device counts twice; the node's energy is in its local rank 0's run"
        recorder.note(Event(EventKind.RANK, anchor.monotonic_ns, None, text))
    return ActiveRun(run_id, segment_id, writer.path, joining is not None, sampler, recorder, clock, begun_cpu_s)


def _run_row(run_id: str, config: Config, watch: Target, environ: Mapping[str, str], me: Identity, anchor: Anchor) -> Row:
    return {
        "id": run_id,
        "project": config.project,
        "name": config.name,
        "group_name": config.group,
        "stage": config.stage,
        "status": "running",
        "started_utc_ns": anchor.utc_ns,
        "last_seen_utc_ns": anchor.utc_ns,
        "host": me.host,
        "command": watch.command or (own_command() if watch.tree_pid == me.pid else None),
        "git_commit": git_commit(working_folder()),
        "tags": as_json(dict(config.tags)),
        "external": as_json(external_ids(environ)),
        "zone": None if config.zone == AUTO else config.zone,
        "settings": as_json(
            {
                "intensity_g_per_kwh": config.intensity_g_per_kwh,
                "pue": config.pue,
                "hardware": config.hardware and str(Path(config.hardware).absolute()),
                "period_s": config.period_s,
                "gains": config.gains,
                "scope": config.scope,
                "baseline_s": config.baseline_s,
                "gpus": config.gpus,
                "sensors": config.sensors,
                "python": sys.version.split()[0],
            }
        ),
        "version": __version__,
    }


def _segment_row(run_id: str, segment_id: str, config: Config, me: Identity, anchor: Anchor, role: str, rank: int | None) -> Row:
    return {
        "id": segment_id,
        "run_id": run_id,
        "role": role,
        "status": "running",
        "host": me.host,
        "boot_id": me.boot_id,
        "pid_namespace": me.pid_namespace,
        "pid": me.pid,
        "start_ticks": me.start_ticks,
        "rank": rank,
        "started_utc_ns": anchor.utc_ns,
        "last_seen_utc_ns": anchor.utc_ns,
        "start_t_ns": anchor.monotonic_ns,
        "period_s": config.period_s,
    }


def _names(writer: Writer, run_id: str, config: Config) -> Row:
    """A tracker inside `trainwatt run` knows better what runs: its names fill what the command line left at the default."""
    default = Config()
    [(project, name, group, stage, tags, zone)] = writer.query(
        "SELECT project, name, group_name, stage, tags, zone FROM run WHERE id = ?", (run_id,)
    )
    known_tags: dict[str, Any] = json.loads(tags or "{}")
    return {
        "id": run_id,
        "project": config.project if project == default.project else project,
        "name": name or config.name,
        "group_name": group or config.group,
        "stage": config.stage if stage == default.stage else stage,
        "zone": zone or (None if config.zone == AUTO else config.zone),
        "tags": as_json({**config.tags, **known_tags}),
    }


def _baseline(sensors: Sequence[Sensor], clock: Clock, config: Config) -> dict[str, float]:
    """Sample for `baseline_s` before the run begins: the mean power of each device while nothing trains, in watts."""
    if not config.baseline_s or not sensors:
        return {}
    sampler = Sampler(sensors, clock, config.period_s)
    start_ns = sampler.poll()
    while (left_s := config.baseline_s - (clock.monotonic_ns() - start_ns) * 1e-9) > 0:
        time.sleep(min(config.period_s, left_s))
        sampler.poll()
    seconds = (sampler.finish() - start_ns) * 1e-9
    return {n: i.curve.latest.energy_j / seconds for n, i in sampler.integrators.items() if i.curve.latest is not None}
