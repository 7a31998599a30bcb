"""Units of work of any name: what `update` takes, and what it refuses without harm to the training."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import Any

import pytest

from tests.fakes.views import events, phase_named, rows
from tests.fakes.world import World
from trainwatt import EnergyTracker
from trainwatt.core.work import MOST_UNITS
from trainwatt.tracking.recording.phases.phase_record import PhaseRecord
from trainwatt.tracking.recording.work_done import WorkDone


def test_units_of_any_name_count_in_the_run_and_in_the_phase(here: World) -> None:
    with EnergyTracker(stage="inference") as tracker:
        tracker.update(requests=1, tokens=512)
        with tracker.phase("generate"):
            tracker.update(requests=2, tokens=1000, audio_s=7)
        tracker.update(self=3)
    view = tracker.summary().to_dict()
    assert view["work"] == {"requests": 3, "tokens": 1512, "audio_s": 7, "self": 3}
    phase = phase_named(view, "generate")
    assert phase["work"] == {"requests": 2, "tokens": 1000, "audio_s": 7}
    assert phase["per_unit"]["requests"]["energy_j"] == pytest.approx(phase["energy_j"] / 2, rel=1e-12)
    assert phase["per_unit"]["tokens"]["high_j"] == pytest.approx(phase["high_j"] / 1000, rel=1e-12)
    assert view["unit"] == "tokens"
    total_j = view["energy"]["total_j"]
    assert view["per_unit"]["requests"]["energy_j"] == pytest.approx(total_j / 3, rel=1e-12)
    assert [sci["unit"] for sci in view["carbon"]["sci_units"]] == ["audio_s", "request", "self", "token"]
    assert events(view, "store") == []


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        *(("Requests", "lower case: requests"), ("two words", "as in requests"), ("", "as in requests"), ("über", "as in requests")),
        *((f"a{'b' * 5000}", "at most 39 more"), ("hf_abcdefghijklmnopqrstuvwxyz01234567", "looks like a secret")),
    ],
)
def test_a_name_that_is_refused_costs_neither_the_training_nor_the_rest(here: World, unit: str, why: str) -> None:
    with EnergyTracker() as tracker:
        for _ in range(3):
            tracker.update(**{"requests": 1, unit: 5, "tokens": 2})
    view = tracker.summary().to_dict()
    assert view["work"] == {"requests": 3, "tokens": 6}
    [event] = events(view, "store")
    assert "a unit of work is not counted" in event["detail"]
    assert why in event["detail"]
    assert "abcdefghijklmnopqrstuvwxyz" not in event["detail"]


@pytest.mark.parametrize("amount", [-1, 0.5, "many", None, float("nan"), 2**53], ids=repr)
def test_an_amount_that_is_none_leaves_the_other_units(here: World, amount: Any) -> None:
    with EnergyTracker() as tracker:
        tracker.update(requests=amount, tokens=2)
    view = tracker.summary().to_dict()
    assert view["work"] == {"tokens": 2}
    [event] = events(view, "store")
    assert "work done could not be counted" in event["detail"]


def test_names_made_from_data_do_not_fill_the_database(here: World) -> None:
    with EnergyTracker() as tracker:
        for user in range(MOST_UNITS + 30):
            tracker.update(**{f"user_{user}": 1})
        tracker.update(user_0=1)
    view = tracker.summary().to_dict()
    assert len(view["work"]) == MOST_UNITS
    assert view["work"]["user_0"] == 2
    assert f"at most {MOST_UNITS} units" in events(view, "store")[0]["detail"]


def test_more_operations_than_64_bits_hold(here: World) -> None:
    with EnergyTracker() as tracker:
        for _ in range(3):
            tracker.update(flops=38 * 10**24)
        with tracker.phase("train"):
            tracker.update(flops=7)
        tracker.update(flops=10**30)
    view = tracker.summary().to_dict()
    assert view["work"] == {"flops": 114 * 10**24 + 7}
    assert phase_named(view, "train")["work"] == {"flops": 7}
    stored = rows(here, "SELECT unit, amount FROM work WHERE phase = '' ORDER BY unit")
    assert stored == [("flops", 7), ("flops*1e18", 114_000_000)]
    assert here.show()["work"] == view["work"]
    [entry] = json.loads(here.call("list", "--json").stdout)["runs"]
    assert entry["work"] == view["work"]
    [event] = events(view, "store")
    assert "below 1e+30" in event["detail"]


def test_operations_of_a_run_has_the_peak_of_its_own_time(here: World) -> None:
    here.gpu("0.name", "NVIDIA H100 80GB HBM3")
    with EnergyTracker(flops_precision="bf16") as tracker:
        time.sleep(0.3)
        tracker.update(flops=10**14)
    view = tracker.summary().to_dict()
    [peak] = view["compute"]["peaks"]
    assert peak["device_s"] == pytest.approx(view["run"]["duration_s"], abs=0.05)
    assert view["compute"]["mfu"] == pytest.approx(1e14 / (989.4e12 * peak["device_s"]), rel=1e-9)
    assert "1.00e14 FLOP, " in str(tracker.summary())


def test_threads_lose_nothing() -> None:
    done = WorkDone("segment")

    def count(phase: PhaseRecord) -> None:
        for _ in range(5_000):
            done.add("requests", [phase], 1)
            done.add("tokens", [phase], 3)

    phases = [PhaseRecord("segment", i, f"phase-{i}", 0) for i in range(2)]
    threads = [threading.Thread(target=count, args=(phases[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {(row["unit"], row["phase"]): row["amount"] for row in done.rows()}
    assert found == {
        ("requests", ""): 40_000,
        ("tokens", ""): 120_000,
        **{("requests", f"phase-{i}"): 20_000 for i in range(2)},
        **{("tokens", f"phase-{i}"): 60_000 for i in range(2)},
    }
    assert [phase.work for phase in phases] == [{"requests": 20_000, "tokens": 60_000}] * 2


def test_the_handler_of_a_signal_may_count_while_its_thread_does() -> None:
    done = WorkDone("segment")
    before = signal.signal(signal.SIGPROF, lambda *_: done.add("signals", [], 1))
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    try:
        for _ in range(100_000):
            done.add("requests", [], 1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    found = {row["unit"]: row["amount"] for row in done.rows()}
    assert found["requests"] == 100_000
    assert found.get("signals", 1) > 0
