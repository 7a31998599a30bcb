"""Accuracy and cost of trainwatt beside other trackers, on one emulated machine with known watts: `python -m tests.benchmarks.compare`.

The other tools are installed from the package index into one virtual environment (`requirements-peers.txt`). Every tool is used as its
documentation says, with its defaults, on the same two emulated GPUs, packages and DRAM domains. LD_LIBRARY_PATH leads to the fake NVML. The
powercap tree is mounted over /sys in a user and mount namespace, which needs no privilege if the system permits such namespaces. If it does
not, only trainwatt sees the tree (it can be given another /sys), and the table says so.

The truth is what the machine drew from the first to the last statement of the loop. If a tool also counts its own start and stop, that is
part of its error. CPU time is that of the process and its children during the loop, minus that of the loop alone. The row "A/A" compares a
second bare loop with the first, which shows the noise. Import times are measured in separate processes. The tools may use the network, for
example to look up their location or an update.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks._cases import CASES, Bench, Result
from tests.benchmarks._machine import HERE, build_library, context, spread, table
from tests.benchmarks._tools import KINDS, TOOLS

REQUIREMENTS = HERE / "requirements-peers.txt"
PEERS = ("codecarbon", "zeus", "carbontracker", "perun")
AT_10_HZ = ("codecarbon", "carbontracker", "perun")
IMPORTS = 5
SAME, APART = 0.01, 0.2
"""Powers within 1 % of each other in two cases whose true powers are 20 % apart are a constant guess."""

Results = dict[tuple[str, str], list[Result]]


def peers_python(folder: Path) -> Path:
    """The interpreter of the environment of the peers, made where it is not there yet or was made of other requirements."""
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return python


def measure(bench: Bench, cases: list[str], tools: list[str], repeats: int) -> Results:
    """Every tool through every case; the steady case `repeats` times, and there also with ten readings a second."""
    found: Results = {}

    def run(tool: str, case: str, label: str, period_s: float | None = None) -> None:
        lag_s = found[label, "steady"][-1].begin_lag_s if case == "wrap" else 0.0
        result = bench.run(tool, CASES[case], period_s, lag_s)
        found.setdefault((label, case), []).append(result)
        print(f"{case:8} {label:20} {result.error or 'done'}", file=sys.stderr, flush=True)

    for _ in range(repeats):
        run("bare", "steady", "bare")
        for tool in tools:
            run(tool, "steady", tool)
        for tool in AT_10_HZ:
            if tool in tools:
                run(tool, "steady", f"{tool} at 10 Hz", 0.1)
        run("bare", "steady", "A/A")
    for case in cases:
        for tool in tools:
            if case != "steady" and found[tool, "steady"][-1].error is None:
                run(tool, case, tool)
    return found


def import_s(bench: Bench, tools: list[str]) -> dict[str, list[float]]:
    """Seconds to import what a user of a tool imports, each in a process of its own, the tools in turn."""
    found: dict[str, list[float]] = {tool: [] for tool in tools}
    code = "import time; t = time.perf_counter(); from {} import {}; print(time.perf_counter() - t)"
    with bench.machine("imports", CASES["steady"], None) as machine:
        for turn in range(IMPORTS + 1):  # the first one warms the disk's cache
            for tool in tools:
                home = bench.root / f"home-{tool}"
                env = machine.environ(bench.library, rooted=False, HOME=str(home), PYTHONPATH="")
                command = [bench.python(tool), "-c", code.format(TOOLS[tool].module, TOOLS[tool].name)]
                ended = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, check=False)
                if turn and ended.returncode == 0:
                    found[tool].append(float(ended.stdout.split()[-1]))
    return found


def accuracy_table(found: Results, case: str, gpu_only: bool) -> str:
    """One row a tool: its errors against the truth, and what it left behind. `gpu_only`: the peers could not be shown the rest."""
    rows = []
    for (tool, of), results in found.items():
        if of != case or tool in ("bare", "A/A"):
            continue
        left = _left(results[-1])
        if results[-1].error is not None:
            rows.append([tool, f"failed: `{results[-1].error}`", "", "", "", "", left])
            continue
        errors = [*(_error(found, tool, case, kind) for kind in KINDS), _total_error(results)]
        if gpu_only and tool != "trainwatt":
            errors[1:] = ["not shown"] * 3
        rows.append([tool, *errors, _kept(results[-1]) if case == "killed" else _range(results[-1]), left])
    return table(["tool", "GPU", "CPU", "DRAM", "total", "of the time" if case == "killed" else "stated range", "files left"], rows)


def _error(found: Results, tool: str, case: str, kind: str) -> str:
    results = found[tool, case]
    if any(r.found.get(kind) is None for r in results):
        return "nothing" if case == "killed" else "not given"
    text = _percent([_relative(r.found[kind], r.truth[kind]) for r in results])
    guess_w = _constant_w(found, tool.partition(" ")[0], kind)
    return text if guess_w is None else f"{text} (constant guess: {guess_w:.0f} W)"


def _constant_w(found: Results, tool: str, kind: str) -> float | None:
    """The watts that a tool says whatever the power is; None where they follow it, or both cases were not run."""
    two = [found[key][-1] for key in ((tool, "steady"), (tool, "square")) if key in found]
    joules = [r.found.get(kind) for r in two]
    if len(two) < 2 or any(r.error for r in two) or None in joules:
        return None
    a_w, b_w = (float(j or 0.0) / r.seconds for j, r in zip(joules, two, strict=True))
    true_a_w, true_b_w = (r.truth[kind] / r.seconds for r in two)
    said_same = abs(b_w - a_w) <= SAME * max(a_w, b_w)
    return a_w if a_w and said_same and abs(true_b_w - true_a_w) > APART * true_a_w else None


def _total_error(results: list[Result]) -> str:
    last = results[-1]
    if last.found.get("total") is None:
        return "nothing"
    text = _percent([_relative(r.found["total"], sum(r.truth.values())) for r in results])
    parts = [last.found.get(kind) for kind in KINDS]
    joules = sum(j for j in parts if j is not None)
    times = (last.found["total"] or 0.0) / joules if joules else 1.0
    return text if abs(times - 1) < 0.005 else f"{text} (its total is {times:.2f} × its parts)"


def _range(result: Result) -> str:
    low, high = result.found.get("low"), result.found.get("high")
    if low is None or high is None:
        return "none"
    true_j = sum(result.truth.values())
    holds = "holds the truth" if low <= true_j <= high else "MISSES the truth"
    return f"{_relative(low, true_j):+.1f} to {_relative(high, true_j):+.1f} %, {holds}"


def _kept(result: Result) -> str:
    seconds = result.found.get("seconds")
    return "" if seconds is None else f"{seconds:.1f} of {result.seconds:.1f} s are on record"


def _relative(found: float | None, truth: float) -> float:
    return 100 * (float(found or 0.0) / truth - 1)


def _percent(errors: list[float]) -> str:
    middle = statistics.median(errors)
    text = f"{middle:+.2f} %" if abs(middle) < 10 else f"{middle:+,.0f} %"
    return text if len(errors) == 1 else f"{text} ({min(errors):+.2f} to {max(errors):+.2f})"


def _left(result: Result) -> str:
    return f"{result.files}, {result.size / 1024:,.0f} KiB" if result.files else "none"


def cost_table(found: Results, imports: dict[str, list[float]]) -> str:
    """One row a tool: what it cost in the steady case, and against trainwatt."""
    bare = found["bare", "steady"]

    def extra(label: str) -> list[float]:
        pairs = zip(found[label, "steady"], bare, strict=True)
        return [100 * (r.loop_cpu_s - b.loop_cpu_s) / r.seconds for r, b in pairs if r.error is None]

    own, own_import = (statistics.median(x) if x else 0.0 for x in (extra("trainwatt"), imports.get("trainwatt", [])))
    own_whole_s = _whole_s(found["trainwatt", "steady"]) if own else 0.0
    rows = []
    for (label, case), results in found.items():
        good = [r for r in results if r.error is None]
        if case != "steady" or label == "bare" or not good:
            continue
        more_s = extra(label)
        took = imports.get(label.partition(" ")[0], [])
        ratio = f"{statistics.median(more_s) / own:.1f}" if own and label != "A/A" else ""
        memory = [r.measured["rss_mib"] - b.measured["rss_mib"] for r, b in zip(results, bare, strict=True) if r.error is None]
        times = [spread([r.measured[key] for r in good], digits=3) if label != "A/A" else "" for key in ("start_s", "stop_s")]
        times_import = f"{statistics.median(took) / own_import:.0f}" if took and own_import else ""
        whole_s = "" if label == "A/A" else f"{_whole_s(good):.2f}"
        whole_times = "" if label == "A/A" or not own_whole_s else f"{_whole_s(good) / own_whole_s:.1f}"
        cells = [spread(more_s, " %"), ratio, spread(took, digits=3) if took else "", times_import, *times, whole_s, whole_times]
        rows.append([label, *cells, spread(memory, digits=0)])
    times_own = "× trainwatt"
    head = [
        "tool",
        "CPU of a core",
        times_own,
        "import, s",
        times_own,
        "start, s",
        "stop, s",
        "all three, s",
        times_own,
        "memory added, MiB",
    ]
    return table(head, rows)


def _whole_s(results: list[Result]) -> float:
    """Import, start and stop in one process, for some tools import in their start what others import at once."""
    return statistics.median(float(sum(r.measured[key] for key in ("import_s", "start_s", "stop_s"))) for r in results)


def configured(found: Results, python: Path) -> str:
    """What was run: version, configuration, and what the tool itself printed about its sources."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    lines = []
    for tool, case in found:
        if case != "steady" or tool not in TOOLS or tool == "bare":
            continue
        command = [sys.executable if tool == "trainwatt" else str(python), "-c", code, tool]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        lines.append(f"- {tool} {version}: {TOOLS[tool].configured}.")
        lines += [f"  It printed: `{line}`" for line in found[tool, case][-1].told[:6]]
    return "\n".join(lines)


def report(bench: Bench, found: Results, imports: dict[str, list[float]], python: Path, about: str) -> str:
    """The whole page."""
    parts = ["# Beside other trackers", f"{about}. Made by `python -m tests.benchmarks.compare`, whose docstring says how."]
    if bench.refused is not None:
        parts.append(f"The powercap tree could not be shown to the other tools ({bench.refused}): only their GPU figures compare.")
    for case in CASES:
        if any(of == case for _, of in found):
            length = "" if CASES[case].fixed else f", {bench.length_s:g} s"
            parts += [
                f"## {CASES[case].title}{length if not CASES[case].killed else ''}",
                accuracy_table(found, case, bench.refused is not None),
            ]
    parts += ["## Cost", cost_table(found, imports), "## What was run", configured(found, python)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a run (20)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of the steady case, for its costs (3)")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--tools", nargs="*", default=list(PEERS), choices=PEERS, help="beside trainwatt")
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "trainwatt-peers", help="the peers' environment")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    about = context()
    python = peers_python(options.peers)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), build_library(Path(folder) / "library"), python, options.seconds)
        tools = ["trainwatt", *options.tools]
        found = measure(bench, options.cases, tools, options.repeat)
        page = report(bench, found, import_s(bench, tools), python, about)
    print(page)
    if options.write is not None:
        options.write.write_text(page)


if __name__ == "__main__":
    main()
