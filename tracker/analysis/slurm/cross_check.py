"""What Slurm's accounting has recorded for the job of a run, beside what was measured on the same nodes.

No energy of the run is changed by it. The two figures do not cover the same: what a node is, the energy plugin of the site decides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ...core.run import Origin, Status
from ...core.sensing import whole_name
from ...core.units import NS_PER_S
from ...errors import ConfigurationError
from ...importing.lines import TableRow, table
from ...importing.slurm import NOT_ENDED, Job, energy_of_job_j, is_plausible, jobs_of, lasted_s, nodes_of, state_of
from ...machine.slurm.lists import node_names
from ...machine.slurm.sacct import PATIENCE_S, SacctError, ask
from ..view import energy_sum_of, run_duration_s

if TYPE_CHECKING:
    from ...core.contract import CrossCheckJson, ShowJson
    from ...storage.read.records import DeviceRow, StoredRun

_NAMED_STEPS = {"4294967290": "interactive", "4294967291": "batch", "4294967292": "extern"}
"""Steps that have a name in sacct, and their numbers in SLURM_STEP_ID (slurm.h: SLURM_INTERACTIVE_STEP, SLURM_BATCH_SCRIPT,
SLURM_EXTERN_CONT)."""
OUTSIDE = ""
"""Stands for a step where a run was in none, but in the batch script."""
_WHOLE_JOB = ("batch", "extern")
"""Steps on the first node of a job: the energy of all nodes is that of the job."""

MARGIN = timedelta(hours=1)
"""The clocks of a node and of the accounting may differ by less."""


class Missing(StrEnum):
    """Why there is nothing to compare. The faults of sacct (machine/slurm/sacct.py) are others."""

    NO_JOB = "no-job"  # the run belongs to no job of Slurm
    NOT_TRACKED = "not-tracked"  # the run is an estimate, or comes from another tool, perhaps from sacct itself
    RUNNING = "running"  # the run has not ended
    JOB_RUNNING = "job-running"  # the job has not ended: Slurm tells its energy then
    UNKNOWN_JOB = "unknown-job"  # the accounting does not know the job
    NO_ENERGY = "no-energy"  # the site records no energy, or none for this job
    WRONG = "wrong"  # what sacct printed cannot be read, or cannot be true
    NOT_MEASURED = "not-measured"  # no energy of the run is known, or none on the nodes of the job


class _NothingError(Exception):
    """There is nothing to compare."""

    def __init__(self, missing: StrEnum, detail: str | None = None) -> None:
        super().__init__(missing, detail)
        self.missing, self.detail = missing, detail


def cross_check(stored: StoredRun, view: ShowJson, environ: Mapping[str, str]) -> CrossCheckJson:
    """Ask sacct for the energy of the step of a run, or else of its job, or of the jobs in which it was resumed. Takes 15 s at most, and
    raises nothing of its own."""
    steps = _steps_of_jobs(stored, view)
    found: CrossCheckJson = {
        "jobs": list(steps),
        "step": None,
        "recorded_j": None,
        "recorded_s": None,
        "recorded_nodes": None,
        "measured_j": None,
        "measured_low_j": None,
        "measured_high_j": None,
        "measured_s": run_duration_s(stored.run),
        "measured_nodes": None,
        "ratio": None,
        "missing": None,
        "detail": None,
    }
    try:
        _fill(found, stored, view, steps, environ)
    except _NothingError as nothing:
        found["missing"], found["detail"] = nothing.missing.value, nothing.detail
    except SacctError as error:
        found["missing"], found["detail"] = error.fault.value, error.said
    except ConfigurationError as error:
        found["missing"], found["detail"] = Missing.WRONG.value, str(error).partition(";")[0]
    return found


def _steps_of_jobs(stored: StoredRun, view: ShowJson) -> dict[str, set[str]]:
    """The jobs of a run, and in each the steps that the run was in."""
    places = [(a["job"], a["step"]) for a in view["allocations"]]
    if (job := _text(stored, "slurm_job_id")) is not None and job not in dict(places):
        places.append((job, _text(stored, "slurm_step_id")))
    steps: dict[str, set[str]] = {}
    for job, step in places:
        named = _NAMED_STEPS.get(step or "", step or OUTSIDE)
        steps.setdefault(job, set()).add(OUTSIDE if named in _WHOLE_JOB else named)
    return steps


def _fill(found: CrossCheckJson, stored: StoredRun, view: ShowJson, steps: Mapping[str, set[str]], environ: Mapping[str, str]) -> None:
    if stored.run.origin is not Origin.TRACKED:
        raise _NothingError(Missing.NOT_TRACKED)
    if not steps:
        raise _NothingError(Missing.NO_JOB)
    for number in steps:
        if re.fullmatch(r"[0-9]{1,18}", number) is None:
            raise _NothingError(Missing.WRONG, f"the id of its job is {number[:60]!r}, and no number")
    if stored.run.status == Status.RUNNING:
        raise _NothingError(Missing.RUNNING)
    since = datetime.fromtimestamp(stored.run.started_utc_ns / NS_PER_S, UTC) - MARGIN
    jobs = _jobs(ask([int(number) for number in steps], since, _text(stored, "slurm_cluster"), environ, PATIENCE_S))
    recorded_j, seconds, names, most = 0.0, 0.0, set[str](), 1
    for number, of_run in steps.items():
        if not (records := jobs.get(number)):
            raise _NothingError(Missing.UNKNOWN_JOB, None if len(steps) == 1 else f"job {number}")
        step, rows = _recorded(records, of_run)
        if state_of(rows[-1][0]) in NOT_ENDED:
            raise _NothingError(Missing.JOB_RUNNING, state_of(rows[-1][0]))
        for row, joules in rows:
            nodes, lasted = nodes_of(row) or nodes_of(records[-1].row) or 1, lasted_s(row)
            if joules <= 0 and (lasted > 0 or len(rows) == 1):
                raise _NothingError(Missing.NO_ENERGY)
            if not is_plausible(joules, lasted, nodes):
                raise _NothingError(Missing.WRONG, f"{joules:g} J in {lasted:g} s on {nodes} nodes is more than any node draws")
            recorded_j, seconds, most = recorded_j + joules, seconds + lasted, max(most, nodes)
            names |= set(node_names(row.text("NodeList") or records[-1].row.text("NodeList") or ""))
        found["step"] = step if len(steps) == 1 else None
    if recorded_j <= 0:
        raise _NothingError(Missing.NO_ENERGY)
    found["recorded_j"], found["recorded_s"], found["recorded_nodes"] = recorded_j, seconds, max(most, len(names))
    _measured(found, stored, view, names)


def _jobs(printed: str) -> dict[str, list[Job]]:
    """The jobs in what sacct printed, by number. One that was requeued is there for each time it ran."""
    columns, rows = table(printed.splitlines(), "sacct", "|")
    if not {"JobIDRaw", "Elapsed", "ConsumedEnergyRaw"} <= set(columns):
        raise _NothingError(Missing.WRONG, "it did not print the table that it was asked for")
    jobs: dict[str, list[Job]] = {}
    for job in jobs_of(rows, "sacct"):
        if isinstance(job, Job):
            jobs.setdefault(job.row.text("JobIDRaw") or "", []).append(job)
    return jobs


def _recorded(records: Sequence[Job], steps: Set[str]) -> tuple[str | None, list[tuple[TableRow, float]]]:
    """The step of the run, and its row and joules each time that the job ran; the job instead if the step is not known or has no energy.
    Several steps may have run at once, each with all energy of the nodes: then it is the job too."""
    name = next(iter(steps)) if len(steps) == 1 and OUTSIDE not in steps else None
    found = [job.steps[name] for job in records if name is not None and name in job.steps]
    if len(found) == len(records) and all(step.energy_j > 0 for step in found):
        return name, [(step.row, step.energy_j) for step in found]
    return None, [(job.row, energy_of_job_j(job)) for job in records]


def _measured(found: CrossCheckJson, stored: StoredRun, view: ShowJson, names: Set[str]) -> None:
    """What the run has measured on those nodes: whole devices, also if the run has an attributed share of them."""
    named = {a["host"]: a["node"] for a in view["allocations"] if a["node"]}
    nodes = {_short(name) for name in names}
    whole = [d for d in _whole(stored) if d.first is not None and d.last is not None]
    node_of = {d.host: _short(named.get(d.host) or d.host) for d in whole}
    if nodes & set(node_of.values()):  # otherwise the hosts have other names than the nodes, as in containers
        whole = [d for d in whole if node_of[d.host] in nodes]
    energy = energy_sum_of(whole, found["measured_s"])
    if not energy["total_j"] or found["recorded_j"] is None:
        raise _NothingError(Missing.NOT_MEASURED)
    found["measured_j"], found["measured_low_j"], found["measured_high_j"] = energy["total_j"], energy["low_j"], energy["high_j"]
    found["measured_nodes"] = len({node_of[d.host] for d in whole})
    found["ratio"] = energy["total_j"] / found["recorded_j"]


def _whole(stored: StoredRun) -> list[DeviceRow]:
    shares = {(d.segment_id, whole) for d in stored.devices if d.included_in_total and (whole := whole_name(d.name)) is not None}
    attributed = [d._replace(included_in_total=True) for d in stored.devices if (d.segment_id, d.name) in shares]
    return attributed + [d for d in stored.devices if d.included_in_total and whole_name(d.name) is None]


def _short(name: str) -> str:
    """A host's name without its domain: the same machine may be named with and without it."""
    return name.partition(".")[0].lower()


def _text(stored: StoredRun, key: str) -> str | None:
    value = stored.run.external.get(key)
    return str(value).strip() or None if value is not None else None
