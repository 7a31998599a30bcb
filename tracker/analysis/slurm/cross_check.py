"""What Slurm's accounting has recorded for the job of a run, beside what was measured on the same nodes.

No energy of the run is changed by it. The two figures do not cover the same: what a node is, the energy plugin of the site decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from ...core.run import Origin, Status
from ...core.sensing import whole_name
from ...errors import ConfigurationError
from ...importing.lines import table
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
_WHOLE_JOB = ("batch", "extern")
"""Steps on the first node of a job: the energy of all nodes is that of the job."""


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
    """Ask sacct for the energy of the step of a run, or else of its job. Takes 15 s at most, and raises nothing of its own."""
    job, step = _text(stored, "slurm_job_id"), _text(stored, "slurm_step_id")
    step = None if step is None else _NAMED_STEPS.get(step, step)
    found: CrossCheckJson = {
        "job": job,
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
        _fill(found, stored, view, None if step in _WHOLE_JOB else step, environ)
    except _NothingError as nothing:
        found["missing"], found["detail"] = nothing.missing.value, nothing.detail
    except SacctError as error:
        found["missing"], found["detail"] = error.fault.value, error.said
    except ConfigurationError as error:
        found["missing"], found["detail"] = Missing.WRONG.value, str(error).partition(";")[0]
    return found


def _fill(found: CrossCheckJson, stored: StoredRun, view: ShowJson, step: str | None, environ: Mapping[str, str]) -> None:
    if stored.run.origin is not Origin.TRACKED:
        raise _NothingError(Missing.NOT_TRACKED)
    if (number := found["job"]) is None:
        raise _NothingError(Missing.NO_JOB)
    if re.fullmatch(r"[0-9]{1,18}", number) is None:
        raise _NothingError(Missing.WRONG, f"the id of its job is {number[:60]!r}, and no number")
    if stored.run.status == Status.RUNNING:
        raise _NothingError(Missing.RUNNING)
    job = _job(ask(number, _text(stored, "slurm_cluster"), environ, PATIENCE_S), number)
    of_step = None if step is None else job.steps.get(step)
    if of_step is not None and of_step.energy_j > 0:
        row, recorded_j, found["step"] = of_step.row, of_step.energy_j, step
    else:
        row, recorded_j = job.row, energy_of_job_j(job)
    if state_of(row) in NOT_ENDED:
        raise _NothingError(Missing.JOB_RUNNING, state_of(row))
    if recorded_j <= 0:
        raise _NothingError(Missing.NO_ENERGY)
    nodes = nodes_of(row) or nodes_of(job.row) or 1
    if not is_plausible(recorded_j, seconds := lasted_s(row), nodes):
        raise _NothingError(Missing.WRONG, f"{recorded_j:g} J in {seconds:g} s on {nodes} nodes is more than any node draws")
    found["recorded_j"], found["recorded_s"], found["recorded_nodes"] = recorded_j, seconds, nodes
    _measured(found, stored, view, row.text("NodeList") or job.row.text("NodeList") or "")


def _job(printed: str, number: str) -> Job:
    """The job in what sacct printed: the last one with this number, which may have been used before."""
    columns, rows = table(printed.splitlines(), "sacct", "|")
    if not {"JobIDRaw", "Elapsed", "ConsumedEnergyRaw"} <= set(columns):
        raise _NothingError(Missing.WRONG, "it did not print the table that it was asked for")
    jobs = [job for job in jobs_of(rows, "sacct") if isinstance(job, Job) and job.row.text("JobIDRaw") == number]
    if not jobs:
        raise _NothingError(Missing.UNKNOWN_JOB)
    return jobs[-1]


def _measured(found: CrossCheckJson, stored: StoredRun, view: ShowJson, node_list: str) -> None:
    """What the run has measured on those nodes: whole devices, also if the run has an attributed share of them."""
    named = {a["host"]: a["node"] for a in view["allocations"] if a["node"]}
    nodes = {_short(name) for name in node_names(node_list)}
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
