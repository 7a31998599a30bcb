"""PURE: what the job of Slurm had of its nodes, and what Slurm has recorded of it, in words."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .quantities import count, format_duration, format_energy, format_range, listed, significant

if TYPE_CHECKING:
    from ...core.contract import AllocationJson, CrossCheckJson, ShowJson

_MOST_NAMED = 4
_ALIKE = 0.05
"""Durations that differ by less than this are not pointed out."""
_MISSING = {
    "no-job": "this run belongs to no job of Slurm",
    "not-tracked": "this run was not measured by trainwatt",
    "running": "this run has not ended; ask again when it has",
    "job-running": "the job has not ended, and Slurm tells its energy when it has",
    "unknown-job": "Slurm's accounting does not know job {job}",
    "no-energy": "Slurm has recorded no energy for job {job}: the site needs an energy plugin for that (AcctGatherEnergyType)",
    "wrong": "what sacct says of job {job} cannot be used",
    "not-measured": "this run has measured no energy",
    "no-sacct": "the command sacct is not on the PATH; run this on a node of the cluster where it is",
    "failed": "sacct failed",
    "too-slow": "sacct did not answer in time; ask again later",
    "too-long": "the answer of sacct is too long",
}


def allocation_lines(view: ShowJson) -> list[str]:
    """One line for the nodes of which a job has a part, for each size of the part. Empty if it has whole nodes, or if this is not known."""
    nodes: dict[tuple[str, str, int], dict[str, None]] = defaultdict(dict)  # a node once, also if it has several steps of the run
    for allocation in view["allocations"]:
        if allocation["part_of_node"]:
            others = max(0, allocation["gpus_read"] - (allocation["gpus"] or allocation["gpus_read"]))
            nodes[allocation["job"], _held(allocation), others][allocation["node"] or allocation["host"]] = None
    attributed = view["energy"]["attribution"] is not None
    within = [d["provenance"] for d in view["energy"]["devices"] if d["included_in_total"]]
    read = any(joules["measured-counter"] + joules["measured-power"] > 0 for joules in within)
    if attributed:
        what = "the share attributed to the processes of this run"
    elif read:
        what = "that of the whole devices that were read; other jobs may have used these too, and nothing is scaled"
    else:
        what = "that of a model, as is said at the devices, and nothing is scaled by this share"
    found: list[str] = []
    for (job, held, others), by_name in nodes.items():
        names = list(by_name)
        named = [*names[:_MOST_NAMED], *([f"{len(names) - _MOST_NAMED:,} more"] if len(names) > _MOST_NAMED else [])]
        where = f"node {names[0]}" if len(names) == 1 else f"each of the nodes {listed(named)}"
        text = f"Slurm job {job} has a share of {where}: {held}. The energy is {what}"
        found.append(text + (f". {count(others, 'GPU')} more than the job has {'was' if others == 1 else 'were'} read" if others else ""))
    return found


def _held(a: AllocationJson) -> str:
    """ "18 of 72 cores and 2 of 8 GPUs"."""
    parts = []
    if a["cpus"] is not None and a["cpus_of"] is not None:
        parts.append(f"{a['cpus']:,} of {count(a['cpus_of'], a['cpu_unit'] or 'processor')}")
    if a["gpus"] is not None and a["gpus_of"] is not None:
        parts.append(f"{a['gpus']:,} of {count(a['gpus_of'], 'GPU')}")
    return listed(parts)


def _jobs(check: CrossCheckJson) -> str:
    jobs = check["jobs"]
    return listed([*jobs[:_MOST_NAMED], *([f"{len(jobs) - _MOST_NAMED:,} more"] if len(jobs) > _MOST_NAMED else [])])


def cross_check_line(check: CrossCheckJson) -> str:
    """What Slurm has recorded, what was measured, and their ratio; or why there is nothing to compare."""
    recorded_j, measured_j, ratio = check["recorded_j"], check["measured_j"], check["ratio"]
    low_j, high_j, seconds = check["measured_low_j"], check["measured_high_j"], check["recorded_s"]
    if recorded_j is None or measured_j is None or low_j is None or high_j is None or ratio is None or seconds is None:
        why = _MISSING.get(check["missing"] or "", "nothing is known").format(job=_jobs(check))
        return f"cross-check: none, because {why}" + (f" ({check['detail']})" if check["detail"] else "")
    step = "" if check["step"] is None else f".{check['step']}"
    what = f"{'step' if step else 'job' if len(check['jobs']) == 1 else 'the jobs'} {_jobs(check)}{step}"
    of, on = check["recorded_nodes"] or 1, check["measured_nodes"] or 1
    where = f"{on:,} of these nodes" if on < of else "the same node" if of == 1 else "the same nodes"
    text = (
        f"cross-check: Slurm has recorded {format_energy(recorded_j)} for {what}"
        f" ({count(of, 'node')}, {format_duration(seconds)}); trainwatt has measured {format_range(measured_j, low_j, high_j)} on {where}"
        f" in {format_duration(check['measured_s'])}: {significant(ratio)} times as much"
    )
    if abs(seconds - check["measured_s"]) > max(1.0, _ALIKE * max(seconds, check["measured_s"])):
        text += ". The two times differ, so the energies do too"
    return text + ". Slurm's figure may include the whole consumption of nodes, with their fans and the work of other jobs"
