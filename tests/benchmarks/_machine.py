"""A machine with known watts for benchmarks: a powercap tree, a fake NVML, and a helper that advances both; and how results are told."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.benchmarks._emulator import Load
from tests.fakes.nvml import SONAME
from tests.fakes.powercap import INTEL_RANGE_UJ, FakePowercap

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIMIT_W = 350.0
STRANGERS = ("TRAINWATT_", "CUDA_", "SLURM_", "OMPI_", "CODECARBON_", "PERUN_", "ZEUS_", "WANDB_", "MLFLOW_", "PYTHON")


class Machine:
    """A machine below `root`, running until `close`: `packages` each with a DRAM domain of the `drams`, and `gpus`.

    `wrap_at_s`: every powercap counter passes the end of its range so many seconds after the beginning. `active`: the GPUs tell what they
    do, as far as their library has functions for that.
    """

    def __init__(
        self,
        root: Path,
        *,
        packages: Sequence[Load],
        drams: Sequence[Load],
        gpus: Sequence[Load],
        wrap_at_s: float | None = None,
        active: bool = False,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.loads = {"gpu": tuple(gpus), "cpu": tuple(packages), "dram": tuple(drams)}
        self.powercap = FakePowercap(root / "machine")
        zones: list[tuple[Path, Load]] = []
        for i, load in enumerate(packages):
            zones.append((self.powercap.zone(f"intel-rapl:{i}", f"package-{i}", "0" * 12, limit_w=LIMIT_W), load))
        for i, load in enumerate(drams):
            zones.append((self.powercap.zone(f"intel-rapl:{i}:0", "dram", "0" * 12), load))
        found = [
            {"path": str(folder / "energy_uj"), "load": load, "start_uj": _start_uj(load, wrap_at_s), "range_uj": INTEL_RANGE_UJ + 61}
            for folder, load in zones
        ]
        self.nvml_file = root / "nvml.txt"
        self._away = root / "away"
        self._away.mkdir(exist_ok=True)
        spec = {"zones": found, "nvml": str(self.nvml_file), "gpus": gpus, "active": active}
        self._helper = subprocess.Popen(
            [sys.executable, "-S", str(HERE / "_emulator.py"), json.dumps(spec)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._helper.stdout is not None
        self.begin_s = float(self._helper.stdout.readline())

    def truth_j(self, kind: str, start_s: float, end_s: float) -> float:
        """What the parts of a kind drew between two instants of the monotonic clock, in seconds."""
        return sum(load.joules(end_s - self.begin_s) - load.joules(start_s - self.begin_s) for load in self.loads[kind])

    def tell(self, word: str) -> None:
        """`fail`, `heal`, or `pids` and numbers; returns once it is so."""
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.write(f"{word}\n")
        self._helper.stdin.flush()
        self._helper.stdout.readline()

    def environ(self, library: Path, *, rooted: bool, **more: str) -> dict[str, str]:
        """The environment of a process on the machine. `rooted`: trainwatt is told where the tree is, for /sys is the real one."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(STRANGERS)}
        given = {"TRAINWATT_SYSFS": str(self.powercap.sysfs)} if rooted else {}
        given |= {"FAKE_NVML": str(self.nvml_file), "LD_LIBRARY_PATH": str(library.parent), "PYTHONPATH": str(ROOT)}
        return {**kept, **given, "PATH": f"{library.parent}:{os.environ.get('PATH', os.defpath)}", **more}

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command in a namespace of its own, where /sys has the emulated powercap tree."""
        script = [str(HERE / "_namespace.sh"), str(self._away), str(self.powercap.sysfs)]
        return ["unshare", "--map-root-user", "--mount", "sh", *script, *command]

    def can_go_inside(self) -> str | None:
        """None where such a namespace is permitted, else what the system said."""
        if shutil.which("unshare") is None:
            return "there is no unshare"
        names = "/sys/class/powercap/intel-rapl:0/name"
        tried = subprocess.run(self.inside(["cat", names]), capture_output=True, text=True, check=False)
        if tried.returncode == 0 and tried.stdout.strip() == "package-0":
            return None
        return (tried.stderr.strip().splitlines() or ["it has no effect"])[-1]

    def close(self) -> None:
        """Stop the helper."""
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.close()
        self._helper.wait(10)
        self._helper.stdout.close()


def build_library(folder: Path) -> Path:
    """The fake NVML with the functions that other tools call, compiled into `folder`; beside it an nvidia-smi that does nothing, for
    some tools look for a GPU by calling it."""
    folder.mkdir(parents=True, exist_ok=True)
    compile_c(HERE / "_nvml_more.c", folder / SONAME, "-shared", "-fPIC", f"-Wl,-soname,{SONAME}")
    smi = folder / "nvidia-smi"
    smi.write_text("#!/bin/sh\n")
    smi.chmod(0o755)
    return folder / SONAME


def _start_uj(load: Load, wrap_at_s: float | None) -> int:
    return 1_000_000 if wrap_at_s is None else INTEL_RANGE_UJ - round(load.joules(wrap_at_s) * 1e6)


def compile_c(source: Path, target: Path, *options: str) -> None:
    """Compile a C file. Ends the benchmark where there is no compiler."""
    if (cc := shutil.which("cc")) is None:
        sys.exit("a C compiler (cc) is needed")
    subprocess.run([cc, "-O2", "-Wall", "-Werror", "-o", target, source, *options], check=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def spread(values: Sequence[float], unit: str = "", scale: float = 1.0, digits: int = 2) -> str:
    """The median, and from where to where the values go."""
    if not values:
        return "–"
    low, middle, high = (scale * v for v in (min(values), statistics.median(values), max(values)))
    text = f"{middle:.{digits}f}{unit}"
    return text if len(values) == 1 else f"{text} ({low:.{digits}f}–{high:.{digits}f})"


def context() -> str:
    """What the figures depend on, without a date and without a name."""
    model = next((x.partition(":")[2].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")), "?")
    about = f"Python {platform.python_version()}, Linux {platform.release().partition('-')[0]}, {os.cpu_count()} cores ({model})"
    return f"{about}; load average at the beginning {os.getloadavg()[0]:.2f}"
