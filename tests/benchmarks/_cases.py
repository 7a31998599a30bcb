"""The cases of the comparison, and how one tool is run through one of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import Machine
from tests.benchmarks._tools import TOOLS, Energies

PATIENCE_S = 120.0
STEADY = {"packages": (Load(80), Load(60)), "drams": (Load(10), Load(8)), "gpus": (Load(300), Load(200))}
SQUARE = {
    "packages": (Load(160, 40, 1), Load(120, 40, 1)),
    "drams": (Load(24, 8, 1), Load(20, 4, 1)),
    "gpus": (Load(600, 100, 1), Load(500, 100, 1)),
}
FAIL_FROM, FAIL_TO = 0.6, 0.8
FAILURE = "NVML answers “unknown error”, and the powercap files are empty,"


@dataclass(frozen=True)
class Case:
    """What happens in a case. `seconds` is a share of the comparison's length, or where `fixed`, seconds."""

    title: str
    seconds: float = 1.0
    fixed: bool = False
    square: bool = False
    failing: bool = False
    wrapping: bool = False
    killed: bool = False


CASES = {
    "steady": Case("Steady power"),
    "square": Case("Square wave of 1 s", square=True),
    "failed": Case(f"{FAILURE} from {FAIL_FROM:.0%} to {FAIL_TO:.0%} of the run", failing=True),
    "wrap": Case("The powercap counters wrap in the middle", wrapping=True),
    "short": Case("A run of 0.5 s", seconds=0.5, fixed=True),
    "killed": Case("Killed with SIGKILL half-way: what is left", killed=True),
}


@dataclass
class Result:
    """One run of one tool. `truth` and `found` are joules by kind; `measured` is what the worker stamped."""

    truth: dict[str, float] = field(default_factory=dict)
    found: Energies = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    told: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0
    begin_lag_s: float = 0.0

    @property
    def seconds(self) -> float:
        """How long the truth was counted."""
        return float(self.measured["end_s"] - self.measured["begin_s"])

    @property
    def loop_cpu_s(self) -> float:
        """CPU seconds of the process and those below it during the loop."""
        return float(self.measured["cpu_end_s"] - self.measured["cpu_begin_s"])


class Bench:
    """Runs tools through cases below `root`; the peers in the interpreter `peers`. `lengths`: seconds of a case that is not fixed."""

    def __init__(self, root: Path, library: Path, peers: Path, length_s: float) -> None:
        self.root, self.library, self.peers, self.length_s = root, library, peers, length_s
        with self.machine("probe", CASES["steady"], None) as machine:
            self.refused = machine.can_go_inside()
        self._runs = 0

    def machine(self, name: str, case: Case, wrap_at_s: float | None) -> _Opened:
        """A machine for one run."""
        return _Opened(Machine(self.root / name, **(SQUARE if case.square else STEADY), wrap_at_s=wrap_at_s, active=False))

    def python(self, tool: str) -> str:
        """The interpreter of a tool."""
        return sys.executable if tool in ("bare", "trainwatt") else str(self.peers)

    def run(self, tool: str, case: Case, period_s: float | None = None, lag_s: float = 0.0) -> Result:
        """Run a tool through a case. `lag_s`: how long it takes from the machine's beginning to its loop, where a wrap is to meet it."""
        self._runs += 1
        seconds = case.seconds if case.fixed else case.seconds * self.length_s
        with self.machine(f"run{self._runs}", case, lag_s + seconds / 2 if case.wrapping else None) as machine:
            out = machine.root / "out"
            (out / "tmp").mkdir(parents=True)
            (home := self.root / f"home-{tool}").mkdir(exist_ok=True)
            rooted = self.refused is not None
            env = machine.environ(self.library, rooted=rooted, HOME=str(home), TMPDIR=str(out / "tmp"), COLUMNS="200")
            command = [self.python(tool), "-m", "tests.benchmarks._worker", tool, str(out), str(seconds)]
            command += [] if period_s is None else [str(period_s)]
            with (machine.root / "stdout").open("w") as stdout, (machine.root / "stderr").open("w") as stderr:
                process = subprocess.Popen(
                    command if rooted else machine.inside(command), env=env, cwd=out, stdout=stdout, stderr=stderr, start_new_session=True
                )
            killed_s = _live(process, machine, case, seconds)
            result = _result(machine, tool, killed_s, process.returncode)
            if case.killed and result.error is None:
                recover = [*command[:-1], "0"] if period_s is None else [*command[:-2], "0"]
                subprocess.run(recover, env=env, cwd=machine.root, capture_output=True, check=False, timeout=PATIENCE_S)
                result.found = _measured(machine).get("energies", {})
            if case.wrapping and result.error is None:
                wrapped_s = machine.begin_s + lag_s + seconds / 2
                if not result.measured["begin_s"] < wrapped_s < result.measured["end_s"]:
                    result.error = "the benchmark's wrap missed the run: the machine is too busy"
        shutil.rmtree(machine.root)
        return result


class _Opened:
    """A machine that is closed at the end of a with block."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> Machine:
        return self._machine

    def __exit__(self, *_: object) -> None:
        self._machine.close()


def _live(process: subprocess.Popen[bytes], machine: Machine, case: Case, seconds: float) -> float | None:
    """See the process to its end, doing to it what the case says. When it was killed, on the monotonic clock."""
    killed_s = None
    deadline = time.monotonic() + seconds + PATIENCE_S
    try:
        if (case.failing or case.killed) and (begin_s := _begun(machine, process, deadline)) is not None:
            if case.failing:
                _sleep_until(begin_s + FAIL_FROM * seconds)
                machine.tell("fail")
                _sleep_until(begin_s + FAIL_TO * seconds)
                machine.tell("heal")
            else:
                _sleep_until(begin_s + seconds / 2)
                process.kill()
                killed_s = time.monotonic()
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:
        if killed_s is not None:
            time.sleep(1)  # whatever else it started may still write something
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return killed_s


def _begun(machine: Machine, process: subprocess.Popen[bytes], deadline: float) -> float | None:
    said = machine.root / "begun"
    while time.monotonic() < deadline and process.poll() is None:
        if said.exists() and (text := said.read_text()).endswith("\n"):
            return float(text)
        time.sleep(0.01)
    return None


def _sleep_until(t_s: float) -> None:
    time.sleep(max(0.0, t_s - time.monotonic()))


def _measured(machine: Machine) -> dict[str, Any]:
    path = machine.root / "measured.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _last_words(printed: list[list[str]]) -> str:
    """The last line that names an error, in either stream; else the last on standard error."""
    named = [line for lines in printed for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    spoken = named or [line for line in printed[1] if line.strip()]
    return _plain(spoken[-1]) if spoken else "it ended without a word"


def _result(machine: Machine, tool: str, killed_s: float | None, code: int) -> Result:
    printed = [(machine.root / name).read_text(errors="replace").splitlines() for name in ("stdout", "stderr")]
    measured = _measured(machine)
    if killed_s is not None:
        measured = {"begin_s": float((machine.root / "begun").read_text()), "end_s": killed_s}
    left = list(_files(machine.root / "out"))
    result = Result(measured=measured, files=len(left), size=sum(p.stat().st_size for p in left))
    result.told = list(dict.fromkeys(_plain(line) for lines in printed for line in lines if re.search(TOOLS[tool].told, line)))
    result.error = measured.get("error")
    if result.error is None and "end_s" not in measured:
        result.error = f"{_last_words(printed)} (exit code {code})"
    if "end_s" in measured:
        result.truth = {kind: machine.truth_j(kind, measured["begin_s"], measured["end_s"]) for kind in machine.loads}
        result.begin_lag_s = measured["begin_s"] - machine.begin_s
    result.found = measured.get("energies", {})
    return result


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def _plain(line: str) -> str:
    """Without colours, times and tabs."""
    return re.sub(r"\x1b\[[0-9;]*m|^\[[^\]]*@[^\]]*\]", "", line).replace("\t", " ").strip()
