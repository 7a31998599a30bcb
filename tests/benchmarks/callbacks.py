"""What the callbacks cost a training: `python -m tests.benchmarks.callbacks`. Hugging Face's Trainer and Lightning fit the same network on
the digits, on an emulated machine of two GPUs, a package and a DRAM domain: with the callback of trainwatt and without; the Trainer also
with CodeCarbon's callback, and with Zeus.

Compared is the CPU time of a step, of the training thread and of the whole process with the threads of the tools, from the second epoch on;
and the CPU time of what comes before and after these steps, in which tools start and end. A/A compares two sets of fits without a callback
in the same way. The order changes from round to round. Zeus has no callback that measures: a window of its monitor for each epoch is opened
and closed by one of ours. The peers are installed from the package index, beside the packages of this environment
(`requirements-peers.txt`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import trainwatt
from tests.benchmarks._emulator import Load
from tests.benchmarks._machine import HERE, ROOT, Machine, build_library, context, spread, table

PACKAGE = Path(trainwatt.__file__).parents[1]
REQUIREMENTS = HERE / "requirements-peers.txt"
CONTROL = ("before", "after")
WHAT = (("a step, training thread", "ms", 1000.0), ("a step, whole process", "ms", 1000.0), ("before and after the steps", "s", 1.0))
"""What is compared, in which unit, and how many of these a second has."""
KINDS = {"huggingface": ("before", "trainwatt", "codecarbon", "zeus", "after"), "lightning": ("before", "trainwatt", "after")}
"""What is compared in each framework. `before` and `after` have no callback: the A/A control."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how often everything is measured (9)")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of each fit, of 15 steps (10)")
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "trainwatt-callbacks", help="where the peers are installed")
    parser.add_argument("--without-peers", action="store_true", help="measure trainwatt alone")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    python = Path(sys.executable) if options.without_peers else _peers(options.peers)
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        library = build_library(Path(folder, "library"))
        machine = Machine(Path(folder, "machine"), packages=(Load(80),), drams=(Load(10),), gpus=(Load(300), Load(200)))
        try:
            env = machine.environ(library, rooted=True, OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
            for framework, kinds in KINDS.items():
                chosen = [kind for kind in kinds if not options.without_peers or kind in (*CONTROL, "trainwatt")]
                rows += _compared(framework, chosen, options.rounds, options.epochs, python, env)
        finally:
            machine.close()
    head = ["framework", "CPU time of", "without callback", "callback", "more", "A/A"]
    made = f"{context()}. Made by `python -m tests.benchmarks.callbacks`; median (least–most) of {options.rounds} fits each."
    page = "\n\n".join(("# What the callbacks cost a training", made, table(head, rows))) + "\n"
    print(page)
    if options.write is not None:
        options.write.write_text(page)


def _peers(folder: Path) -> Path:
    """The interpreter of an environment with the peers beside the packages of this one."""
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        [packages] = folder.glob("lib/python3*/site-packages")
        (packages / "base.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return python


def _compared(framework: str, kinds: list[str], rounds: int, epochs: int, python: Path, env: dict[str, str]) -> list[list[str]]:
    found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in kinds}
    for turn in range(rounds):
        at = turn % len(kinds)
        for kind in kinds[at:] + kinds[:at]:
            found[kind].append(_fit(framework, kind, epochs, python, env))
        print(f"{framework}: {turn + 1} of {rounds}", file=sys.stderr, flush=True)
    rows = []
    for i, (what, unit, scale) in enumerate(WHAT):
        first, second = ([values[i] for values in found[kind]] for kind in CONTROL)
        bare = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
        for kind in kinds:
            if kind not in CONTROL:
                pairs = list(zip(found[kind], bare, strict=True))
                if unit == "ms":  # a step is compared with a step; what comes once is told in seconds
                    more = spread([values[i] / step - 1 for values, step in pairs], " %", 100)
                    control = spread([b / a - 1 for a, b in zip(first, second, strict=True)], " %", 100)
                else:
                    more = spread([values[i] - once for values, once in pairs], " s")
                    control = spread([b - a for a, b in zip(first, second, strict=True)], " s")
                rows.append([framework, what, spread(bare, f" {unit}", scale), kind, more, control])
    return rows


def _fit(framework: str, kind: str, epochs: int, python: Path, env: dict[str, str]) -> tuple[float, float, float]:
    """CPU seconds of a step, of the training thread and of the whole process; and those before and after the steps."""
    with tempfile.TemporaryDirectory() as folder:
        of_fit = env | {"TRAINWATT_DB": str(Path(folder, "runs.db")), "HOME": folder, "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}:{PACKAGE}"}
        command = [str(python), str(HERE / "_fits.py"), framework, kind, str(epochs)]
        ended = subprocess.run(command, env=of_fit, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"a fit with {framework} and {kind} has failed:\n{ended.stderr}")
    thread_s, process_s, once_s = json.loads(ended.stdout.splitlines()[-1])
    return thread_s, process_s, once_s


if __name__ == "__main__":
    main()
