"""Who is running: the host, the boot, the process, its command and the jobs around it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .masking import masked

_EXTERNAL = {
    "slurm_job_id": "SLURM_JOB_ID",
    "slurm_array_task_id": "SLURM_ARRAY_TASK_ID",
    "wandb_run_id": "WANDB_RUN_ID",
    "mlflow_run_id": "MLFLOW_RUN_ID",
    "torchelastic_run_id": "TORCHELASTIC_RUN_ID",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A process as no other can be mistaken for it: boot id, pid namespace, pid and start time (clock ticks since boot)."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    procfs: str = "/proc"

    def is_alive(self, pid: int, start_ticks: int) -> bool:
        """Whether the process of this boot and namespace with that pid and start time still runs (a zombie does not)."""
        ticks = alive_ticks(pid, self.procfs)
        return ticks == start_ticks if ticks is not None else _hidden(pid)


def this_process(procfs: str = "/proc", pid: int | None = None) -> Identity:
    """The identity of process `pid`, this one by default."""
    number = os.getpid() if pid is None else pid
    ticks = alive_ticks(number, procfs) or 0
    try:
        boot_id = Path(procfs, "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot_id = ""
    try:
        namespace = os.readlink(f"{procfs}/self/ns/pid")
    except OSError:
        namespace = ""
    return Identity(os.uname().nodename, boot_id, namespace, number, ticks, procfs)


def _hidden(pid: int) -> bool:
    """Whether there is such a process after all, of another user, that /proc does not show (its mount option hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False  # ours, and a zombie, or it would have been seen


def alive_ticks(pid: int, procfs: str = "/proc") -> int | None:
    """Start time of a running process in clock ticks since boot (field 22 of its stat); None if there is none, or only a zombie."""
    fields = _stat(pid, procfs)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def parent(pid: int, procfs: str = "/proc") -> int | None:
    """The parent of a process, None if there is no such process."""
    fields = _stat(pid, procfs)
    return None if fields is None else int(fields[1])


def is_descendant(pid: int, ancestor: int, procfs: str = "/proc") -> bool:
    """Whether `pid` is `ancestor` or was started by it, however many generations ago."""
    seen: set[int] = set()
    current: int | None = pid
    while current and current not in seen:
        if current == ancestor:
            return True
        seen.add(current)
        current = parent(current, procfs)
    return False


def _stat(pid: int, procfs: str) -> list[str] | None:
    """The fields after the command name, which may itself contain spaces and brackets."""
    try:
        return Path(procfs, str(pid), "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None


def own_command() -> str:
    """This process's command line, masked."""
    return masked(sys.orig_argv)


def command_of(pid: int, procfs: str = "/proc") -> str | None:
    """Another process's command line, masked; None where it cannot be read."""
    try:
        raw = Path(procfs, str(pid), "cmdline").read_bytes()
    except OSError:
        return None
    return masked([part.decode(errors="replace") for part in raw.split(b"\0") if part])


def external_ids(environ: Mapping[str, str]) -> dict[str, str]:
    """The ids by which a scheduler or an experiment tracker knows this run: from the environment, and from W&B or MLflow if the
    process has loaded them and a run is open."""
    found = {name: environ[variable] for name, variable in _EXTERNAL.items() if environ.get(variable)}
    wandb_run = getattr(sys.modules.get("wandb"), "run", None)
    if isinstance(getattr(wandb_run, "id", None), str):
        found["wandb_run_id"] = wandb_run.id  # type: ignore[union-attr]
    active_run = getattr(sys.modules.get("mlflow"), "active_run", None)
    with contextlib.suppress(Exception):  # other people's code, called at our convenience
        info = active_run().info if callable(active_run) else None
        if isinstance(getattr(info, "run_id", None), str):
            found["mlflow_run_id"] = info.run_id  # type: ignore[union-attr]
    return found


def git_commit(folder: Path) -> str | None:
    """The commit checked out at or above `folder`, read from the files (no git process); None where there is none."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        try:
            if git.is_file():  # a worktree or submodule: "gitdir: PATH"
                git = (place / git.read_text().partition(":")[2].strip()).resolve()
            head = (git / "HEAD").read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue
        if not head.startswith("ref:"):
            return head
        return _ref(git, head.partition(":")[2].strip())
    return None


def _ref(git: Path, ref: str) -> str | None:
    try:
        common = (git / (git / "commondir").read_text().strip()).resolve()
    except OSError:
        common = git
    for folder in (git, common):
        try:
            return (folder / ref).read_text().strip()
        except OSError:
            continue
    try:
        packed = (common / "packed-refs").read_text().splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), None)
