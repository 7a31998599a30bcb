"""Jobs of Slurm, from `sacct -P` (--parsable2). A job's energy is that of its nodes while it ran, as Slurm's energy plugin read it.

The plugin decides what a node is: `ipmi`, `xcc` and `pm_counters` read the whole node, `rapl` its processors and memory only. Slurm's
documentation says of ConsumedEnergy that only in an exclusive allocation it is the energy of the job. So the lower end of the range is 0
unless the user says that the jobs had whole nodes; then the range is ±10 %, a judgement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..core.point import Point
from ..core.run import NO_HOST, Origin, Status
from ..core.units import NS_PER_S
from ..errors import ConfigurationError
from .asked import Asked
from .lines import Refused, RowError, TableRow, elapsed_s, is_missing, number, shown, utc_ns
from .record import Part, Piece, Record, whole_curve

ERROR = 0.10
"""The relative error of a node's energy, for whole nodes. Judged."""
MOST_NODE_W = 150_000.0
"""The mean power of a node above which an energy is not believed: a rack in one chassis draws less."""
MOST_S = 20 * 365.25 * 86_400
NO_VALUE = {"18446744073709551614", "18446744073709551615", "4294967294", "4294967295", "65534", "65535"}
"""What Slurm writes for a number that it does not have."""
STATUSES = {
    "COMPLETED": Status.COMPLETED,
    **dict.fromkeys(("FAILED", "OUT_OF_MEMORY", "BOOT_FAIL", "NODE_FAIL", "LAUNCH_FAILED"), Status.FAILED),
    **dict.fromkeys(("CANCELLED", "TIMEOUT", "DEADLINE", "PREEMPTED", "REVOKED"), Status.INTERRUPTED),
}
NOT_ENDED = ("PENDING", "RUNNING", "REQUEUED", "RESIZING", "SUSPENDED", "COMPLETING", "CONFIGURING")
_FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_GPU = re.compile(r"gres/gpu(?::([^=,]+))?=(\d+)")
_NODES = re.compile(r"(?:^|,)node=(\d+)")


def is_header(columns: Sequence[str]) -> bool:
    """Whether these are columns of sacct."""
    return any(name.startswith("ConsumedEnergy") for name in columns) or any(name.startswith("JobID") for name in columns)


class Step(NamedTuple):
    """A step of a job, and its joules; 0 if Slurm has none."""

    row: TableRow
    energy_j: float


@dataclass(slots=True)
class Job:
    """A job, and its steps by their names behind the dot: "batch", "extern", "0"."""

    row: TableRow
    steps: dict[str, Step] = field(default_factory=dict)


def read(columns: Sequence[str], rows: Iterable[TableRow | Refused], source: str, asked: Asked) -> Iterator[Record | Refused]:
    """A run for each job, with the energy of its steps where the job itself has none. Raises ConfigurationError if columns are missing."""
    groups = {
        "JobID": ("JobID", "JobIDRaw"),
        "ConsumedEnergyRaw": ("ConsumedEnergyRaw", "ConsumedEnergy"),
        "Elapsed": ("Elapsed", "ElapsedRaw"),
    }
    missing = [name for name, any_of in groups.items() if not set(any_of) & set(columns)]
    if missing:
        raise ConfigurationError(
            f"{source}: output of sacct without the column {' and '.join(missing)}; write it again with sacct -P --format="
            "JobID,JobName,Account,Cluster,State,Start,End,Elapsed,NNodes,NodeList,AllocTRES,ConsumedEnergyRaw"
        )
    for job in jobs_of(rows, source):
        if isinstance(job, Refused):
            yield job
            continue
        try:
            yield _record(job, asked)
        except RowError as error:
            yield Refused(f"{source}, {error}")


def jobs_of(rows: Iterable[TableRow | Refused], source: str) -> Iterator[Job | Refused]:
    """The jobs of a table of sacct, each with the steps below it. They need a column JobID or JobIDRaw."""
    job: Job | None = None
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        try:
            job_id = row.text("JobID", "JobIDRaw")
            if job_id is None:
                raise RowError(f"line {row.line}: JobID is empty; correct the file, or leave the row out")
            base, _, step = job_id.partition(".")
            if step and job is not None and (job.row.text("JobID", "JobIDRaw") or "") == base:
                job.steps[step] = Step(row, energy_j(row) or 0.0)
                continue
            if job is not None:
                yield job
            job = None
            if step:  # sacct may be asked for steps only
                raise RowError(f"line {row.line}: {shown(job_id)} is a step, and its job is not above it; ask sacct for whole jobs")
            job = Job(row)
        except RowError as error:
            yield Refused(f"{source}, {error}")
    if job is not None:
        yield job


def energy_j(row: TableRow) -> float | None:
    """The joules of a job or step; None if Slurm has none. Raises RowError."""
    raw = row.cells.get("ConsumedEnergyRaw", "").strip()
    if not is_missing(raw):
        return None if raw in NO_VALUE else number(raw, f"line {row.line}: ConsumedEnergyRaw", 0.0, 1e18, "J")
    text = row.cells.get("ConsumedEnergy", "").strip()
    if is_missing(text) or text in NO_VALUE:
        return None
    match = re.fullmatch(r"([\d.]+)([KMGT]?)", text)
    if match is None:
        raise RowError(f"line {row.line}: ConsumedEnergy {shown(text)}: it is not an energy such as 1.50M; ask sacct for ConsumedEnergyRaw")
    return number(match[1], f"line {row.line}: ConsumedEnergy", 0.0, 1e18, "J") * _FACTORS[match[2]]


def energy_of_job_j(job: Job) -> float:
    """The joules of a job; 0 if Slurm has none. Where it has none of its own: `extern` and `batch` last as long as the job, other steps
    follow each other. Raises RowError."""
    lasting = ("batch", "extern")
    apart = sum(step.energy_j for name, step in job.steps.items() if name not in lasting)
    return energy_j(job.row) or max(apart, *(job.steps[name].energy_j for name in lasting if name in job.steps), 0.0)


def _known_energy_j(job: Job) -> float:
    joules = energy_of_job_j(job)
    if joules <= 0:
        name = job.row.text("JobID", "JobIDRaw")
        raise RowError(
            f"line {job.row.line}: job {name} has no energy (ConsumedEnergyRaw {shown(job.row.cells.get('ConsumedEnergyRaw', ''))}): Slurm"
            " records it only with a plugin of the site (AcctGatherEnergyType); `trainwatt estimate --save` stores an estimate instead"
        )
    return joules


def _record(job: Job, asked: Asked) -> Record:
    row, name = job.row, job.row.text("JobID", "JobIDRaw") or ""
    if (state := state_of(row)) in NOT_ENDED:
        raise RowError(f"line {row.line}: job {name} has not ended ({state}); import it when it has")
    duration_s = lasted_s(row)
    if duration_s > MOST_S:
        raise RowError(f"line {row.line}: job {name} took {duration_s:g} s: more than 20 years; correct the file, or leave the row out")
    tres = row.text("AllocTRES") or ""
    nodes = nodes_of(row) or int((_NODES.search(tres) or [0, 1])[1])
    joules, gpus = _known_energy_j(job), tuple(_gpus(tres))
    if not is_plausible(joules, duration_s, nodes):
        raise RowError(
            f"line {row.line}: job {name}: {joules:g} J in {duration_s:g} s on {nodes} nodes is more than {MOST_NODE_W / 1000:g} kW a node:"
            " a counter of the node was wrong; leave the row out"
        )
    low_j, high_j = (1 - ERROR) * joules if asked.exclusive else 0.0, (1 + ERROR) * joules
    end = Point(0, counter_j=joules, slack_low_j=joules - low_j, slack_high_j=high_j - joules)
    started_utc_ns, notes = _started(row, duration_s, asked)
    said = "whole nodes, as the user says" if asked.exclusive else "the nodes, with other jobs on them if they were shared"
    host = row.text("NodeList") or NO_HOST
    marks = (row.text("Cluster") or "", name, row.text("Start") or "")
    return Record(
        identity=("slurm", *marks),
        origin=Origin.IMPORTED,
        source="Slurm (sacct)",
        project=asked.project or row.text("Account") or "slurm",
        started_utc_ns=started_utc_ns,
        duration_s=duration_s,
        host=host,
        parts=(Part("node", "platform", whole_curve(duration_s, end), f"energy of {said}", round(duration_s * NS_PER_S)),),
        hardware=gpus,
        name=asked.name or row.text("JobName"),
        group=asked.group,
        stage=asked.stage,
        status=STATUSES.get(state, Status.FAILED),
        end_reason=None if state == "COMPLETED" else f"Slurm: {state}",
        zone=asked.zone,
        external={"slurm_job_id": name},
        notes=notes,
        gpu_hours=len(gpus) * duration_s / 3600 if gpus else None,
    )


def state_of(row: TableRow) -> str:
    """The state of a job or step: "COMPLETED"."""
    return (row.text("State") or "COMPLETED").split()[0].rstrip("+").upper()


def nodes_of(row: TableRow) -> int:
    """The nodes of a job or step; 0 if they are not told. Raises RowError."""
    return int(row.number("NNodes", 0, 1e6, "nodes") or row.number("AllocNodes", 0, 1e6, "nodes") or 0)


def is_plausible(joules: float, duration_s: float, nodes: int) -> bool:
    """Whether so many nodes can draw an energy in that time."""
    return joules <= MOST_NODE_W * max(duration_s, 1.0) * nodes


def lasted_s(row: TableRow) -> float:
    """How long a job or step took. Raises RowError."""
    raw = row.number("ElapsedRaw", 0.0, MOST_S, "s")
    if raw is not None:
        return raw
    text = row.text("Elapsed")
    if text is None:
        raise RowError(f"line {row.line}: Elapsed is empty; correct the file, or leave the row out")
    return elapsed_s(text, f"line {row.line}: Elapsed")


def _started(row: TableRow, duration_s: float, asked: Asked) -> tuple[int, tuple[str, ...]]:
    """The start, from whatever the row has; else the end is taken to be the time of the import."""
    lasted_ns = round(duration_s * NS_PER_S)
    if (start := row.text("Start")) is not None:
        return utc_ns(start, f"line {row.line}: Start"), ()
    if (end := row.text("End")) is not None:
        return utc_ns(end, f"line {row.line}: End") - lasted_ns, ()
    if asked.started_utc_ns is not None:
        return asked.started_utc_ns, ()
    return asked.now_utc_ns - lasted_ns, ("the file has no Start: the job is taken to have ended at the time of this import",)


def _gpus(tres: str) -> Iterator[Piece]:
    """The GPUs of a job, by model where the site names it. `gres/gpu=2` counts those of `gres/gpu:a100=2` again."""
    found = [(model, int(count)) for model, count in _GPU.findall(tres)]
    for model, count in [pair for pair in found if pair[0]] or [("GPU", count) for _, count in found]:
        for i in range(min(count, 10_000)):
            yield Piece("gpu", f"{model}-{i}", {"model": model})
