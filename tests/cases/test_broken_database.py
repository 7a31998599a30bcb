"""A database that is deleted, moved away, locked or full during the training: case 40."""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.fakes.views import assert_true, device, events, phase_named, tracker_log
from tests.fakes.world import World
from trainwatt import EnergyTracker, StoreError
from trainwatt.storage.write.writer import Writer


@pytest.mark.slow
def test_case_40_a_deleted_database_leaves_the_training_alone(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker() as tracker:
        time.sleep(0.2)
        for file in here.db.parent.iterdir():
            file.unlink()
        result = 0
        for i in range(250):
            with tracker.phase("train"):
                tracker.update(samples=1)
                time.sleep(0.01)
                result += i
    assert result == sum(range(250))
    failed, kept = tracker_log(caplog)
    assert "could not be written" in failed
    assert "deleted or replaced" in failed
    assert "is kept in" in kept
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
    assert view["work"] == {"samples": 250}


def test_case_40_a_folder_that_comes_back_gets_everything(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker() as tracker:
        time.sleep(0.2)
        away = here.db.parent.with_name("away")
        here.db.parent.rename(away)
        with tracker.phase("meanwhile"):
            tracker.update(samples=7)
            time.sleep(2.5)
        away.rename(here.db.parent)
        time.sleep(0.1)
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert_true(phase_named(view, "meanwhile"), here.total_w, phase_named(view, "meanwhile")["duration_s"])
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])
    assert view["work"] == {"samples": 7}
    assert len(events(view, "store")) == 1
    said = tracker_log(caplog)
    assert [("could not be written" in m, "being written again" in m) for m in said] == [(True, False), (False, True)]


@pytest.mark.slow
def test_case_40_a_locked_database_delays_nothing_in_the_loop_and_loses_nothing(here: World) -> None:
    with EnergyTracker() as tracker:
        time.sleep(0.2)
        lock = sqlite3.connect(here.db, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        longest = 0.0
        for i in range(200):
            begin = time.perf_counter()
            with tracker.phase("train", step=i):
                tracker.update(samples=2)
            longest = max(longest, time.perf_counter() - begin)
            time.sleep(0.01)
        lock.execute("ROLLBACK")
        lock.close()
    assert longest < 0.5  # a commit waits for the lock up to 5 s: none of that is here
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert view["work"] == {"samples": 400}
    assert phase_named(view, "train")["count"] == 200
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])


FULL = """
import logging, os, pathlib, resource, sys, time
logging.basicConfig(level="WARNING", format="%(message)s")
from trainwatt import EnergyTracker
db = pathlib.Path(os.environ["TRAINWATT_DB"])
with EnergyTracker() as tracker:
    time.sleep(0.3)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    total = 0
    for i in range(200):
        with tracker.phase("train", step=i):
            total += i
            time.sleep(0.01)
    pathlib.Path("full").mkdir()
    if sys.argv[1] == "freed":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("trained", total)
"""


@pytest.mark.slow
@pytest.mark.parametrize("space", ["full", "freed"])
def test_case_40_a_full_disk_leaves_the_training_alone(world: World, space: str) -> None:
    ended = world.run_python(FULL, space)
    assert (ended.returncode, ended.stdout) == (0, "trained 19900\n"), ended.stderr
    assert ended.stderr.count("could not be written") == 1, ended.stderr
    view = world.show()
    if space == "freed":
        assert view["run"]["status"] == "completed"
        assert phase_named(view, "train")["count"] == 200
        assert len(events(view, "store")) == 1
    else:
        assert view["run"]["status"] == "interrupted"
        assert "could not be closed" in ended.stderr


@pytest.mark.slow
def test_case_40_a_database_that_refuses_is_not_asked_in_every_round_of_readings(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds come ten times a second at first; a commit is tried about every two seconds, whether the last one failed or not."""
    tried: list[int] = []

    def refuse(*_: object) -> None:
        tried.append(tracker._begun.sampler.samples)  # type: ignore[union-attr]
        raise StoreError("full")

    tracker = EnergyTracker()
    with tracker:
        time.sleep(0.3)
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "write", refuse)
            while tracker._begun.sampler.samples < 35:  # type: ignore[union-attr]
                time.sleep(0.05)
    assert 1 <= len(tried) <= 5
