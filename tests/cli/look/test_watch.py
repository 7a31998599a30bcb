"""`trainwatt watch`: what it shows of a run in another process, that it fits, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tests.fakes.compared import put
from tests.fakes.footprints import footprint
from tests.fakes.world import HANGS_S, TRAINWATT, MakeWorld, World, finished, wait_for
from trainwatt.analysis.over_time.live import Watcher
from trainwatt.core.point import Point
from trainwatt.energy.mean_power import mean_w, powers_w
from trainwatt.presentation.terminal.sparkline import blocks, outline_w, scale, tops_w
from trainwatt.presentation.terminal.watch import Frame, frame
from trainwatt.presentation.terminal.watch_line import line
from trainwatt.storage.read.store import Store

GOING_ON = """
import sys
from trainwatt import EnergyTracker
with EnergyTracker(project="digits", name="a\\x1b[31m[bold]<script>\\n\U0001f525" + "x" * 300) as tracker:
    with tracker.phase("train", step=7):
        with tracker.phase("warm up"): pass
        tracker.update(samples=64)
        tracker.summary()  # everything so far is written
        open("going", "w").write("on\\n")
        sys.stdin.readline()
"""
S = 1_000_000_000


@pytest.fixture
def going(world: World) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on until its input ends."""
    process = world.python(GOING_ON, stdin=subprocess.PIPE)
    wait_for(world.work / "going")
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def watching(world: World, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    return world.popen([*TRAINWATT, "watch", *arguments], env=world.environ(**environ))


def end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    process.wait(HANGS_S)


# ---- in a pipe


def test_it_follows_a_run_to_its_end_and_then_shows_what_show_shows(world: World, going: subprocess.Popen[str]) -> None:
    watch = watching(world, "--json", "--interval", "0.1")
    assert watch.stdout is not None
    first = json.loads(watch.stdout.readline())
    second = json.loads(watch.stdout.readline())
    end(going)
    rest = finished(watch)
    assert (rest.returncode, rest.stderr) == (0, "")
    last = json.loads(rest.stdout.splitlines()[-1])
    assert (first["schema_version"], first["run"]["status"], last["run"]["status"]) == (1, "running", "completed")
    assert second["at"] > first["at"]
    assert [(p["name"], p["step"]) for p in first["phases_now"]] == [("train", 7)]
    assert (first["work"], last["phases_now"]) == ({"samples": 64}, [])
    view = world.show()
    for device in last["energy"]["devices"]:
        assert device.pop("power_w") is None
        assert device.pop("busy_now_fraction") is None
    assert last["energy"].pop("power_w") is None
    assert last["energy"] == view["energy"]
    assert last["run"] == view["run"]
    assert last["carbon"] == {k: view["carbon"][k] for k in last["carbon"]}
    assert last["carbon"]["total_g"] > 0


def test_a_line_a_look_in_a_pipe(world: World, going: subprocess.Popen[str]) -> None:
    watch = watching(world, "--interval", "0.1")
    assert watch.stdout is not None
    first = watch.stdout.readline()
    end(going)
    rest = finished(watch)
    assert (rest.returncode, rest.stderr) == (0, "")
    assert " running " in first
    assert "train step 7" in first
    assert " completed " in rest.stdout.splitlines()[-1]
    assert "\x1b" not in first + rest.stdout


def test_a_run_whose_process_was_killed_ends(world: World, going: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The database does not say so: it is found out when nothing comes any more."""
    from trainwatt.analysis.over_time import live as module
    from trainwatt.machine.process import this_process

    def opened() -> Store:
        store = Store.open(str(world.db))
        store.mark_vanished(this_process())
        return store

    watcher = Watcher(opened, world.runs()[0]["id"])
    assert not watcher.look().ended
    going.kill()
    going.wait()
    assert not watcher.look().ended
    monkeypatch.setattr(module, "DOUBTFUL_S", 0.0)
    assert watcher.look().view["run"]["status"] == "interrupted"
    watcher.close()


def test_where_nothing_runs_the_latest_is_shown(make_world: MakeWorld) -> None:
    world = filled(make_world)
    shown = world.call("watch")
    assert (shown.returncode, shown.stderr) == (0, "no run is running; this is the latest one\n")
    assert " completed " in shown.stdout
    named = world.call("watch", "run1", "--json")
    assert (named.returncode, named.stderr, json.loads(named.stdout)["run"]["id"]) == (0, "", "run1")
    assert world.call("watch", "nothing").returncode == 3
    assert world.call("watch", "--interval", "0").returncode == 2


def test_ctrl_c_ends_with_130_and_the_run_goes_on(world: World, going: subprocess.Popen[str]) -> None:
    watch = watching(world)
    assert watch.stdout is not None
    watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    rest = finished(watch)
    assert (rest.returncode, rest.stderr.strip()) == (130, "")
    assert going.poll() is None
    assert world.runs()[0]["status"] == "running"


def test_watching_writes_nothing_and_locks_nothing(world: World, going: subprocess.Popen[str]) -> None:
    writer = sqlite3.connect(world.db, timeout=30, isolation_level=None)
    watcher = Watcher(lambda: Store.open(str(world.db)), world.runs()[0]["id"])
    writer.execute("BEGIN IMMEDIATE")  # a look waits for no writer
    watcher.look()
    before = writer.execute("SELECT total_changes()").fetchone()
    watcher.look()
    writer.execute("COMMIT")
    writer.execute("BEGIN EXCLUSIVE")  # and leaves no transaction open
    writer.execute("COMMIT")
    assert before == (0,)
    writer.close()
    watcher.close()


def test_a_look_reads_only_the_points_that_are_new(world: World, going: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    points_after = Store.points_after

    def counted(store: Store, segment_id: str, device: str, after_t_ns: int) -> Iterator[Point]:
        asked.append(after_t_ns)
        return points_after(store, segment_id, device, after_t_ns)

    monkeypatch.setattr(Store, "points_after", counted)
    watcher = Watcher(lambda: Store.open(str(world.db)), world.runs()[0]["id"])
    seen = [curve[-1].t_ns for curve in watcher.look().curves]
    asked.clear()
    watcher.look()
    assert asked == seen
    watcher.close()


# ---- on a terminal


def test_a_terminal_gets_its_screen_back(world: World, going: subprocess.Popen[str]) -> None:
    pseudo = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    env = world.environ(TERM="xterm-256color", LINES="24")
    watch = world.python(pseudo, *TRAINWATT, "watch", "--interval", "0.1", env=env)
    assert watch.stdout is not None
    first = os.read(watch.stdout.fileno(), 8).decode()  # past the buffer, whose rest would be lost
    end(going)
    rest = finished(watch)
    out = first + rest.stdout
    assert rest.returncode == 0
    on, off = out.index("\x1b[?1049h"), out.rindex("\x1b[?1049l")
    assert on < off
    assert "completed" in out[off:]  # the last frame stays
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")


def filled(make_world: MakeWorld, **arguments: Any) -> World:
    world = make_world()
    world.db.parent.mkdir(parents=True, exist_ok=True)
    footprint(world.db.parent, project="digits", **arguments)
    os.replace(world.db.parent / "run1.db", world.db)
    return world


@pytest.fixture
def look(make_world: MakeWorld) -> Any:
    """A run on nine nodes with a bad name that is said to go on."""
    world = filled(make_world, hosts=[f"node-{i}" for i in range(9)], name="漢字\x1b[2J\n[bold red]" + "🔥" * 200, zone="FR")
    watcher = Watcher(lambda: Store.open(str(world.db)), "run1")
    look = watcher.look()
    watcher.close()
    view: Any = look.view
    view["run"]["status"] = "running"
    view["phases_now"] = [
        {"name": "t\n" * 90, "step": 3, "count": 4, "elapsed_s": 5.0, "newest_count": 3, "newest_mean_j": 12.0},
    ]
    view["phases"] = [
        {"name": f"phase {i} [bold]", "count": 4, "duration_s": 1.0, "energy_j": 3.0, "low_j": 2.0, "high_j": 4.0}
        | {"unresolved_count": 0, "pending_count": 0, "host_side": True, "resolved": True, "work": {}}
        for i in range(9)
    ]
    view["events"] = [{"device": None, "kind": "gap", "at": "2026-01-01T00:00:00.000Z", "detail": "\x1b[31mw " * 99}] * 30
    return look


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (40, 10), (20, 5), (120, 12), (8, 2)])
def test_a_frame_fits_exactly(look: Any, width: int, height: int) -> None:
    lines = frame(look.view, look.curves, width, height)
    assert len(lines) == height
    assert max(text.cell_len for text in lines) <= width
    assert not {c for text in lines for c in text.plain if ord(c) < 32}
    with (out := Console(width=width, height=height, force_terminal=True, color_system=None)).capture() as captured:
        out.print(Frame(look.view, look.curves, fills=True))
    assert [text.rstrip() for text in captured.get().split("\n")[:-1]] == [text.plain.rstrip() for text in lines]


def test_what_matters_most_is_there_at_80_by_24(look: Any) -> None:
    text = "\n".join(line.plain for line in frame(look.view, look.curves, 80, 24))
    for words in (
        "running",
        "kWh (",
        "measured",
        "CO2e, life-cycle, in FR",
        "gpu0 on node-0",
        "more devices",
        "step 3",
        "the last 3 on average 12.0 J",
    ):
        assert words in text
    assert "1,000 samples" in text
    assert "gap run:" in text
    assert "% of a core" in text


def test_no_run_that_ended_or_fell_silent_draws_a_known_power(look: Any) -> None:
    assert {d["power_w"] for d in look.view["energy"]["devices"]} == {None}
    assert look.view["energy"]["power_w"] is None
    assert " W" not in line(look.view)


# ---- power over time


def curve(*watts: float) -> list[Point]:
    points = [Point(0)]
    for w in watts:
        points.append(Point(points[-1].t_ns + S, counter_j=points[-1].counter_j + w))
    return points


def test_a_step_once_drawn_stays() -> None:
    early, late = curve(1, 2, 3, 4), curve(1, 2, 3, 4, 5)
    assert powers_w(early, S, 4, 4 * S - 1) == [1, 2, 3, 4]
    assert powers_w(late, S, 4, 5 * S - 1) == [2, 3, 4, 5]


def test_nothing_is_drawn_where_nothing_is_known() -> None:
    assert powers_w(curve(1, 2), S, 4, 2 * S - 1) == [None, None, 1, 2]
    assert mean_w(curve(), 0, S) is None
    assert mean_w(curve(5), 2 * S, 3 * S) is None
    assert blocks(powers_w(curve(0, 4, 8), S, 5, 3 * S - 1), 8.0) == "  ▁▄█"
    assert blocks([0.0, 0.0], 0.0) == "▁▁"
    assert blocks([None, None], 0.0) == "  "
    assert scale([None, None], 0.0) == ""
    assert outline_w(curve(5), 16) == []
    assert outline_w(curve(1, 2, 3, 4), 2) == [1.5, 3.5]


def test_devices_of_a_kind_have_one_scale() -> None:
    devices: Any = [{"kind": "gpu"}, {"kind": "cpu"}, {"kind": "gpu"}, {"kind": "gpu"}]
    powers: list[list[float | None]] = [[600.0, 300.0], [80.0, None], [70.0, 70.0], []]
    tops = tops_w(devices, powers)
    assert tops == [600.0, 80.0, 600.0, 600.0]
    assert [blocks(p, top) for p, top in zip(powers, tops, strict=True)] == ["█▄", "█ ", "▁▁", ""]
    assert [scale(p, top) for p, top in zip(powers, tops, strict=True)] == ["600 W", "80 W", "600 W", ""]


@pytest.fixture
def node(make_world: MakeWorld) -> World:
    """A run that has ended on a node with twelve devices: seven GPUs at 600 W, one at 70 W, two packages and two memories."""
    world = make_world(package_w=0, gpus_w=())
    watts = {f"gpu{i}": 70.0 if i == 3 else 600.0 for i in range(8)}
    watts |= {"package-0": 150.0, "package-1": 75.0, "dram-0": 10.0, "dram-1": 10.0}
    put(world.db, "aaa", {name: 100 * w for name, w in watts.items()}, phases={"train": 3, "validate": 1}, zone="FR")
    with sqlite3.connect(world.db) as connection:  # inner points, to draw power from
        columns = "segment_id, device, t_ns, counter_j, power_j, imputed_j, modelled_j, slack_low_j, slack_high_j, edge_low_j, edge_high_j"
        for i in range(1, 100):
            values = [("seg-aaa", name, i * S, i * w, *[0.0] * 7) for name, w in watts.items()]
            connection.executemany(f"INSERT INTO curve_point ({columns}) VALUES ({', '.join('?' * 11)})", values)
    return world


def test_show_draws_devices_of_a_kind_on_one_scale(node: World) -> None:
    lines = node.call("show", "aaa", COLUMNS="140").stdout.splitlines()
    head = next(line for line in lines if line.startswith("device"))
    assert head.split()[-5:] == ["power", "over", "time", "up", "to"]
    of = {line.split()[0]: line.split() for line in lines if line.startswith(("gpu", "package", "dram")) and "W " in line}
    assert of["gpu0"][-3:] == ["█" * 16, "600", "W"]
    assert of["gpu3"][-3:] == ["▁" * 16, "600", "W"]
    assert of["package-1"][-3:] == ["▄" * 16, "150", "W"]
    assert of["dram-0"][-3:] == ["█" * 16, "10", "W"]


def test_show_names_the_host_of_each_device_where_there_are_several(make_world: MakeWorld) -> None:
    world = filled(make_world, hosts=["node-0", "node-1"])
    lines = world.call("show", "run1", COLUMNS="140").stdout.splitlines()
    assert len([line for line in lines if line.startswith("gpu0 on node-")]) == 2
    shown = world.call("show", "run1").stdout.splitlines()
    assert any(line.startswith("gpu1 on node-1 ") for line in shown)


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_show_cuts_no_figure_of_a_device(node: World, width: int) -> None:
    lines = node.call("show", "aaa", COLUMNS=str(width)).stdout.splitlines()
    rows = [line for line in lines if line.startswith(("gpu", "package", "dram")) and "kWh" in line]
    assert len(rows) == 12
    assert not any("…" in line for line in rows)
    assert max(cell_len(line) for line in rows) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 12), (140, 40)])
def test_the_headline_stays_when_a_run_on_twelve_devices_has_ended(node: World, width: int, height: int) -> None:
    pseudo = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    env = node.environ(TERM="xterm-256color", LINES=str(height), COLUMNS=str(width))
    ended = finished(node.python(pseudo, *TRAINWATT, "watch", "aaa", env=env))
    assert ended.returncode == 0
    shown = Text.from_ansi(ended.stdout.replace("\r", "")).plain.splitlines()
    assert len(shown) < height  # the prompt has a line too
    assert "completed" in shown[0]
    assert "100 % measured, GPU+CPU+DRAM" in shown[1]
    assert max(cell_len(line) for line in shown) <= width
    text = "\n".join(shown)
    assert sum(line.startswith(("gpu", "package", "dram")) for line in shown) == 12 or "more devices, in the total" in text
    assert (height < 24) is ("more devices, in the total" in text)
    assert shown[-1].rstrip().endswith("trainwatt show aaa")


def test_in_watch_a_gpu_at_70_w_does_not_look_like_one_at_600_w(node: World) -> None:
    watcher = Watcher(lambda: Store.open(str(node.db)), "aaa")
    look = watcher.look()
    watcher.close()
    lines = [text.plain for text in frame(look.view, look.curves, 80, 24)]
    of = {line.split()[0]: line for line in lines if line.startswith(("gpu", "package"))}
    assert "████" in of["gpu0"]
    assert "600 W" in of["gpu0"]
    assert "▁▁▁▁" in of["gpu3"]
    assert "█" not in of["gpu3"]
    assert "600 W" in of["gpu3"]
    assert "150 W" in of["package-1"]
    assert "up to" in next(line for line in lines if line.startswith("device"))
