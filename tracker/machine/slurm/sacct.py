"""Asks `sacct`, the command of Slurm's accounting, about a job. It may be missing, may fail, and may wait for a database that is gone."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

FORMAT = "JobIDRaw,State,NNodes,NodeList,Elapsed,ConsumedEnergyRaw"
PATIENCE_S = 15.0
"""So long an answer is waited for. An accounting database that works answers in a second or two."""
_MOST_BYTES = 2**22
"""The most that is read of an answer: a job of 40,000 steps."""
_SIGKILL = 9
"""Equal on all systems (POSIX, kill(1)). The module `signal` is for commands only, so that no handler is ever set in a training."""
_MOST_SAID = 300
"""Characters of a fault that are kept."""


class Fault(StrEnum):
    """Why sacct gave no answer."""

    NO_SACCT = "no-sacct"  # it is not on the PATH
    FAILED = "failed"  # it could not be started, or ended with another exit code than 0
    TOO_SLOW = "too-slow"  # it did not end in time
    TOO_LONG = "too-long"  # its answer is longer than any


class SacctError(Exception):
    """sacct gave no answer. `said`: what it wrote about the fault, or the system did; None if nothing."""

    def __init__(self, fault: Fault, said: str | None = None) -> None:
        super().__init__(fault, said)
        self.fault, self.said = fault, said


def ask(jobs: Sequence[int], since: datetime, cluster: str | None, environ: Mapping[str, str], patience_s: float) -> str:
    """What sacct prints of jobs and their steps: a table with the columns of FORMAT. Raises SacctError.

    A job that was requeued is there once for each time it ran (--duplicates). Numbers of jobs are used again in the course of years, so
    only what ran after `since` is asked for. `cluster` is not passed on unless it is a name."""
    program = shutil.which("sacct", path=_absolute(environ.get("PATH", "")))
    if program is None:
        raise SacctError(Fault.NO_SACCT)
    command = [program, "--parsable2", f"--format={FORMAT}", f"--jobs={','.join(map(str, jobs))}"]
    command += ["--duplicates", f"--starttime={since.astimezone():%Y-%m-%dT%H:%M:%S}"]
    if cluster is not None and re.fullmatch(r"\w[\w.-]*", cluster):
        command.append(f"--clusters={cluster}")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in environ.items() if not name.startswith("SACCT_")},  # these change what it prints
            start_new_session=True,  # so that all its processes can be ended
        )
    except (OSError, ValueError) as error:
        raise SacctError(Fault.FAILED, str(error)) from None
    try:
        written, said = _read(process, time.monotonic() + patience_s)
    finally:
        _end(process)
    if process.returncode != 0:
        line = next((line.strip() for line in said.splitlines() if line.strip()), "")
        raise SacctError(Fault.FAILED, line[:_MOST_SAID] or f"exit code {process.returncode}")
    return written


def _absolute(path: str) -> str:
    """Without folders that depend on the working directory: whoever can write there could put a program of his own in it."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if os.path.isabs(folder))


def _read(process: subprocess.Popen[bytes], deadline_s: float) -> tuple[str, str]:
    """What the process writes to stdout and to stderr until it ends. Raises SacctError."""
    assert process.stdout is not None
    assert process.stderr is not None
    parts: dict[int, bytearray] = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    waiting = set(parts)
    while waiting:
        ready = select.select(list(waiting), [], [], max(0.0, min(0.1, deadline_s - time.monotonic())))[0]
        for fd in ready:
            read = os.read(fd, 2**16)
            parts[fd] += read
            if not read:
                waiting.discard(fd)
            if len(parts[fd]) > _MOST_BYTES:
                raise SacctError(Fault.TOO_LONG)
        if not ready and process.poll() is not None:
            break  # one of its own processes may still have the pipe
        if time.monotonic() > deadline_s:
            raise SacctError(Fault.TOO_SLOW)
    try:
        process.wait(max(0.1, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise SacctError(Fault.TOO_SLOW) from None
    out, err = (part.decode("utf-8", "replace") for part in parts.values())
    return out, err


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, if it has not ended, and those that it started."""
    with contextlib.suppress(OSError):
        if process.poll() is None:
            os.killpg(process.pid, _SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)  # one that waits for a filesystem cannot be ended
