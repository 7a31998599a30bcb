"""EnergyTracker in this process, on a machine whose true power is known."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.fakes.views import STEP_S, assert_true, assert_within, device, events, phase_named, rows, tracker_log
from tests.fakes.world import HANGS_S, MakeWorld, World, enter, finished
from trainwatt import ConfigurationError, EnergyTracker, StoreError, TrainwattError
from trainwatt.core.clock import Anchor, SystemClock
from trainwatt.presentation.words.runs import idle_text

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
        while not (running := tracker.summary()).to_dict()["energy"]["total_j"]:
            time.sleep(0.1)
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
        assert_within(p, here.total_w, p["duration_s"])
        assert p["energy_j"] == pytest.approx(here.total_w * p["duration_s"], abs=2 * here.total_w * STEP_S)
    assert [step for (step,) in rows(here, "SELECT step FROM phase ORDER BY seq")] == [0, 0, 1, 1]


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
    assert_within(exact, world.total_w, exact["duration_s"])
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
                break  # this batch was handed over too
        tracker.update(tokens=2048)
        tracker.update()
        running = tracker.summary().to_dict()["work"]
    view = tracker.summary().to_dict()
    assert view["work"] == running == {"samples": 21 + 40 + 300 + 9, "tokens": 2048}
    assert phase_named(view, "train")["work"] == {"samples": 21}
    assert phase_named(view, "count")["work"] == {"samples": 340}
    assert "370 samples, each " in str(tracker.summary())


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
    assert f"  {idle_text(energy)}\n" in str(tracker.summary())


def test_a_baseline_above_the_run_is_said_as_such() -> None:
    none_above: Any = {"idle_j": 60.0, "above_idle_j": 0.0}
    above: Any = {"idle_j": 60.0, "above_idle_j": 2.0}
    assert idle_text(none_above) == (
        "idle alone would have used 60.0 J at the power of the baseline measured before the run: the run used no more than that"
    )
    assert str(idle_text(above)).startswith("idle 60.0 J, above idle 2.00 J (")


def test_without_a_baseline_idle_is_not_known(here: World) -> None:
    with EnergyTracker() as tracker:
        pass
    energy = tracker.summary().to_dict()["energy"]
    assert energy["idle_j"] is None
    assert energy["above_idle_j"] is None


def test_gains_widen_the_range(here: World) -> None:
    with EnergyTracker(gain_gpu=0.5, gain_cpu=0.0, gain_dram=0.0) as tracker:
        time.sleep(1.2)  # until it is known how often each counter moves
    view = tracker.summary().to_dict()
    gpu, package = device(view, "gpu0"), device(view, "package-0")
    assert (gpu["energy_j"] - gpu["low_j"]) >= 0.5 * gpu["energy_j"]
    assert (package["energy_j"] - package["low_j"]) < 0.1 * package["energy_j"]


# ---- databases, settings and GPUs that cannot be


def test_a_database_that_cannot_be_used_raises_before_the_training(here: World, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my notes, which nobody may touch\n" * 40)
    with pytest.raises(StoreError, match="not a SQLite database") as caught:
        EnergyTracker(db=other).start()
    assert str(other) in str(caught.value)
    assert "--db" in str(caught.value)
    assert other.read_text().startswith("my notes")
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
        ({"scope": "job"}, ("'job'", "machine")),
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
    deadline = time.monotonic() + HANGS_S
    while (threading.active_count() > threads or len(os.listdir("/proc/self/fd")) > files) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= files


def test_a_stepped_wall_clock_changes_no_joule(here: World) -> None:
    """The UTC clock leaps an hour while the run goes on."""

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


@pytest.mark.slow
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
        assert hung.wait(HANGS_S)
    let_go.set()
    view = tracker.summary().to_dict()
    assert view["run"]["status"] == "completed"
    assert view["energy"]["total_j"] > 0
    assert any("does not answer" in e["detail"] for e in events(view, "late"))
