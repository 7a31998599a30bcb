"""How quick `trainwatt list` and `trainwatt show` are on large histories: `python -m tests.benchmarks.history`.

Two databases are written with the tracker's own Writer, with the rows that a run leaves: one has many short runs, the other a single long
run of ten devices (points as thinning leaves them, a phase each minute). Their size is reported too. The commands run as separate
processes, in turn with one that only imports the libraries that they use. The time beyond that is the cost of the history.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.benchmarks._machine import ROOT, context, spread, table
from tests.fakes.stored_rows import Row, device, phase, phase_energy, phase_fold, phase_fold_energy, point, run, segment
from trainwatt.machine.process import this_process
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.recording.compaction import MOST_OF_A_NAME, instances

NS = 1_000_000_000
START = 1_790_000_000 * NS
POINT_S, PHASE_S, COMMIT_S = 1, 60, 60
KEPT_S, THIN_S = 3600, 300  # tracker/energy/thinning.py
RUN_S = 60
GPU_W, PACKAGE_W, DRAM_W = 310.0, 140.0, 22.0
SMALL = {"gpu0": GPU_W, "gpu1": GPU_W, "package-0": PACKAGE_W, "dram-0": DRAM_W}
LARGE = {f"gpu{i}": GPU_W for i in range(8)} | {"package-0": PACKAGE_W, "package-1": PACKAGE_W}
LIBRARIES = "import rich.table, rich.console, rich_click, sqlalchemy.dialects.sqlite, trainwatt.cli.main, gc; gc.freeze()"
"""The commands end without a search for garbage, too."""


def long_run(writer: Writer, number: int, watts: dict[str, float], seconds: int, point_s: int = POINT_S) -> str:
    """Write one run as the tracker does, a minute of it in a transaction: devices that draw `watts`, a point of each every `point_s`.

    Returns its id.
    """
    me = this_process()
    run_id, segment_id, begin = f"{number:012x}", f"{number:016x}", START + number * 120 * NS
    whole = {"host": me.host, "started_utc_ns": begin, "last_seen_utc_ns": begin + seconds * NS, "status": "completed"}
    ended = {**whole, "ended_utc_ns": begin + seconds * NS}
    first: dict[str, Sequence[Row]] = {
        "run": [run(run_id, **ended, project=f"project{number % 20}", duration_s=float(seconds), command="python train.py --epochs 8")],
        "segment": [segment(segment_id, run_id, **ended, boot_id=me.boot_id, pid_namespace=me.pid_namespace, end_t_ns=seconds * NS)],
        "device": [device(name, segment_id, kind=kind_of(name), gain_class=kind_of(name)) for name in watts],
        "inventory": [{"run_id": run_id, "host": me.host, "kind": kind_of(n), "name": n, "detail": '{"sockets":1}'} for n in watts],
    }
    writer.write(first)
    for since in range(0, seconds, COMMIT_S):
        kept = [t for t in range(since, min(seconds, since + COMMIT_S), point_s) if t > seconds - KEPT_S or t % THIN_S in (0, THIN_S - 1)]
        phases = since // PHASE_S >= seconds // PHASE_S - instances(MOST_OF_A_NAME, len(watts))
        writer.write(_minute(run_id, segment_id, begin, watts, since, kept, phases))
    writer.write(_folded(seconds // PHASE_S, segment_id, watts))
    writer.write({"curve_point": [_point(seconds, w, name, segment_id) for name, w in watts.items()]})
    return run_id


def _minute(
    run_id: str, segment_id: str, begin: int, watts: dict[str, float], start: int, at: Sequence[int], phases: bool
) -> dict[str, Sequence[Row]]:
    """A minute's points, its phase with its energies where it is not folded, and an anchor where thinning keeps one."""
    number = start // PHASE_S
    times = {"start_t_ns": start * NS, "end_t_ns": (start + PHASE_S // 2) * NS, "start_utc_ns": begin + start * NS}
    return {
        "curve_point": [_point(t, w, name, segment_id) for t in at for name, w in watts.items()],
        "phase": [phase(number, "train" if number % 4 else "validate", segment_id, run_id, step=number, **times)] * phases,
        "phase_energy": [phase_energy(number, w * 30, name, segment_id, owner_segment_id=segment_id) for name, w in watts.items()] * phases,
        "clock_anchor": [
            {"segment_id": segment_id, "monotonic_ns": t * NS, "utc_ns": begin + t * NS, "boottime_ns": t * NS} for t in at[:1]
        ],
    }


def _folded(phases: int, segment_id: str, watts: dict[str, float]) -> dict[str, Sequence[Row]]:
    """What the phases before the newest ones have come to."""
    count = phases - instances(MOST_OF_A_NAME, len(watts))
    if count <= 0:
        return {}
    energies = [phase_fold_energy(w * 30 * count, name, "train", segment_id, owner_segment_id=segment_id) for name, w in watts.items()]
    return {"phase_fold": [phase_fold("train", segment_id, count=count)], "phase_fold_energy": energies}


def _point(t: int, watts: float, name: str, segment_id: str) -> Row:
    """A point with figures as odd as real ones, for SQLite keeps whole numbers in less room."""
    t_ns = t * NS + 7_654_321
    return point(t_ns, watts * t_ns / NS * 1.000123, name, segment_id, edge_low_j=watts * 0.0123, edge_high_j=watts * 0.0456)


def kind_of(name: str) -> str:
    """The kind of a device, of its name."""
    return {"gpu": "gpu", "package": "cpu", "dram": "dram"}[name.rstrip("0123456789").rstrip("-")]


def size_mib(path: Path) -> float:
    """The database with its journal."""
    return sum(p.stat().st_size for p in path.parent.glob(path.name + "*")) / 2**20


def timed(command: Sequence[str], db: Path | str, folder: Path) -> tuple[float, float]:
    """Wall seconds of a command in a folder, and the most memory it had, in MiB. Python keeps the bytecode of all modules there, as the
    installation of a package does: reading the source each time would take a tenth of a second."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"TRAINWATT_DB": str(db), "PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def commands(
    rounds: int, asked: Mapping[str, tuple[Sequence[str], Path | str]], *, libraries: str, folder: Path
) -> Iterator[Sequence[object]]:
    """A row for each command, which runs in a folder: its time, and beyond the import of the libraries."""
    only = [sys.executable, "-c", libraries]
    found: dict[str, list[tuple[float, float]]] = {words: [] for words in ("import of the libraries", *asked)}
    for turn in range(rounds + 1):  # the first one warms the caches
        for words, (arguments, db) in {"import of the libraries": ((), next(iter(asked.values()))[1]), **asked}.items():
            took = timed([sys.executable, "-m", "trainwatt", *arguments] if arguments else only, db, folder)
            if turn or rounds == 0:
                found[words].append(took)
            print(f"{words}: {took[0]:.2f} s", file=sys.stderr, flush=True)
    bare = [s for s, _ in found["import of the libraries"]]
    for words, values in found.items():
        ratios = [s / b for (s, _), b in zip(values, bare, strict=True)]
        beyond = "" if values is found["import of the libraries"] else spread([s - b for (s, _), b in zip(values, bare, strict=True)], " s")
        least = "" if not beyond else f"{min(s for s, _ in values) - min(bare):.2f} s"  # what other work on the machine disturbs least
        yield words, spread([s for s, _ in values], " s"), beyond, least, spread(ratios), spread([mib for _, mib in values], digits=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000, help="short runs in the first database (10000)")
    parser.add_argument("--points", type=int, default=10, help="points of each device of a short run (10)")
    parser.add_argument("--hours", type=float, default=168.0, help="length of the long run (168)")
    parser.add_argument("--rounds", type=int, default=9, help="how often a command is timed (9)")
    parser.add_argument("--folder", type=Path, help="where the databases are made (a temporary folder; a week takes under 1 GB)")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    about = context()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        many, one = Path(folder, "many.db"), Path(folder, "one.db")
        begin = time.perf_counter()
        writer = Writer.open(many)
        for number in range(options.runs):
            long_run(writer, number, SMALL, RUN_S, max(1, RUN_S // options.points))
        middle = f"{options.runs // 2:012x}"
        writer.close()
        between = time.perf_counter()
        writer = Writer.open(one)
        empty_mib = size_mib(one)
        long_run(writer, 1, LARGE, round(options.hours * 3600))
        writer.close()
        ended = time.perf_counter()
        asked: dict[str, tuple[Sequence[str], Path | str]] = {
            f"list, of {options.runs:,} runs": (("list",), many),
            "list --project": (("list", "--project", "project7"), many),
            "list --limit 1000000 --json": (("list", "--limit", "1000000", "--json"), many),
            "show of one of them": (("show", middle), many),
            f"list, of one run of {options.hours:g} h": (("list",), one),
            f"show of the run of {options.hours:g} h": (("show",), one),
            "show --json of it": (("show", "--json"), one),
        }
        rows = list(commands(options.rounds, asked, libraries=LIBRARIES, folder=Path(folder)))
        grown = (size_mib(one) - empty_mib) / options.hours
        sizes = [
            [f"{options.runs:,} runs of 4 devices, {options.points} points each", f"{size_mib(many):,.0f} MiB", f"{between - begin:.0f} s"],
            [f"one run of {len(LARGE)} devices, {options.hours:g} h", f"{size_mib(one):,.0f} MiB", f"{ended - between:.0f} s"],
            ["growth of the long run", f"{grown:.2f} MiB an hour, {1024 * grown / len(LARGE):.0f} KiB a device", ""],
        ]
    parts = ["# Large histories", f"{about}. Made by `python -m tests.benchmarks.history`; median (least–most)."]
    parts.append(table(["command", "time", "beyond the import", "least − least", "÷ import of the libraries", "most memory, MiB"], rows))
    parts.append(table(["database", "size", "written in"], sizes))
    page = "\n\n".join(parts) + "\n"
    print(page)
    if options.write is not None:
        options.write.write_text(page)


if __name__ == "__main__":
    main()
