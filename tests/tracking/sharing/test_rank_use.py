"""What is attributed to the ranks of a run: real processes on a fake machine."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.fakes.views import rows
from tests.fakes.world import TRAINWATT, MakeWorld, World, finished, wait_for

RANK = """
import os, pathlib, time
from trainwatt import EnergyTracker
rank = int(os.environ["RANK"])
with EnergyTracker() as tracker:
    pathlib.Path(f"pid-{rank}").write_text(f"{os.getpid()}\\n")
    while not os.path.exists("go"):
        time.sleep(0.01)
    begin = time.process_time()
    while rank and time.process_time() - begin < 1.0:
        pass
    end = time.monotonic() + 4.0
    while time.monotonic() < end:
        time.sleep(0.01)
"""
LAUNCHER = f"""
import os, subprocess, sys
of_rank = lambda i: os.environ | {{"LOCAL_RANK": str(i), "RANK": str(i), "WORLD_SIZE": "2"}}
ranks = [subprocess.Popen([sys.executable, "-c", {RANK!r}], env=of_rank(i)) for i in range(2)]
sys.exit(sum(rank.wait() for rank in ranks))
"""


def shares_of(world: World) -> Any:
    ended = world.call("show", "--ranks", "--json")
    assert ended.returncode == 0, ended.stderr
    view = json.loads(ended.stdout)
    return view, view["attributed_to_ranks"]


@pytest.mark.slow
@pytest.mark.parametrize("outside", [False, True])
def test_what_ranks_share_is_divided_by_their_use(make_world: MakeWorld, outside: bool) -> None:
    world = make_world()
    world.gpu("0.use", "")
    launched = world.popen([*((*TRAINWATT, "run", "--") if outside else ()), sys.executable, "-c", LAUNCHER])
    pids = [wait_for(world.work / f"pid-{rank}").strip() for rank in range(2)]
    world.gpu("0.use", f"{pids[0]}:20 {pids[1]}:60")
    (world.work / "go").touch()
    ended = finished(launched)
    assert ended.returncode == 0, ended.stderr
    print(
        rows(world, "select * from device_use"),
        rows(world, "select id,rank,pid,pid_namespace from segment"),
        rows(world, "select kind,detail from event"),
        rows(world, "select segment_id,name,covered_ns from device"),
    )
    view, shares = shares_of(world)
    parts = [(rank["energy_j"], rank["low_j"], rank["high_j"]) for rank in shares["ranks"]]
    assert all(0.0 <= low <= energy <= high for energy, low, high in parts)
    assert sum(energy for energy, _, _ in parts) + shares["unattributed_j"] == pytest.approx(view["energy"]["total_j"])
    by_rank = [{d["device"]: d["energy_j"] for d in rank["devices"]} for rank in shares["ranks"]]
    left = {d["device"]: d["energy_j"] for d in shares["unattributed"]}
    for d in view["energy"]["devices"]:
        assert sum(of.get(d["device"], 0.0) for of in by_rank) + left[d["device"]] == pytest.approx(d["energy_j"])
    gpu_j = next(d["energy_j"] for d in view["energy"]["devices"] if d["device"] == "gpu0")
    assert by_rank[1]["gpu0"] == pytest.approx(3 * by_rank[0]["gpu0"])
    assert by_rank[1]["gpu0"] == pytest.approx((0.6 + 0.75) / 2 * gpu_j, rel=0.05)  # 60 % of the time, three quarters of the use
    assert by_rank[1]["package-0"] > 2 * by_rank[0]["package-0"] > 0
    shown = world.call("show", "--ranks", COLUMNS="120").stdout
    assert "Attributed to ranks, not measured: " in shown


def test_a_process_alone_is_not_looked_at(make_world: MakeWorld) -> None:
    world = make_world()
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(): pass\nimport sys\nprint('psutil' in sys.modules)"
    assert world.run_python(code, env=world.environ(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1")).stdout.strip() == "False"
    assert rows(world, "SELECT COUNT(*) FROM device_use") == [(0,)]
    assert shares_of(world)[1] is None
