"""A whole fake machine for real processes: a powercap tree and an NVML whose counters a helper process advances at known watts.

Run as a script it is that helper. It has nothing but the standard library, and writes each counter so that no reader sees half of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pytest

PACKAGE_W, DRAM_W, GPU_W = 80.0, 10.0, 300.0
HANGS_S = 300.0
"""After so long a process or a server is taken to hang. A busy machine needs a minute for what takes a second."""
STEP_S = 0.004
GPU_STEP_S = 0.02
ROOT = Path(__file__).resolve().parents[2]


class World:
    """A machine below `root`, running until `close`. `package_w`, `dram_w` and `gpus_w` are what its parts draw, always.

    `exact`: the counters of the GPUs are computed when they are read, so that they do not wait for a processor of the test machine."""

    running: ClassVar[list[World]] = []

    def __init__(
        self,
        root: Path,
        library: Path | None,
        *,
        package_w: float = PACKAGE_W,
        dram_w: float = DRAM_W,
        gpus_w: Sequence[float] = (GPU_W,),
        exact: bool = False,
    ) -> None:
        from tests.fakes.powercap import FakePowercap

        self.root = root
        self.package_w, self.dram_w, self.gpus_w = package_w, dram_w, tuple(gpus_w)
        self.powercap = FakePowercap(root / "machine")
        zones = {}
        if package_w:
            zones["package-0"] = self.powercap.zone("intel-rapl:0", "package-0", "0" * 12, limit_w=250)
            if dram_w:
                zones["dram-0"] = self.powercap.zone("intel-rapl:0:0", "dram", "0" * 12)
        self.nvml_file = root / "nvml.txt"
        self.db = root / "data" / "runs.db"
        self.work = root / "work"
        self.work.mkdir()
        spec = {
            "zones": {str(folder / "energy_uj"): w for folder, w in zip(zones.values(), (package_w, dram_w), strict=False)},
            "nvml": str(self.nvml_file) if gpus_w else None,
            "gpus": self.gpus_w,
            "exact": exact,
        }
        self._environ = {
            "TRAINWATT_SYSFS": str(self.powercap.sysfs),
            "TRAINWATT_DB": str(self.db),
            "FAKE_NVML": str(self.nvml_file),
            "XDG_STATE_HOME": str(root / "state"),
            "PYTHONFAULTHANDLER": "1",
        }
        self._library = library
        self._helper = subprocess.Popen(
            [sys.executable, "-S", __file__, json.dumps(spec)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._helper.stdout is not None
        self._helper.stdout.readline()  # it has written everything once
        World.running.append(self)

    @property
    def total_w(self) -> float:
        """What the parts that count in the total draw."""
        return self.package_w + self.dram_w + sum(self.gpus_w)

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that point the tracker of this process at the machine."""
        return dict(self._environ)

    def environ(self, **more: str) -> dict[str, str]:
        """The whole environment of a process on the machine."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRAINWATT_", "CUDA_", "SLURM_", "WANDB_", "MLFLOW_"))}
        folder = "" if self._library is None else str(self._library.parent)
        return {**kept, **self._environ, "LD_LIBRARY_PATH": folder, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **more}

    def gpu(self, key: str, value: object) -> None:
        """Change a line of the fake NVML, as `gpu("0.lost", 1)`; returns once it is so."""
        self._tell(f"{key} {value}")

    def stood_still_s(self) -> float:
        """The longest time for which its counters stood still: unlike those of hardware, they wait for a processor."""
        return float(self._tell("stood_still_s"))

    def _tell(self, line: str) -> str:
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(f"{line}\n")
        self._helper.stdin.flush()
        return self._helper.stdout.readline()

    def python(self, code: str, *arguments: str, env: Mapping[str, str] | None = None, **popen: Any) -> subprocess.Popen[str]:
        """Start `code` in an interpreter on the machine, its output in pipes."""
        return self.popen([sys.executable, "-c", code, *arguments], env=env, **popen)

    def popen(self, command: Sequence[str], env: Mapping[str, str] | None = None, **popen: Any) -> subprocess.Popen[str]:
        """Start a command on the machine, its output in pipes."""
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True}
        return subprocess.Popen(command, env=env or self.environ(), cwd=self.work, **(options | popen))

    def run_python(self, code: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `code` in an interpreter on the machine, to its end."""
        return finished(self.python(code, *arguments, env=env))

    def cli(self, *arguments: str, env: Mapping[str, str] | None = None, **popen: Any) -> subprocess.CompletedProcess[str]:
        """Run `trainwatt` with arguments, to its end."""
        return finished(self.popen([*TRAINWATT, *arguments], env=env, **popen))

    def call(self, *arguments: str, encoding: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """The same in this process, which is much quicker, for commands that only read. `encoding`: that of a terminal which has one."""
        from trainwatt.cli.main import main

        out, err, code = _stream(encoding), _stream(encoding), 0
        kept = os.environ.copy(), sys.argv, os.getcwd()
        os.environ.clear()
        os.environ.update(self.environ(**more))
        os.chdir(self.work)
        sys.argv = ["trainwatt", *arguments]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os.environ.clear()
            os.environ.update(kept[0])
            sys.argv = kept[1]
            os.chdir(kept[2])
        return subprocess.CompletedProcess(arguments, code, _written(out), _written(err))

    def show(self, ref: str = "latest") -> Any:
        """A run as `trainwatt show --json` prints it, read in this process."""
        from trainwatt.analysis.footprint import view_of
        from trainwatt.machine.process import this_process
        from trainwatt.storage.read.store import Store

        store = Store.open(str(self.db))
        try:
            store.mark_vanished(this_process())
            return view_of(store, store.load(store.find(ref)))
        finally:
            store.close()

    def runs(self) -> list[Any]:
        """The `run` objects of every run, newest first."""
        from trainwatt.analysis.view import describe_run, run_duration_s
        from trainwatt.machine.process import this_process
        from trainwatt.storage.read.store import Store

        store = Store.open(str(self.db))
        try:
            store.mark_vanished(this_process())
            return [describe_run(run, run_duration_s(run)) for run in store.list_runs()]
        finally:
            store.close()

    def close(self) -> None:
        """Stop the helper."""
        World.running.remove(self)
        assert self._helper.stdin is not None
        self._helper.stdin.close()
        self._helper.wait(HANGS_S)
        assert self._helper.stdout is not None
        self._helper.stdout.close()


MakeWorld = Callable[..., World]
"""Makes fake machines, as many as a test wants; each keyword is one of `World`."""

TRAINWATT = (sys.executable, "-m", "trainwatt")
"""The command line without its installed script."""


def _stream(encoding: str | None) -> io.StringIO | io.TextIOWrapper:
    return io.StringIO() if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding, "strict", write_through=True)


def _written(stream: io.StringIO | io.TextIOWrapper) -> str:
    if isinstance(stream, io.StringIO):
        return stream.getvalue()
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


def enter(world: World, monkeypatch: pytest.MonkeyPatch, library: Path) -> World:
    """Put this process on that machine."""
    from tests.fakes import nvml

    nvml.load(library)
    for name, value in world.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(world.work)
    return world


def finished(process: subprocess.Popen[str], input_text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Wait for a process; kill it where it hangs."""
    try:
        out, err = process.communicate(input_text, timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} hung; stdout {out!r}, stderr {err!r}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(path: Path, seconds: float = HANGS_S) -> str:
    """The text of a file that another process is about to write whole."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return text.strip()
        time.sleep(0.005)
    raise AssertionError(f"{path} was not written in {seconds} s")


# ---- the helper


def _gpu_lines(index: int, watts: float) -> dict[str, object]:
    milliwatts = round(watts * 1000)
    uuid = f"GPU-{index:x}0000000-0000-4000-8000-00000000000{index:x}"
    lines = {"name": "NVIDIA H100 80GB HBM3", "uuid": uuid, "cc": "9.0", "power": milliwatts, "185": milliwatts, "186": milliwatts}
    lines |= {"limit": 700_000, "limit_most": 700_000}
    return {f"{index}.{key}": value for key, value in lines.items()}


def _advance(spec: dict[str, Any]) -> None:
    zones = {os.open(path, os.O_WRONLY): watts for path, watts in spec["zones"].items()}
    lines: dict[str, object] = {"count": len(spec["gpus"])}
    for index, watts in enumerate(spec["gpus"]):
        lines |= _gpu_lines(index, watts)
        if spec["exact"]:
            lines |= {f"{index}.energy": 5_000_000, f"{index}.energy_since": time.monotonic_ns()}
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # counters of real hardware do not wait for a busy processor
    begin = time.monotonic()
    gpus_at = -HANGS_S
    before = stood_still_s = 0.0
    answer = "ready"
    while True:
        passed = time.monotonic() - begin
        stood_still_s, before = max(stood_still_s, passed - before), passed
        for fd, watts in zones.items():
            os.pwrite(fd, b"%012d\n" % int(1e6 * (1.0 + watts * passed)), 0)  # always as long, so no reader sees half a number
        if spec["nvml"] and passed - gpus_at >= (HANGS_S if spec["exact"] else GPU_STEP_S):
            gpus_at = passed
            for index, watts in enumerate(() if spec["exact"] else spec["gpus"]):
                unit = float(str(lines.get("energy_unit", 1)))  # other than 1 for a counter in a wrong unit
                lines[f"{index}.energy"] = int(unit * (5_000_000 + 1e3 * watts * passed))
            with open(spec["nvml"] + ".new", "w") as file:
                file.writelines(f"{key} {value}\n" for key, value in lines.items() if value not in (None, "None"))
            os.replace(spec["nvml"] + ".new", spec["nvml"])
        if answer:
            print(answer, flush=True)
            answer = ""
        if select.select([0], [], [], STEP_S)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            key, _, value = line.strip().partition(" ")
            if key == "stood_still_s":
                answer = str(stood_still_s)
                continue
            lines[key] = value
            answer, gpus_at = "done", -HANGS_S


if __name__ == "__main__":
    _advance(json.loads(sys.argv[1]))
