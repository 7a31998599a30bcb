"""The commands that read: list, show, delete, doctor, completion, and what they all promise."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import nvml
from tests.fakes.views import happened
from tests.fakes.world import HANGS_S, TRAINWATT, MakeWorld, World, finished
from trainwatt import __version__
from trainwatt.presentation.words.quantities import format_range

FILL = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", name="first", tags={"lr": "0.1"}, group="sweep") as tracker:
    with tracker.phase("train"):
        for _ in tracker.wrap(range(5), samples=10):
            time.sleep(0.08)
    with tracker.phase("validate with a very long name that does not fit beside anything else"):
        time.sleep(0.3)
with EnergyTracker(project="digits", gpus=[], baseline=0.2) as tracker:
    time.sleep(0.1)
try:
    with EnergyTracker(project="a project whose name is so long that a table of eighty columns has no room for it", name="and a name"):
        raise ValueError("a long reason " * 12)
except ValueError:
    pass
"""

RUN_KEYS = {
    "id", "project", "name", "group", "stage", "status", "end_reason", "started_at", "ended_at", "last_seen_at", "duration_s",
    "host", "command", "git_commit", "tags", "external", "ranks", "damage",
    "origin", "source", "device_hours",
}  # fmt: skip
ENERGY_KEYS = {"total_j", "low_j", "high_j", "interval_level", "boundary", "measured_fraction", "measured_only_j", "devices"}
DEVICE_KEYS = {"device", "host", "kind", "model", "uuid", "included_in_total", "energy_j", "low_j", "high_j", "coverage", "provenance"}
PROVENANCE_KEYS = {"measured-counter", "measured-power", "imputed", "modelled"}
PHASE_KEYS = {"name", "count", "duration_s", "energy_j", "low_j", "high_j", "resolved"}
SAMPLER_KEYS = {"period_s", "samples", "missed", "cpu_s", "cpu_fraction", "startup_cpu_s"}
MORE_ENERGY_KEYS = {"interval_kind", "attribution", "idle_j", "above_idle_j", "lower_bound", "unmeasured"}
MORE_DEVICE_KEYS = {
    "seen_fraction",
    "errors",
    "idle_j",
    "gain",
    "residual",
    "update_period_s",
    "note",
    "mean_power_w",
    "used",
    "activity",
    "share_of",
    "machine",
}
MORE_PHASE_KEYS = {"unresolved_count", "pending_count", "host_side", "work", "per_unit"}

PSEUDO_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
CARBON_KEYS = {f"{part}{bound}_g" for part in ("operational", "embodied", "total") for bound in ("", "_low", "_high")} | {
    "zone",
    "intensity_g_per_kwh",
    "intensity_source",
    "pue",
    "assumptions",
    "sci",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, nvml_library: Path) -> Iterator[World]:
    """A machine with three runs, which no test changes. The newest is the failed one."""
    nvml.load(nvml_library)
    world = World(tmp_path_factory.mktemp("filled"), nvml_library)
    ended = world.run_python(FILL, "--api-token", "secret", *(f"argument{i}" for i in range(30)))
    assert (ended.returncode, ended.stderr) == (0, "")
    yield world
    world.close()


@pytest.fixture(scope="module")
def ids(filled: World) -> list[str]:
    """Its runs, newest first."""
    return [r["id"] for r in filled.runs()]


def reads(world: World, *arguments: str, **environ: str) -> str:
    """What a command prints that succeeds without a word on stderr."""
    ended = world.call(*arguments, **environ)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


def fails(world: World, code: int, *arguments: str) -> str:
    """What a command says that fails with `code`: no traceback, nothing on stdout."""
    ended = world.call(*arguments)
    assert ended.returncode == code, (ended.stdout, ended.stderr)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr


# ---- show


def test_show_json_has_the_promised_keys(filled: World, ids: list[str]) -> None:
    view = json.loads(reads(filled, "show", ids[2], "--json"))
    assert set(view) == {
        *("schema_version", "run", "energy", "phases", "work", "events", "carbon", "carbon_missing", "sampler", "allocations"),
        *("processors", "unit", "per_unit", "compute", "budget", "forecast"),
    }
    assert view["schema_version"] == 1
    assert set(view["run"]) == RUN_KEYS
    assert set(view["energy"]) == ENERGY_KEYS | MORE_ENERGY_KEYS
    assert view["energy"]["interval_level"] == 0.95
    assert view["energy"]["boundary"] == "components"
    assert [d["device"] for d in view["energy"]["devices"]] == ["gpu0", "package-0", "dram-0"]
    assert [d["kind"] for d in view["energy"]["devices"]] == ["gpu", "cpu", "dram"]
    for device in view["energy"]["devices"]:
        assert set(device) == DEVICE_KEYS | MORE_DEVICE_KEYS
        assert set(device["provenance"]) == PROVENANCE_KEYS
        assert device["included_in_total"] is True
        assert device["low_j"] <= device["energy_j"] <= device["high_j"]
    for phase in view["phases"]:
        assert set(phase) == PHASE_KEYS | MORE_PHASE_KEYS
    assert set(view["sampler"]) == SAMPLER_KEYS
    assert set(view["carbon"]) >= CARBON_KEYS
    assert view["run"]["id"] == ids[2]
    assert view["run"]["tags"] == {"lr": "0.1"}
    for key in ("started_at", "ended_at", "last_seen_at"):
        assert datetime.fromisoformat(view["run"][key]).tzinfo is not None
        assert view["run"][key].endswith("Z")


def test_an_event_has_the_promised_keys(world: World) -> None:
    world.gpu("0.pids", os.getpid())
    world.run_python("from trainwatt import EnergyTracker\nwith EnergyTracker(): pass")
    [event] = happened(json.loads(reads(world, "show", "--json")))
    assert set(event) == {"device", "kind", "at", "detail"}
    assert datetime.fromisoformat(event["at"]).tzinfo is not None


def test_a_run_is_named_by_its_id_a_prefix_or_latest(filled: World, ids: list[str]) -> None:
    for ref, expected in ((ids[1], ids[1]), (ids[1][:6], ids[1]), ("latest", ids[0])):
        assert json.loads(reads(filled, "show", ref, "--json"))["run"]["id"] == expected
    assert json.loads(reads(filled, "show", "--json"))["run"]["id"] == ids[0]


def test_an_unknown_or_ambiguous_run_is_exit_code_3(filled: World, world: World) -> None:
    assert "no run 'zzzz'" in fails(filled, 3, "show", "zzzz")
    assert "trainwatt list" in fails(filled, 3, "show", "")
    assert "no run 'zz'" in fails(filled, 3, "delete", "-y", "zz")
    world.run_python("from trainwatt import EnergyTracker\nfor _ in range(2):\n    with EnergyTracker(gpus=[]): pass")
    with sqlite3.connect(world.db) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for new, (old,) in zip(("abc1", "abc2"), connection.execute("SELECT id FROM run").fetchall(), strict=True):
            connection.execute("UPDATE run SET id = ? WHERE id = ?", (new, old))
    said = fails(world, 3, "show", "abc")
    assert "abc1" in said
    assert "abc2" in said
    assert "more than one run begins with 'abc'" in said
    assert "more than one run" in fails(world, 3, "delete", "-y", "abc")


def test_show_prints_the_run_in_full(filled: World, ids: list[str]) -> None:
    text = reads(filled, "show", ids[2])
    for words in ("100 % measured, GPU+CPU+DRAM", "completed", "gpu0", "package-0", "dram-0", "train", "digits/first", ids[2], "lr=0.1",
                  "50 samples", "NVIDIA H100", "--api-token ***"):  # fmt: skip
        assert words in " ".join(text.split()), words
    assert "host-side edges" in " ".join(reads(filled, "show", ids[2], COLUMNS="160").split())
    assert "secret" not in text
    assert "idle" in reads(filled, "show", ids[1])
    assert "failed (ValueError: a long reason" in " ".join(reads(filled, "show", ids[0]).split())


def test_a_long_name_of_a_phase_takes_no_room_from_its_figures(filled: World, ids: list[str]) -> None:
    view = filled.show(ids[2])
    text = reads(filled, "show", ids[2])
    for phase in view["phases"]:
        assert format_range(phase["energy_j"], phase["low_j"], phase["high_j"]) in text


# ---- list


def listed(world: World, *arguments: str) -> list[dict[str, Any]]:
    out = json.loads(reads(world, "list", "--json", *arguments))
    assert set(out) == {"schema_version", "runs"}
    assert out["schema_version"] == 1
    found: list[dict[str, Any]] = out["runs"]
    return found


def test_list_json_has_the_promised_keys(filled: World, ids: list[str]) -> None:
    found = listed(filled)
    assert [r["run"]["id"] for r in found] == ids
    for entry in found:
        assert set(entry) == {"run", "energy", "work", "unit", "per_unit"}
        assert set(entry["run"]) == RUN_KEYS
        assert set(entry["energy"]) == (ENERGY_KEYS | MORE_ENERGY_KEYS) - {"devices"}
    full = json.loads(reads(filled, "show", ids[2], "--json"))
    assert found[2]["run"] == full["run"]
    assert found[2]["energy"] == {k: v for k, v in full["energy"].items() if k != "devices"}


def test_list_filters(filled: World, ids: list[str]) -> None:
    def chosen(*arguments: str) -> list[str]:
        return [r["run"]["id"] for r in listed(filled, *arguments)]

    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    assert chosen("--project", "digits") == ids[1:]
    assert chosen("--project", "none") == []
    assert chosen("--group", "sweep") == [ids[2]]
    assert chosen("--status", "failed") == [ids[0]]
    assert chosen("--status", "completed", "--limit", "1") == [ids[1]]
    assert chosen("--limit", "2") == ids[:2]
    assert chosen("--since", "1h") == ids
    assert chosen("--since", yesterday) == ids
    assert chosen("--since", tomorrow) == []
    assert chosen("--since", "7d", "--project", "digits", "--status", "completed") == ids[1:]


def test_since_tells_old_from_new(world: World) -> None:
    world.run_python("from trainwatt import EnergyTracker\nfor _ in range(2):\n    with EnergyTracker(gpus=[]): pass")
    newest, oldest = (r["id"] for r in world.runs())
    with sqlite3.connect(world.db) as connection:
        connection.execute("UPDATE run SET started_utc_ns = started_utc_ns - ? WHERE id = ?", (3 * 86400 * 10**9, oldest))
    assert [r["run"]["id"] for r in listed(world, "--since", "2d")] == [newest]
    assert [r["run"]["id"] for r in listed(world, "--since", "4d")] == [newest, oldest]


def test_ls_is_list(filled: World) -> None:
    assert reads(filled, "ls") == reads(filled, "list")


def test_list_prints_a_line_a_run(filled: World, ids: list[str]) -> None:
    header, *lines, _ = reads(filled, "list").splitlines()
    assert header.split() == ["run", "started", "project", "status", "time", "energy", "±", "measured"]
    assert [line.split()[0] for line in lines] == [i[:8] for i in ids]
    assert "digits/first" in lines[2]
    assert "failed" in lines[0]


def test_list_of_nothing_says_so(filled: World, world: World) -> None:
    for arguments in (["list", "--project", "none"], ["list", "--status", "running"]):
        ended = filled.call(*arguments)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "no runs match\n")
    said = fails(world, 1, "list")
    assert "nothing has been tracked" in said
    assert str(world.db) in said
    assert not world.db.exists()


# ---- delete


@pytest.fixture(scope="module")
def database_of_two_runs(tmp_path_factory: pytest.TempPathFactory, nvml_library: Path) -> Path:
    world = World(tmp_path_factory.mktemp("two"), nvml_library)
    ended = world.run_python(
        "import time\nfrom trainwatt import EnergyTracker\nfor _ in range(2):\n    with EnergyTracker() as t:\n"
        "        with t.phase('p'): t.update(samples=1); time.sleep(0.25)"
    )
    world.close()
    assert ended.returncode == 0
    return world.db


@pytest.fixture
def two_runs(world: World, database_of_two_runs: Path) -> World:
    """The machine with a copy of that database, which a test may change."""
    shutil.copytree(database_of_two_runs.parent, world.db.parent)
    return world


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 0, 2), ("", 2, 2)])
def test_delete_asks_first(two_runs: World, answer: str, code: int, left: int) -> None:
    run_id = two_runs.runs()[0]["id"]
    ended = finished(two_runs.popen([*TRAINWATT, "delete", "latest"], stdin=subprocess.PIPE), answer)
    assert ended.returncode == code, ended.stderr
    assert run_id[:8] in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert ("-y deletes without asking" in ended.stderr) is (answer == "")
    assert len(two_runs.runs()) == left
    assert run_id in [r["id"] for r in two_runs.runs()] or left == 1


def test_delete_yes_takes_everything_of_the_runs(two_runs: World) -> None:
    first, second = (r["id"] for r in two_runs.runs())
    assert "1" in reads(two_runs, "delete", "--yes", first, first[:8])
    assert [r["id"] for r in two_runs.runs()] == [second]
    assert "1" in reads(two_runs, "delete", "-y", "latest")
    with sqlite3.connect(two_runs.db) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = {t: n for t in tables if t != "alembic_version" for (n,) in connection.execute(f'SELECT COUNT(*) FROM "{t}"')}
    assert {t: n for t, n in left.items() if n} == {}


def test_delete_of_a_known_and_an_unknown_run_deletes_neither(two_runs: World) -> None:
    fails(two_runs, 3, "delete", "-y", two_runs.runs()[0]["id"], "zzz")
    assert len(two_runs.runs()) == 2


# ---- doctor


def test_doctor_json_names_devices_findings_and_the_database(filled: World) -> None:
    report = json.loads(reads(filled, "doctor", "--json"))
    assert set(report) >= {"schema_version", "devices", "findings", "database", "period_s", "cost_fraction"}
    assert {d["device"]: round(d["power_w"], -1) for d in report["devices"]} == pytest.approx(
        {"gpu0": 300.0, "package-0": 80.0, "dram-0": 10.0}, abs=30.0
    )
    for finding in report["findings"]:
        assert set(finding) == {"source", "availability", "what", "detail", "remedy", "worth", "devices"}
    assert report["database"] == {"place": str(filled.db), "usable": True, "detail": report["database"]["detail"]}


@pytest.mark.slow
def test_doctor_says_what_is_not_measured_and_how_to_mend_it(make_world: MakeWorld) -> None:
    world = make_world(package_w=0, gpus_w=())
    text = reads(world, "doctor")
    assert "model" in text
    assert "✗" in text or "–" in text
    report = json.loads(reads(world, "doctor", "--json"))
    assert any(f["availability"] != "ok" for f in report["findings"])
    assert [d["from"] for d in report["devices"]] == ["model", "model"]
    assert not world.db.exists()  # it looks, and leaves nothing


@pytest.mark.slow
def test_doctor_names_a_database_that_is_none(world: World, nvml_library: Path) -> None:
    nvml.load(nvml_library)
    (world.work / "notes.txt").write_text("notes\n" * 300)
    report = json.loads(reads(world, "doctor", "--json", "--db", "notes.txt"))
    assert report["database"]["usable"] is False
    assert "not a SQLite database" in report["database"]["detail"]
    out = reads(world, "doctor", "--json", "--db", "postgresql://me:hunter2@h/d")
    assert json.loads(out)["database"]["usable"] is False
    assert "hunter2" not in out
    assert "7" in fails(world, 2, "doctor", "--gpus", "7")


# ---- all of them


def test_version_and_help(world: World) -> None:
    assert reads(world, "--version") == f"trainwatt, version {__version__}\n"
    text = reads(world, "--help")
    for word in ("run", "attach", "list", "show", "footprint", "estimate", "zones", "hardware", "delete", "doctor", "completion"):
        assert re.search(rf"\b{word}\b", text)
        assert reads(world, word, "--help") == reads(world, word, "-h")
    assert not world.db.exists()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_import_neither_torch_nor_sqlalchemy(world: World, arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv[1:] = {arguments!r}
from trainwatt.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code
print(sorted({{"torch", "sqlalchemy", "alembic", "lightning", "pynvml", "numpy"}} & set(sys.modules)))
"""
    ended = world.run_python(code)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


def test_usage_errors_are_exit_code_2(filled: World) -> None:
    for arguments in (["nonsense"], ["list", "--status", "lost"], ["list", "--limit", "0"], ["list", "--limit", "x"], ["show", "a", "b"],
                      ["list", "--since", "someday"], ["delete"], ["run"], ["attach"], ["show", "--nope"], ["completion", "tcsh"],
                      ["list", "--db", "oracle://x"]):  # fmt: skip
        said = fails(filled, 2, *arguments)
        assert said, arguments
    assert "someday" in fails(filled, 2, "list", "--since", "someday")
    assert "7d" in fails(filled, 2, "list", "--since", "someday")


def test_no_command_shows_the_help(world: World) -> None:
    ended = world.cli()
    assert "Commands" in ended.stdout + ended.stderr
    assert ended.returncode in (0, 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_that_completes(world: World, shell: str) -> None:
    script = reads(world, "completion", shell)
    assert "_TRAINWATT_COMPLETE" in script
    assert "trainwatt" in script
    if shell == "bash":
        assert finished(world.popen(["bash", "-n"], stdin=subprocess.PIPE), script).returncode == 0


def test_the_shell_gets_words_to_complete(world: World) -> None:
    env = world.environ(_TRAINWATT_COMPLETE="bash_complete", COMP_WORDS="trainwatt s", COMP_CWORD="1")
    assert world.cli(env=env).stdout.splitlines() == ["plain,show", "plain,serve"]


@pytest.mark.parametrize("arguments", [["list"], ["show"], ["delete", "-y", "latest"], ["list", "--json"]])
def test_a_file_that_is_no_database_is_exit_code_1(world: World, arguments: list[str]) -> None:
    notes = world.work / "notes.txt"
    notes.write_text("notes\n" * 300)
    said = fails(world, 1, *arguments, "--db", str(notes))
    assert "not a SQLite database" in said
    assert str(notes) in said
    assert notes.read_text() == "notes\n" * 300


def test_another_programs_database_is_left_alone(world: World) -> None:
    other = world.work / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    fails(world, 1, "list", "--db", str(other))
    ended = world.run_python(f"from trainwatt import EnergyTracker\nEnergyTracker(db={str(other)!r}).start()")
    assert ended.returncode == 1
    assert "StoreError" in ended.stderr or "NotADatabaseError" in ended.stderr
    assert other.read_bytes() == before


def test_a_newer_database_is_exit_code_1(two_runs: World) -> None:
    with sqlite3.connect(two_runs.db) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for arguments in (["list"], ["show"], ["delete", "-y", "latest"]):
        said = fails(two_runs, 1, *arguments)
        assert "newer" in said
    assert "newer" in two_runs.cli("run", "--", "true").stderr


def test_a_read_only_database_can_be_read(two_runs: World) -> None:
    two_runs.db.chmod(0o444)
    assert len(listed(two_runs)) == 2
    assert "completed" in reads(two_runs, "show")


def test_the_place_comes_from_the_option_before_the_environment(filled: World, world: World) -> None:
    assert len(json.loads(reads(world, "list", "--json", "--db", str(filled.db)))["runs"]) == 3
    assert len(json.loads(reads(world, "list", "--json", "--db", str(filled.db.parent)))["runs"]) == 3
    assert len(json.loads(reads(world, "list", "--json", "--db", f"sqlite:///{filled.db}"))["runs"]) == 3


def test_80_columns_are_enough_in_a_pipe(filled: World, ids: list[str]) -> None:
    env = filled.environ()
    del env["COLUMNS"]
    piped = finished(filled.popen([*TRAINWATT, "show", ids[2]], env=env)).stdout
    assert piped == reads(filled, "show", ids[2])
    for text in (piped, reads(filled, "list"), reads(filled, "doctor"), reads(filled, "show", ids[1]), reads(filled, "show", ids[0])):
        assert [line for line in text.splitlines() if len(line.rstrip()) > 80] == []


def test_a_pipe_gets_no_escape_codes(filled: World) -> None:
    for arguments in (["list"], ["show"], ["--help"]):
        ended = filled.cli(*arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout
        assert "\x1b" not in ended.stdout


def test_a_terminal_gets_colour_unless_it_is_refused(filled: World) -> None:
    def on_terminal(*arguments: str, **environ: str) -> str:
        env = filled.environ(TERM="xterm-256color", **environ)
        env.pop("NO_COLOR", None) if "NO_COLOR" not in environ else None
        return finished(filled.popen([sys.executable, "-c", PSEUDO_TERMINAL, *TRAINWATT, *arguments], env=env)).stdout

    colour = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colour.search(on_terminal("list"))
    for arguments in (["list"], ["show"]):
        out = on_terminal(*arguments, NO_COLOR="1")
        assert "completed" in out or "failed" in out
        assert not colour.search(out)


def test_json_is_json_on_a_terminal_too(filled: World) -> None:
    env = filled.environ(TERM="xterm-256color", COLUMNS="40")
    ended = finished(filled.popen([sys.executable, "-c", PSEUDO_TERMINAL, *TRAINWATT, "show", "--json"], env=env))
    assert json.loads(ended.stdout)["schema_version"] == 1


@pytest.mark.parametrize("command", ["show", "list --json", "--help"])
def test_a_closed_pipe_is_quiet(filled: World, command: str) -> None:
    line = f"set -o pipefail; {{ {_shell(TRAINWATT)} {command}; echo $? > status; }} | head -1"
    ended = finished(filled.popen(["bash", "-c", line]))
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 1
    assert int((filled.work / "status").read_text()) == 0


@pytest.mark.parametrize("command", ["list", "show --json", "--help"])
def test_a_pipe_that_nobody_reads_is_quiet(filled: World, command: str) -> None:
    """Closed before the first byte, so that the very first write meets it."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = filled.popen([*TRAINWATT, *command.split()], stdout=write_end)
    os.close(write_end)
    ended = finished(process)
    assert (ended.returncode, ended.stderr) == (0, "")


def _shell(words: tuple[str, ...]) -> str:
    import shlex

    return shlex.join(words)


def test_a_running_run_can_be_listed_and_shown(world: World) -> None:
    code = "import pathlib, time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker() as t:\n    with t.phase('p'): time.sleep(60)"
    process = world.python(code)
    deadline = time.monotonic() + HANGS_S
    while not (world.db.exists() and world.cli("show").returncode == 0 and world.show()["energy"]["total_j"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "running" in reads(world, "list")
    shown = reads(world, "show")
    assert "running" in shown
    assert "pending" in shown
    assert json.loads(reads(world, "show", "--json"))["run"]["ended_at"] is None
    process.kill()
    finished(process)
    assert "interrupted (vanished" in reads(world, "show")
    assert Path(world.db).exists()
