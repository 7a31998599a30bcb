"""A tracker inside `trainwatt run` records in that command's run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from ..carbon.grid.whereabouts import AUTO
from ..config import JOIN_DB, JOIN_RUN, Config
from ..core.run import FLOPS_PRECISION_KEY, FORECAST_KEY
from ..errors import StoreError
from ..machine.process import this_process
from ..masking.text import hidden_in, scrubbed_name
from ..storage.write.patient import PatientWriter
from ..storage.write.writer import Writer
from .recording.first_rows import budget_settings
from .recording.rows import Row, as_json

if TYPE_CHECKING:
    from ..core.clock import Clock
    from .sampling.edges import EdgeListener, EdgeSender
    from .sampling.sampler import Sampler


def run_to_join(environ: Mapping[str, str], procfs: str) -> tuple[Writer, str] | None:
    """The database and the id of the `trainwatt run` around this process, while that run is still running.

    None if there is nothing to join, for example in an environment that outlived its run.
    """
    run_id, db = environ.get(JOIN_RUN), environ.get(JOIN_DB)
    if not run_id or not db:
        return None
    try:
        writer = PatientWriter.at(db, exists=True)
    except StoreError:
        return None
    try:
        if _is_running(writer, run_id, procfs):
            return writer, run_id
    except StoreError:
        pass
    writer.close()
    return None


def _is_running(writer: Writer, run_id: str, procfs: str) -> bool:
    owners = writer.query(
        "SELECT s.host, s.boot_id, s.pid_namespace, s.pid, s.start_ticks FROM segment s JOIN run r ON r.id = s.run_id"
        " WHERE r.id = ? AND r.status = 'running' AND s.role = 'owner' AND s.status = 'running'",
        (run_id,),
    )
    me = this_process(procfs)
    # Two processes share a monotonic clock within one boot only. Whether an owner in another container is alive cannot be seen from here.
    return any(
        boot_id == me.boot_id and (namespace != me.pid_namespace or me.is_alive(pid, start_ticks))
        for _, boot_id, namespace, pid, start_ticks in owners
    )


def sinks_around(writer: Writer, run_id: str) -> list[str]:
    """The names of the sinks that the command around this process shows the run to."""
    [(settings,)] = writer.query("SELECT settings FROM run WHERE id = ?", (run_id,))
    return list(json.loads(settings or "{}").get("sinks", ()))


def edges(
    run_id: str, joined: bool, measuring: Sampler | None, clock: Clock, *, several: bool = False
) -> tuple[EdgeSender | None, EdgeListener | None]:
    """The way of the edges of phases between the processes of one run: from one that `joined`, to the one whose sampler is `measuring`.
    `several` may measure: the first of them hears the others."""
    if not joined and measuring is None and not several:
        return None, None
    from .sampling.edges import EdgeListener, EdgeSender  # seldom needed

    with suppress(OSError, RuntimeError):  # the range of a phase is wider without it
        if joined:
            return EdgeSender(run_id), None
        if measuring is not None:
            with suppress(OSError) if several else nullcontext():
                return None, EdgeListener(run_id, measuring, clock)
        if several:
            return EdgeSender(run_id), None
    return None, None


def join(writer: Writer, run_id: str, first: Mapping[str, Sequence[Row]], config: Config, ranks_here: int) -> bool:
    """Write the `first` rows of a process that records in the run of the command around it. Whether it is to say when its budget is used:
    of a budget that both have, the command says it. Raises StoreError."""
    [(settings,)] = writer.query("SELECT settings FROM run WHERE id = ?", (run_id,))
    writer.write(first, {"run": [names(writer, run_id, config, ranks_here, inner=True)]})
    return config.budget is None or json.loads(settings or "{}").get("budget") != config.budget.text


def _budgets(known: dict[str, Any], config: Config, *, inner: bool) -> dict[str, Any]:
    """The settings of a run, with what it may use and how long it will be: for a tracker `inner`, what the command around it says counts
    first; a run that goes on has what it is given now."""
    own = budget_settings(config)
    if inner:
        return {**own, **known}
    return {name: value for name, value in known.items() if name not in ("budget", "on_budget", "epochs", FORECAST_KEY)} | own


def names(writer: Writer, run_id: str, config: Config, ranks_here: int, *, inner: bool) -> Row:
    """The run with the names that the tracker inside gives it, where the command line left them at the default; and with the number of
    ranks on this node, which the command around them does not know. `inner`: the tracker is within a command that has the run."""
    default = Config()
    [(project, name, group, stage, tags, zone, settings)] = writer.query(
        "SELECT project, name, group_name, stage, tags, zone, settings FROM run WHERE id = ?", (run_id,)
    )
    known_tags: dict[str, Any] = json.loads(tags or "{}")
    known: dict[str, Any] = json.loads(settings or "{}")
    precision = {} if config.flops_precision is None else {FLOPS_PRECISION_KEY: config.flops_precision}
    most = max(ranks_here, known.get("ranks_here", 1))
    return {
        "settings": as_json({**precision, **_budgets(known, config, inner=inner), "ranks_here": most}),
        "id": run_id,
        "project": scrubbed_name(config.project) if project == default.project else project,
        "name": name or (config.name and scrubbed_name(config.name)),
        "group_name": group or (config.group and scrubbed_name(config.group)),
        "stage": config.stage if stage == default.stage else stage,
        "zone": zone or (None if config.zone == AUTO else config.zone),
        "tags": as_json({**hidden_in(config.tags), **known_tags}),
    }
