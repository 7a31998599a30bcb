"""What the devices of a run did, from the driver to what the commands say."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from typing import Any

import pytest

from tests.fakes.world import TRAINWATT, MakeWorld, World
from trainwatt.presentation.words.activity.lines import now_text

FULL = {"busy": 50, "memory_busy": 20, "sm_mhz": 1980, "memory_mhz": 2619, "reasons": 4, "celsius": 65, "used": 3 << 30}
RUN = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="digits") as tracker:
    time.sleep(2)
"""
ACTIVITY_KEYS = {
    *("seen_s", "busy_s", "busy_fraction", "busy_low", "busy_high", "memory_busy_fraction", "sm_clock_mhz", "memory_clock_mhz"),
    *("throttled_s", "temperature_c", "temperature_max_c", "memory_bytes", "memory_max_bytes", "power_limit_w"),
}


def tell(world: World, index: int, **lines: object) -> None:
    for key, value in lines.items():
        world.gpu(f"{index}.{key}", value)


def activity(view: Any, name: str = "gpu0") -> Any:
    return next(d["activity"] for d in view["energy"]["devices"] if d["device"] == name)


@pytest.fixture
def tracked(make_world: MakeWorld) -> World:
    """A machine with a GPU that tells all and one that tells its limit, and a run of two seconds."""
    world = make_world(gpus_w=(300.0, 200.0))
    tell(world, 0, **FULL)
    ended = world.run_python(RUN)
    assert (ended.returncode, ended.stderr) == (0, "")
    return world


def test_show_says_what_each_gpu_did_and_how_busy_the_processors_were(tracked: World) -> None:
    view = json.loads(tracked.call("show", "--json").stdout)
    found = activity(view)
    assert set(found) == ACTIVITY_KEYS
    assert found["seen_s"] == pytest.approx(view["run"]["duration_s"], abs=0.2)
    known = {"busy_fraction": 0.5, "memory_busy_fraction": 0.2, "sm_clock_mhz": 1980, "memory_clock_mhz": 2619, "temperature_c": 65}
    known |= {"temperature_max_c": 65, "memory_bytes": 3 << 30, "memory_max_bytes": 3 << 30, "power_limit_w": 700}
    assert {key: found[key] for key in known} == pytest.approx(known, rel=2e-3)
    assert found["throttled_s"] == pytest.approx({"power-cap": found["seen_s"]})
    assert found["busy_low"] == pytest.approx(0.495, abs=1e-3)
    other = activity(view, "gpu1")
    assert other["power_limit_w"] == pytest.approx(700)
    assert {key for key, value in other.items() if value is not None} == {"seen_s", "power_limit_w"}
    assert activity(view, "package-0") is None
    [processors] = view["processors"]
    assert processors["of"] in ("machine", "cgroup")
    assert 0 <= processors["busy_fraction"] <= 1
    assert processors["busy_cpu_s"] == pytest.approx(processors["busy_fraction"] * processors["cpus"] * processors["seen_s"])
    text = " ".join(tracked.call("show").stdout.split())
    assert "gpu0: busy 50 % (49.5–50.5 %, sampled); SM 1980 MHz, memory 2619 MHz; 65 °C; memory 3.0 GiB; limit 700 W; " in text
    assert "clocks lowered 100 % of the time by the power limit" in text
    assert "gpu1: limit 700 W processors: busy" in text


def test_a_run_of_an_older_version_says_that_it_lacks_activity(tracked: World) -> None:
    with sqlite3.connect(tracked.db) as connection:
        for table in ("activity_point", "metric", "metric_point", "phase_work"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE alembic_version SET version_num = '0007'")
    connection.close()
    view = json.loads(tracked.call("show", "--json").stdout)
    assert (activity(view), activity(view, "gpu1"), view["processors"]) == (None, None, [])
    text = " ".join(tracked.call("show").stdout.split())
    assert "not recorded: what gpu0 and gpu1 did and how busy the processors were" in text


def test_a_gpu_whose_driver_tells_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    tell(world, 0, limit=None, limit_most=None)
    assert world.run_python(RUN).returncode == 0
    assert "gpu0: its driver does not tell what it does" in world.call("show").stdout


def test_a_pause_is_no_part_of_what_a_gpu_did(make_world: MakeWorld) -> None:
    world = make_world()
    tell(world, 0, **FULL)
    ended = world.run_python(
        "import time\nfrom trainwatt import EnergyTracker\n"
        "with EnergyTracker() as tracker:\n    time.sleep(1.5)\n    tracker.pause()\n    time.sleep(3)\n"
        "    tracker.resume()\n    time.sleep(1.5)\n"
    )
    assert ended.returncode == 0
    view = world.show()
    assert activity(view)["seen_s"] == pytest.approx(view["run"]["duration_s"], abs=0.3)
    assert activity(view)["busy_fraction"] == pytest.approx(0.5, abs=1e-3)
    assert len(view["processors"]) == 1


def test_a_merged_database_has_the_activity_too(tracked: World) -> None:
    target = tracked.root / "team.db"
    for _ in range(2):
        assert tracked.call("merge", "--into", str(target), str(tracked.db)).returncode == 0
    merged = json.loads(tracked.call("show", "--json", "--db", str(target)).stdout)
    before = json.loads(tracked.call("show", "--json").stdout)
    assert activity(merged) == activity(before)
    assert merged["processors"] == before["processors"]


def test_the_command_run_looks_at_the_gpus_too(make_world: MakeWorld) -> None:
    world = make_world()
    tell(world, 0, **FULL)
    assert world.cli("run", "--", "sleep", "2").returncode == 0
    view = world.show()
    assert activity(view)["busy_fraction"] == pytest.approx(0.5, abs=1e-3)
    assert len(view["processors"]) == 1


def test_ranks_look_at_a_gpu_once(make_world: MakeWorld) -> None:
    world = make_world()
    tell(world, 0, **FULL)
    ranks = [
        world.python(RUN, env=world.environ(WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", RANK=str(r), LOCAL_RANK=str(r), TORCHELASTIC_RUN_ID="a"))
        for r in range(2)
    ]
    assert [rank.wait(60) for rank in ranks] == [0, 0]
    for rank in ranks:
        rank.communicate()
    view = world.show()
    assert activity(view)["seen_s"] <= view["run"]["duration_s"] + 0.1
    assert len(view["processors"]) == 1


def test_what_was_done_is_exported_reported_and_watched(tracked: World) -> None:
    rows = [json.loads(line) for line in tracked.cli("export", "--what", "activity", "latest", "--format", "jsonl").stdout.splitlines()]
    [duration_s] = [run["duration_s"] for run in tracked.runs()]
    for device in ("gpu0", "gpu1"):
        of_device = [row for row in rows if row["device"] == device]
        assert sum(row["seen_s"] for row in of_device) == pytest.approx(duration_s, abs=0.2)
        for row in of_device:  # the difference of two whole numbers of ms may be 1 ms off: of the busy time, and of half of the time seen
            assert row["busy_fraction"] == (pytest.approx(0.5, abs=0.0015 / row["seen_s"]) if device == "gpu0" else None)
    [cpus] = {row["cpus"] for row in rows if row["device"] not in ("gpu0", "gpu1")}
    assert cpus >= 1
    for device in {row["device"] for row in rows}:
        of_device = [row for row in rows if row["device"] == device]
        assert all(a["t_ns"] < b["t_ns"] and a["utc"] <= b["utc"] for a, b in pairwise(of_device))
    assert tracked.cli("export", "--what", "activity", "latest").stdout.startswith("run_id,segment_id,host,device,t_ns,utc")

    html = tracked.call("report", "latest", "-o", str(tracked.root / "report.html"))
    assert html.returncode == 0
    page = (tracked.root / "report.html").read_text()
    assert "How busy over the same time: gpu0 50 % and processors" in page
    assert "What the devices did" in page
    assert tracked.call("report", "latest", "-o", str(tracked.root / "report.md")).returncode == 0
    assert "- gpu0: busy 50 % (49.5–50.5 %, sampled)" in (tracked.root / "report.md").read_text()


def test_watch_tells_how_busy_the_devices_are_now(make_world: MakeWorld) -> None:
    world = make_world()
    tell(world, 0, **FULL)
    training = world.python(RUN.replace("time.sleep(2)", 'time.sleep(1); print("now", flush=True); time.sleep(6)'))
    assert training.stdout is not None
    assert training.stdout.readline() == "now\n"
    watching = world.popen([*TRAINWATT, "watch", "--json"])
    out, _ = watching.communicate(timeout=60)
    assert training.wait(60) == 0
    training.communicate()
    looks = [json.loads(line) for line in out.splitlines()]
    shares = [d["busy_now_fraction"] for look in looks for d in look["energy"]["devices"] if d["device"] == "gpu0"]
    assert [share for share in shares if share is not None]
    assert {round(share, 2) for share in shares if share is not None} == {0.5}


def view_of(*shares: float | None) -> Any:
    devices = [{"device": f"gpu{i}", "host": "a", "included_in_total": True, "busy_now_fraction": share} for i, share in enumerate(shares)]
    return {"energy": {"devices": devices}, "processors": [{"host": "a", "of": "machine", "busy_now_fraction": 0.25}]}


def test_the_line_about_now() -> None:
    assert now_text(view_of(0.5, None)) == "busy now: gpu0 50 %, processors 25 %"
    assert now_text(view_of(*(0.1 * i for i in range(8)))) == "busy now: mean of 8 GPUs 35 % (0–70 %), processors 25 %"
    assert now_text({"energy": {"devices": []}, "processors": []}) == ""  # type: ignore[typeddict-item]
