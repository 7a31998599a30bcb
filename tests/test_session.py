"""EnergyTracker in this process, on a machine whose true power is known."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.fakes.views import STEP_S, assert_true, device, events, phase_named, rows
from tests.fakes.world import MakeWorld, World, enter, finished
from trainwatt import ConfigurationError, EnergyTracker, StoreError, TrainwattError
from trainwatt.clock import Anchor, SystemClock

# ---- the run's life


def test_a_with_block_is_a_run_with_the_true_energy_in_its_range(here: World) -> None:
    with EnergyTracker(project="digits", name="first") as tracker:
        time.sleep(1.2)
    view = tracker.summary().to_dict()

    assert view["run"]["status"] == "completed"
    assert view["run"]["end_reason"] is None
    assert (view["run"]["project"], view["run"]["name"], view["run"]["stage"]) == ("digits", "first", "training")
    assert view["run"]["duration_s"] == pytest.approx(1.2, abs=0.3)
    seconds = view["run"]["duration_s"]
    for name, watts in (("gpu0", here.gpus_w[0]), ("package-0", here.package_w), ("dram-0", here.dram_w)):
        assert_true(device(view, name), watts, seconds)
        assert device(view, name)["provenance"]["measured-counter"] == pytest.approx(device(view, name)["energy_j"])
        assert device(view, name)["coverage"] == pytest.approx(1.0, abs=0.05)
    total = {"energy_j": view["energy"]["total_j"], "low_j": view["energy"]["low_j"], "high_j": view["energy"]["high_j"]}
    assert_true(total, here.total_w, seconds)
    assert view["energy"]["measured_fraction"] == pytest.approx(1.0)
    assert view["energy"]["total_j"] == pytest.approx(sum(d["energy_j"] for d in view["energy"]["devices"]))
    assert view == here.show(str(tracker.run_id))
    assert tracker.path == here.db


def test_each_call_of_a_decorated_function_is_a_run_of_its_own(here: World) -> None:
    @EnergyTracker(project="decorated")
    def train(x: int) -> int:
        time.sleep(0.05)
        return 2 * x

    @EnergyTracker(project="decorated")
    def fail() -> NoReturn:
        raise ArithmeticError("diverged")

    assert [train(3), train(4)] == [6, 8]
    with pytest.raises(ArithmeticError, match="diverged"):
        fail()
    assert [(r["status"], r["end_reason"]) for r in here.runs()] == [
        ("failed", "ArithmeticError: diverged"),
        ("completed", None),
        ("completed", None),
    ]
    assert {r["project"] for r in here.runs()} == {"decorated"}


def test_start_and_stop_may_be_called_by_hand_and_again(here: World) -> None:
    tracker = EnergyTracker()
    assert tracker.run_id is None
    assert tracker.path is None
    assert tracker.start() is tracker
    first = tracker.run_id
    tracker.stop()
    stopped = here.show()["run"]
    tracker.stop()
    tracker.stop("failed", "not this one")
    assert here.show()["run"] == stopped
    assert tracker.run_id == first

    tracker.start()
    second = tracker.run_id
    tracker.stop("failed", "by hand")
    assert second != first
    assert [(r["id"], r["status"], r["end_reason"]) for r in here.runs()] == [(second, "failed", "by hand"), (first, "completed", None)]


def test_stop_before_start_does_nothing(here: World) -> None:
    EnergyTracker().stop()
    assert not here.db.exists()


def test_starting_a_running_tracker_is_refused_and_the_run_goes_on(here: World) -> None:
    with EnergyTracker() as tracker:
        with pytest.raises(ConfigurationError, match=r"already running.*stop"):
            tracker.start()
        assert here.show()["run"]["status"] == "running"
    assert [r["status"] for r in here.runs()] == ["completed"]


def test_two_trackers_may_run_at_once(here: World) -> None:
    with EnergyTracker(project="outer") as outer, EnergyTracker(project="inner") as inner:
        time.sleep(0.3)
    assert {r["project"]: r["status"] for r in here.runs()} == {"outer": "completed", "inner": "completed"}
    assert outer.run_id != inner.run_id
    for tracker in (outer, inner):
        view = tracker.summary().to_dict()
        assert_true(device(view, "package-0"), here.package_w, view["run"]["duration_s"])


def test_a_summary_while_running_and_after(here: World) -> None:
    tracker = EnergyTracker(project="s")
    with pytest.raises(TrainwattError, match="start"):
        tracker.summary()
    with tracker:
        time.sleep(0.5)
        running = tracker.summary()
        time.sleep(0.2)
    ended = tracker.summary()
    assert running.to_dict()["run"]["status"] == "running"
    assert running.to_dict()["run"]["ended_at"] is None
    assert 0 < running.to_dict()["energy"]["total_j"] < ended.to_dict()["energy"]["total_j"]
    assert ended.to_dict()["run"]["status"] == "completed"
    assert str(ended).startswith(ended.headline)
    assert "100 % measured, GPU+CPU+DRAM" in ended.headline
    assert str(tracker.run_id) in repr(ended)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("bad\nsecond line"), "failed", "ValueError: bad"),
        (MemoryError(), "failed", "MemoryError"),
        (KeyboardInterrupt(), "interrupted", "Ctrl-C"),
        (SystemExit(0), "completed", "sys.exit()"),
        (SystemExit(), "completed", "sys.exit()"),
        (SystemExit(3), "failed", "sys.exit(3)"),
        (SystemExit("no data"), "failed", "sys.exit('no data')"),
    ],
)
def test_what_leaves_the_block_says_how_the_run_ended(here: World, error: BaseException, status: str, reason: str) -> None:
    with pytest.raises(type(error)) as caught, EnergyTracker():
        raise error
    assert caught.value is error
    run = here.show()["run"]
    assert (run["status"], run["end_reason"]) == (status, reason)


# ---- phases


def test_phases_have_their_energy_and_their_range_holds_the_truth(here: World) -> None:
    with EnergyTracker() as tracker:
        for epoch in range(2):
            with tracker.phase("train", step=epoch):
                time.sleep(0.4)
            with tracker.phase("validate", step=epoch):
                time.sleep(0.25)
    view = tracker.summary().to_dict()
    assert [(p["name"], p["count"]) for p in view["phases"]] == [("train", 2), ("validate", 2)]
    for p in view["phases"]:
        assert p["resolved"]
        assert p["low_j"] <= here.total_w * p["duration_s"] <= p["high_j"]
        assert p["energy_j"] == pytest.approx(here.total_w * p["duration_s"], abs=2 * here.total_w * STEP_S)
    assert [step for (step,) in rows(here, "SELECT step FROM phase ORDER BY seq")] == [0, 0, 1, 1]


class HeldClock:
    """A clock that stands still until it is told to go on, so that one phase begins where another ends, to the nanosecond."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.go_on()

    def go_on(self) -> None:
        self.t_ns = self._clock.monotonic_ns()

    def monotonic_ns(self) -> int:
        return self.t_ns

    def anchor(self) -> Anchor:
        return self._clock.anchor()

    def thread_cpu_s(self) -> float:
        return self._clock.thread_cpu_s()


def test_case_22_a_thousand_adjacent_phases_sum_to_the_whole(here: World) -> None:
    with EnergyTracker() as tracker:
        clock = HeldClock()
        tracker._clock = clock
        with tracker.phase("whole"):
            for i in range(1000):
                with tracker.phase(f"part{i % 3}"):
                    time.sleep(0.001)
                    clock.go_on()
    view = tracker.summary().to_dict()
    parts = [p for p in view["phases"] if p["name"] != "whole"]
    assert sum(p["count"] for p in parts) == 1000
    assert sum(p["energy_j"] for p in parts) == pytest.approx(phase_named(view, "whole")["energy_j"], rel=1e-9)
    assert sum(p["duration_s"] for p in parts) == pytest.approx(phase_named(view, "whole")["duration_s"], rel=1e-9)
    assert phase_named(view, "whole")["energy_j"] <= view["energy"]["total_j"]
    outside_s = view["run"]["duration_s"] - phase_named(view, "whole")["duration_s"]
    assert view["energy"]["total_j"] - phase_named(view, "whole")["energy_j"] <= here.total_w * (outside_s + STEP_S)
    assert not any(p["resolved"] for p in parts)
    assert sum(p["unresolved_count"] for p in parts) == 1000


def test_case_23_nested_and_overlapping_phases_are_each_right(here: World) -> None:
    with EnergyTracker() as tracker:
        first, second = tracker.phase("first"), tracker.phase("second")
        first.__enter__()
        time.sleep(0.3)
        second.__enter__()
        with tracker.phase("nested"):
            time.sleep(0.3)
        first.__exit__(None, None, None)
        time.sleep(0.3)
        second.__exit__(None, None, None)
    view = tracker.summary().to_dict()
    assert [p["name"] for p in view["phases"]] == ["first", "second", "nested"]
    for p in view["phases"]:
        assert_true(p, here.total_w, p["duration_s"])
    assert phase_named(view, "nested")["energy_j"] < phase_named(view, "first")["energy_j"]
    assert_true(
        {"energy_j": view["energy"]["total_j"], "low_j": view["energy"]["low_j"], "high_j": view["energy"]["high_j"]},
        here.total_w,
        view["run"]["duration_s"],
    )
    parents = dict(rows(here, "SELECT p.name, q.name FROM phase p LEFT JOIN phase q ON q.seq = p.parent_seq"))
    assert parents == {"first": None, "second": "first", "nested": "second"}


def test_case_24_a_phase_of_no_length_is_no_energy_and_no_error(here: World) -> None:
    with EnergyTracker() as tracker:
        tracker._clock = HeldClock()
        with tracker.phase("nothing"):
            pass
        time.sleep(0.2)
    nothing = phase_named(tracker.summary().to_dict(), "nothing")
    assert (nothing["count"], nothing["duration_s"], nothing["energy_j"]) == (1, 0.0, 0.0)
    assert not nothing["resolved"]


def test_an_exception_in_a_phase_ends_the_phase_and_goes_on(here: World) -> None:
    with EnergyTracker() as tracker:

        def broken() -> None:
            with tracker.phase("broken"):
                time.sleep(0.25)
                _ = 1 / 0

        with pytest.raises(ZeroDivisionError):
            broken()
        with tracker.phase("after"):
            time.sleep(0.25)
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    for name in ("broken", "after"):
        assert_true(phase_named(view, name), here.total_w, phase_named(view, name)["duration_s"])
    assert rows(here, "SELECT parent_seq FROM phase") == [(None,), (None,)]


def test_a_recursive_function_may_be_a_phase(here: World) -> None:
    with EnergyTracker() as tracker:

        @tracker.phase("descend")
        def descend(n: int) -> int:
            time.sleep(0.05)
            return n if n == 0 else 1 + descend(n - 1)

        assert descend(3) == 3
    view = tracker.summary().to_dict()
    assert phase_named(view, "descend")["count"] == 4
    assert rows(here, "SELECT parent_seq FROM phase ORDER BY seq") == [(None,), (1,), (2,), (3,)]
    durations = [b - a for a, b in rows(here, "SELECT start_t_ns, end_t_ns FROM phase ORDER BY seq")]
    assert durations == sorted(durations, reverse=True)


def test_phases_of_threads_do_not_mix(here: World) -> None:
    with EnergyTracker() as tracker:

        def work(name: str, samples: int) -> None:
            with tracker.phase(name):
                for _ in range(50):
                    tracker.update(samples=samples)
                    time.sleep(0.002)

        threads = [threading.Thread(target=work, args=(f"t{i}", i + 1)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    view = tracker.summary().to_dict()
    assert {p["name"]: p["work"] for p in view["phases"]} == {f"t{i}": {"samples": 50 * (i + 1)} for i in range(4)}
    assert view["work"] == {"samples": 500}
    assert {parent for (parent,) in rows(here, "SELECT parent_seq FROM phase")} == {None}


def test_a_phase_that_is_open_when_the_run_ends_breaks_nothing(here: World) -> None:
    tracker = EnergyTracker().start()
    phase = tracker.phase("open")
    phase.__enter__()
    time.sleep(0.2)
    tracker.stop()
    phase.__exit__(None, None, None)
    with tracker.phase("too late"):
        tracker.update(samples=3)
    view = here.show()
    assert view["run"]["status"] == "completed"
    assert [p["name"] for p in view["phases"]] == ["open"]
    assert phase_named(view, "open")["energy_j"] is None
    assert "not measured" in str(tracker.summary())


def test_an_exact_phase_reads_at_its_edges(make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path) -> None:
    world = enter(make_world(gpus_w=()), clean_environ, nvml_library)
    with EnergyTracker(period_s=2.0) as tracker:  # no tick falls within
        for _ in range(3):
            with tracker.phase("exact", exact=True):
                time.sleep(0.2)
            with tracker.phase("between"):
                time.sleep(0.05)
    view = tracker.summary().to_dict()
    exact = phase_named(view, "exact")
    assert exact["energy_j"] == pytest.approx(world.total_w * exact["duration_s"], rel=0.1)
    assert exact["low_j"] <= world.total_w * exact["duration_s"] <= exact["high_j"]
    assert view["sampler"]["samples"] >= 7
    assert rows(world, "SELECT DISTINCT name, exact FROM phase ORDER BY name") == [("between", 0), ("exact", 1)]


def test_gpu_phases_are_host_side_unless_synchronized(here: World) -> None:
    with EnergyTracker() as tracker:
        with tracker.phase("host"):
            time.sleep(0.2)
        with tracker.phase("waited", synchronize=True):
            time.sleep(0.2)
    view = tracker.summary().to_dict()
    assert phase_named(view, "host")["host_side"]
    assert not phase_named(view, "waited")["host_side"]


# ---- work


class Tensor:
    def __init__(self, *shape: int) -> None:
        self.shape = shape


def test_wrapped_and_updated_work_is_counted_per_phase_and_in_all(here: World) -> None:
    batches = [(Tensor(8, 3), Tensor(8)), (Tensor(8, 3), Tensor(8)), (Tensor(5, 3), Tensor(5))]
    with EnergyTracker() as tracker:
        loader = tracker.wrap(batches)
        assert len(loader) == 3
        with tracker.phase("train"):
            assert [b is c for b, c in zip(loader, batches, strict=True)] == [True] * 3
        with tracker.phase("count"):
            assert list(tracker.wrap(range(4), samples=10)) == [0, 1, 2, 3]
            assert list(tracker.wrap(["ab", "c"], samples=lambda text: 100 * len(text))) == ["ab", "c"]
        for i, _ in enumerate(tracker.wrap([[1, 2, 3]] * 5, samples=len)):
            if i == 2:
                break  # this batch is not done with
        tracker.update(tokens=2048)
        tracker.update()
        running = tracker.summary().to_dict()["work"]
    view = tracker.summary().to_dict()
    assert view["work"] == running == {"samples": 21 + 40 + 300 + 6, "tokens": 2048}
    assert phase_named(view, "train")["work"] == {"samples": 21}
    assert phase_named(view, "count")["work"] == {"samples": 340}
    assert "per sample" in str(tracker.summary())


# ---- what is stored of a run


def test_a_run_is_stored_with_its_names_and_without_secrets(world: World) -> None:
    (world.work / ".git" / "refs" / "heads").mkdir(parents=True)
    (world.work / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (world.work / ".git" / "refs" / "heads" / "main").write_text("0123456789abcdef0123456789abcdef01234567\n")
    script = world.work / "train.py"
    script.write_text(
        "from trainwatt import EnergyTracker\n"
        "with EnergyTracker(project='p', name='n', group='g', stage='experimentation', zone='FR', tags={'lr': '0.1', 'n': 3}):\n    pass\n"
    )
    secrets = ("hunter2", "sk-123", "s3cr3t")
    env = world.environ(SLURM_JOB_ID="77", WANDB_RUN_ID="w1", HF_TOKEN="s3cr3t", DATABASE_URL="postgresql://me:hunter2@db/x")
    arguments = ["--password", "hunter2", "--api-key=sk-123", "--lr", "0.1", "postgresql://me:hunter2@db/x"]
    assert finished(world.popen([sys.executable, "train.py", *arguments], env=env)).returncode == 0

    run = world.show()["run"]
    assert (run["project"], run["name"], run["group"], run["stage"]) == ("p", "n", "g", "experimentation")
    assert run["tags"] == {"lr": "0.1", "n": "3"}
    assert run["external"] == {"slurm_job_id": "77", "wandb_run_id": "w1"}
    assert run["git_commit"] == "0123456789abcdef0123456789abcdef01234567"
    assert run["command"].endswith("train.py --password *** --api-key=*** --lr 0.1 postgresql://me:***@db/x")
    assert rows(world, "SELECT zone FROM run") == [("FR",)]
    stored = b"".join(path.read_bytes() for path in world.db.parent.iterdir())
    assert [s for s in secrets if s.encode() in stored] == []


def test_a_baseline_gives_idle_and_above_idle(here: World) -> None:
    with EnergyTracker(baseline=0.6, db=here.db) as tracker:
        time.sleep(0.6)
    energy = tracker.summary().to_dict()["energy"]
    seconds = tracker.summary().to_dict()["run"]["duration_s"]
    assert seconds < 1.0  # the baseline is before the run
    assert energy["idle_j"] == pytest.approx(here.total_w * seconds, rel=0.25)
    assert energy["above_idle_j"] == pytest.approx(max(0.0, energy["total_j"] - energy["idle_j"]))
    assert energy["total_j"] == pytest.approx(here.total_w * seconds, abs=here.total_w * STEP_S)


def test_without_a_baseline_idle_is_not_known(here: World) -> None:
    with EnergyTracker() as tracker:
        pass
    energy = tracker.summary().to_dict()["energy"]
    assert energy["idle_j"] is None
    assert energy["above_idle_j"] is None


def test_gains_widen_the_range(here: World) -> None:
    with EnergyTracker(gain_gpu=0.5, gain_cpu=0.0, gain_dram=0.0) as tracker:
        time.sleep(0.3)
    view = tracker.summary().to_dict()
    gpu, package = device(view, "gpu0"), device(view, "package-0")
    assert (gpu["energy_j"] - gpu["low_j"]) >= 0.5 * gpu["energy_j"]
    assert (package["energy_j"] - package["low_j"]) < 0.1 * package["energy_j"]


# ---- sensors that are missing or go away


def _without_privilege() -> None:
    """Between fork and exec: give up root's right to read what its modes forbid (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and
    CAP_DAC_READ_SEARCH), which another user does not have anyway."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)


def test_case_9_a_denied_sensor_is_a_finding_and_the_run_goes_on(world: World) -> None:
    for counter in world.powercap.sysfs.rglob("energy_uj"):
        counter.chmod(0)
    code = "import time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(): time.sleep(0.4)\nprint('trained')"
    ended = finished(world.python(code, preexec_fn=_without_privilege))
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"
    assert [d["device"] for d in view["energy"]["devices"]] == ["gpu0", "cpu", "dram"]
    assert device(view, "gpu0")["energy_j"] > 0
    for name in ("cpu", "dram"):
        assert device(view, name)["provenance"]["modelled"] == device(view, name)["energy_j"] > 0
    denied = rows(world, "SELECT what, remedy FROM finding WHERE availability = 'denied'")
    assert denied
    assert all(remedy for _, remedy in denied)


def test_case_41_no_sensors_at_all_is_a_modelled_range(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path
) -> None:
    world = enter(make_world(package_w=0, gpus_w=()), clean_environ, nvml_library)
    with EnergyTracker() as tracker:
        time.sleep(0.3)
    view = tracker.summary().to_dict()
    assert [d["device"] for d in view["energy"]["devices"]] == ["cpu", "dram"]
    assert 0 < view["energy"]["low_j"] < view["energy"]["total_j"] < view["energy"]["high_j"]
    assert view["energy"]["measured_fraction"] == 0.0
    assert view["energy"]["measured_only_j"] == 0.0
    assert "0 % measured" in tracker.summary().headline
    assert world.show()["run"]["status"] == "completed"


def test_case_32_a_gpu_lost_mid_run_keeps_its_joules_and_the_others_go_on(
    make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path
) -> None:
    world = enter(make_world(gpus_w=(300.0, 200.0)), clean_environ, nvml_library)
    with EnergyTracker() as tracker:
        time.sleep(0.6)
        world.gpu("0.lost", 1)
        with tracker.phase("after"):
            time.sleep(0.6)
    view = tracker.summary().to_dict()
    seconds = view["run"]["duration_s"]
    assert view["run"]["status"] == "completed"
    lost, other = device(view, "gpu0"), device(view, "gpu1")
    assert lost["energy_j"] == pytest.approx(300.0 * 0.6, abs=300.0 * 0.25)
    assert lost["coverage"] < 0.8
    assert_true(other, 200.0, seconds)
    assert_true(device(view, "package-0"), world.package_w, seconds)
    said = events(view, "lost")
    assert [e["device"] for e in said] == ["gpu0"]
    assert "lost" in said[0]["detail"]
    assert "gpu0 seen" in tracker.summary().headline
    after = phase_named(view, "after")
    assert after["energy_j"] >= (200.0 + world.package_w + world.dram_w) * (after["duration_s"] - STEP_S)
    energies = sum(d["energy_j"] for d in view["energy"]["devices"])
    assert energies == pytest.approx(view["energy"]["total_j"])


def test_case_33_a_field_error_is_not_zero_watts(make_world: MakeWorld, clean_environ: pytest.MonkeyPatch, nvml_library: Path) -> None:
    """Without an energy counter, and with power fields that fail within calls that succeed, the plain gauge is used."""
    world = enter(make_world(gpus_w=(300.0,)), clean_environ, nvml_library)
    for key, value in (("0.energy_code", 3), ("0.185", None), ("0.186", None)):
        world.gpu(key, value)
    with EnergyTracker() as tracker:
        time.sleep(1.2)
    view = tracker.summary().to_dict()
    gpu = device(view, "gpu0")
    truth = 300.0 * view["run"]["duration_s"]
    assert gpu["energy_j"] == pytest.approx(truth, rel=0.05)
    assert gpu["low_j"] <= truth <= gpu["high_j"]
    assert gpu["provenance"]["measured-counter"] == 0.0
    assert gpu["provenance"]["measured-power"] > 0.0


SHARED = """
import pathlib, sys, time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    time.sleep(0.3)
print(tracker.summary().headline)
"""


def test_case_54_somebody_elses_process_on_the_gpu_is_a_shared_event(world: World) -> None:
    """This test's process is no child of the tracked one, as another user's would be."""
    world.gpu("0.pids", os.getpid())
    ended = world.run_python(SHARED)
    view = world.show()
    said = events(view, "shared")
    assert [(e["device"], str(os.getpid()) in e["detail"]) for e in said] == [("gpu0", True)]
    assert "shared: gpu0" in ended.stdout
    assert "shared: gpu0" in world.cli("show").stdout


def test_case_54_our_own_children_are_not_somebody_else(here: World) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        here.gpu("0.pids", f"{os.getpid()} {child.pid}")
        with EnergyTracker() as tracker:
            time.sleep(0.2)
        child.kill()
    view = tracker.summary().to_dict()
    assert events(view, "shared") == []
    assert "shared" not in tracker.summary().headline


# ---- a database that goes away (case 40)


def tracker_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith("trainwatt")]


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
    failures = [m for m in tracker_log(caplog) if "could not be written" in m]
    assert len(failures) == 1
    assert "deleted or replaced" in failures[0]
    closing = [m for m in tracker_log(caplog) if m not in failures]
    assert len(closing) == 1
    assert "could not be closed" in closing[0]
    with pytest.raises(StoreError):
        tracker.summary()


def test_case_40_a_folder_that_comes_back_gets_everything(here: World, caplog: pytest.LogCaptureFixture) -> None:
    with EnergyTracker() as tracker:
        time.sleep(0.2)
        away = here.db.parent.with_name("away")
        here.db.parent.rename(away)
        with tracker.phase("meanwhile"):
            tracker.update(samples=7)
            time.sleep(1.5)
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


def test_a_database_that_cannot_be_used_raises_before_the_training(here: World, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes, which nobody may touch\n" * 40)
    with pytest.raises(StoreError, match="not a SQLite database") as caught:
        EnergyTracker(db=other).start()
    assert str(other) in str(caught.value)
    assert "--db" in str(caught.value)
    assert other.read_text().startswith("my notes")
    with pytest.raises(ConfigurationError, match="server"):
        EnergyTracker(db="postgresql://me:pw@host/db").start()
    with pytest.raises(StoreError):
        EnergyTracker(db=other / "below.db").start()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stage": "trian"}, ("'trian'", "training", "phase")),
        ({"period_s": -1}, ("-1", "0.01", "60")),
        ({"period_s": "fast"}, ("'fast'", "number")),
        ({"baseline": -2}, ("-2", "3600")),
        ({"gain_gpu": 7}, ("7", "from 0 to 1")),
        ({"scope": "process"}, ("'process'", "machine")),
        ({"gpus": 3}, ("3", "list")),
        ({"tags": ["a"]}, ("['a']", "tags={")),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_the_training(here: World, arguments: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EnergyTracker(**arguments)
    assert [w for w in words if w not in str(caught.value)] == []
    assert not here.db.exists()


def test_a_gpu_that_is_not_there_is_refused_and_leaves_no_run(here: World) -> None:
    with pytest.raises(ConfigurationError, match="7"):
        EnergyTracker(gpus=[7]).start()
    with EnergyTracker(gpus=[]) as tracker:
        pass
    assert [d["device"] for d in tracker.summary().to_dict()["energy"]["devices"]] == ["package-0", "dram-0"]
    assert len(here.runs()) == 1


# ---- no fault of ours enters the training loop


def test_an_error_inside_the_tracker_never_reaches_the_loop(
    here: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("a fault of the tracker")

    done = []
    with EnergyTracker() as tracker:
        assert tracker._begun is not None
        recorder, sampler = tracker._begun.recorder, tracker._begun.sampler
        for target, name in ((recorder, "phase"), (recorder, "work"), (sampler, "nudge"), (sampler, "poll"), (recorder, "_commit")):
            with monkeypatch.context() as patch:
                patch.setattr(target, name, broken)
                for i in tracker.wrap(range(2), samples=1):
                    with tracker.phase("train", exact=name == "poll"):
                        tracker.update(samples=1)
                        done.append((name, i))
                if name == "_commit":
                    time.sleep(1.2)
    assert len(done) == 10
    assert here.show()["run"]["status"] == "completed"
    assert any("not affected" in m for m in tracker_log(caplog))


class Strange:
    """What a data loader may yield: a shape that is not known yet."""

    shape = (None, 3)

    def __len__(self) -> int:
        raise TypeError("len() of an unsized object")


def test_a_batch_whose_size_cannot_be_told_does_not_stop_the_loop(here: World) -> None:
    batches = [Strange(), {}, None, ({},), "text"]
    with EnergyTracker() as tracker:
        seen = list(tracker.wrap(batches))
    assert len(seen) == len(batches)
    assert here.show()["run"]["status"] == "completed"


def test_a_sampler_that_dies_is_said_and_the_run_is_still_right(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 44."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with EnergyTracker() as tracker:
        time.sleep(0.3)
        assert tracker._begun is not None
        sampler = tracker._begun.sampler
        assert sampler is not None

        def broken(_: object) -> NoReturn:
            raise RuntimeError("the thread dies")

        monkeypatch.setattr(sampler, "_sample", broken)
        time.sleep(2.3)
        assert not sampler.alive
    view = tracker.summary().to_dict()
    assert len(events(view, "dead")) == 1
    assert_true(device(view, "package-0"), here.package_w, view["run"]["duration_s"])


def test_nothing_is_printed_and_no_signal_handler_is_touched(world: World) -> None:
    code = """
import signal, time
from trainwatt import EnergyTracker
before = [signal.getsignal(s) for s in signal.valid_signals()]
with EnergyTracker() as tracker:
    with tracker.phase("train"):
        time.sleep(0.2)
    assert before == [signal.getsignal(s) for s in signal.valid_signals()]
"""
    ended = world.run_python(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_threads_and_open_files_are_given_back(here: World) -> None:
    with EnergyTracker():
        pass
    time.sleep(0.1)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with EnergyTracker():
            time.sleep(0.02)
    deadline = time.monotonic() + 5
    while (threading.active_count() > threads or len(os.listdir("/proc/self/fd")) > files) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= files


def test_a_stepped_wall_clock_changes_no_joule(here: World) -> None:
    """Case 17, as far as this process can show it: the UTC clock leaps an hour while the run goes on."""

    class Leaping(SystemClock):
        ahead_ns = 0

        def anchor(self) -> Anchor:
            now = super().anchor()
            return now._replace(utc_ns=now.utc_ns + self.ahead_ns)

    tracker = EnergyTracker()
    clock = Leaping()
    tracker._clock = clock
    with tracker:
        time.sleep(0.3)
        clock.ahead_ns = 3600 * 10**9
        time.sleep(0.3)
    view = tracker.summary().to_dict()
    assert view["run"]["duration_s"] == pytest.approx(0.6, abs=0.3)
    assert_true(device(view, "gpu0"), here.gpus_w[0], view["run"]["duration_s"])


def test_a_driver_call_that_never_returns_does_not_keep_the_training_from_ending(here: World) -> None:
    """The call hangs in the sampling thread; the run is closed all the same, with what was known before."""
    hung, let_go = threading.Event(), threading.Event()
    with EnergyTracker() as tracker:
        assert tracker._begun is not None
        sampler = tracker._begun.sampler
        assert sampler is not None
        time.sleep(0.8)  # past the first readings

        def read() -> NoReturn:
            hung.set()
            let_go.wait()
            raise RuntimeError("too late")

        sampler.channels[0].sensor.read = read  # type: ignore[method-assign]
        assert hung.wait(5)
    let_go.set()
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert view["energy"]["total_j"] > 0
    assert any("does not answer" in e["detail"] for e in events(view, "late"))
