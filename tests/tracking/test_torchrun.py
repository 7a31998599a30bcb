"""The real torchrun, with real process groups: one run."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.views import assert_within, events, phase_named, rows
from tests.fakes.world import TRAINWATT, World, finished

TRAINING = """
import time
import torch, torch.distributed
from trainwatt import EnergyTracker
torch.distributed.init_process_group("gloo")
with EnergyTracker(project="digits") as tracker:
    for epoch in range(2):
        with tracker.phase("epoch", step=epoch):
            for _ in range(6):
                time.sleep(0.05)
                torch.distributed.all_reduce(torch.ones(4))
                tracker.update(samples=8)
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("outside", [False, True])
def test_the_ranks_of_torchrun_are_one_run(world: World, outside: bool) -> None:
    (world.work / "train.py").write_text(TRAINING)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "train.py"]
    ended = finished(world.popen([*TRAINWATT, "run", "--", *torchrun] if outside else torchrun))
    assert ended.returncode == 0, ended.stderr
    [run] = world.runs()
    view = world.show()
    assert (run["status"], view["work"]) == ("completed", {"samples": 2 * 2 * 6 * 8})
    assert view["run"]["ranks"] == {"recorded": 2, "of": 2, "joined": True}
    assert sorted(d["device"] for d in view["energy"]["devices"]) == ["dram-0", "gpu0", "package-0"]
    assert_within(view["energy"], world.total_w, view["run"]["duration_s"])
    epoch = phase_named(view, "epoch")
    assert (epoch["count"], epoch["pending_count"]) == (2, 0)
    [(first_ns, last_ns)] = rows(world, "SELECT MIN(start_t_ns), MAX(end_t_ns) FROM phase")
    assert epoch["energy_j"] < 1.1 * world.total_w * (last_ns - first_ns) * 1e-9  # of both ranks once
    assert events(view, "rank") == events(view, "overlap") == []
