"""The forecast of a run under way."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.world import World, finished, wait_for
from trainwatt import EnergyTracker
from trainwatt.errors import ConfigurationError
from trainwatt.presentation.notebook.summary import Summary
from trainwatt.presentation.terminal.watch import frame
from trainwatt.presentation.terminal.watch_line import line as line_of
from trainwatt.tracking.budgeting.epochs import Epochs

TRAINING = """
import json, os, time
from trainwatt import EnergyTracker
found, waited = [], 0.0
def sleep_until(seconds):  # a busy machine makes no epoch longer for good
    time.sleep(max(0.0, begun + waited + seconds - time.monotonic()))
with EnergyTracker(epochs=6, intensity_g_per_kwh=500, budget="100 kJ") as tracker:
    begun = time.monotonic()
    for epoch in range(6):
        with tracker.phase("train", step=epoch):
            sleep_until(0.8 * epoch + 0.6)
            if epoch == 5:
                tracker._begun.recorder.flush()
                open("last", "w").write("\\n")
                stopped = time.monotonic()
                while not os.path.exists("seen") and time.monotonic() < stopped + 60:
                    time.sleep(0.01)
                waited = time.monotonic() - stopped
        with tracker.phase("validate", step=epoch):
            sleep_until(0.8 * epoch + 0.8)
        forecast = tracker.forecast
        found.append(None if forecast is None else [forecast.epoch, forecast.energy_j, forecast.grams, forecast.seconds])
print(json.dumps([found, tracker.forecast, waited]))
"""


@pytest.mark.slow
def test_the_end_of_a_training_is_within_the_range_of_its_forecasts(world: World) -> None:
    training = world.python(TRAINING)
    wait_for(world.work / "last")
    view = world.show()
    shown, seen = world.call("show").stdout, view["forecast"]
    watched: Any = {**view, "at": view["run"]["last_seen_at"], "written_s": 0.5, "phases_now": [], "rates": {}}
    for device in (view["energy"], *view["energy"]["devices"]):
        device["power_w"] = 90.0
    drawn = [text.plain for text in frame(watched, [[] for _ in view["energy"]["devices"]], 80, 24)]
    html = Summary(view)._repr_html_()
    (world.work / "seen").touch()
    ended = finished(training)
    assert (ended.returncode, ended.stderr) == (0, "")
    found, after, waited = json.loads(ended.stdout)
    view = world.show()
    assert (found[0], after) == (None, None)
    assert [one[0] for one in found[1:]] == [1, 2, 3, 4, 5]
    total_j, lasted_s = view["energy"]["total_j"] - waited * world.total_w, view["run"]["duration_s"] - waited
    for _, energy_j, _, seconds in found[2:5]:
        # The last reading is up to a quarter of a second old, and a busy machine makes the last epochs longer.
        assert 0.97 * energy_j[1] <= total_j <= energy_j[2] + world.total_w
        assert seconds[1] <= lasted_s <= seconds[2] + 1
    carbon, grams = view["carbon"], found[4][2]
    used_g = (carbon["operational_g"] + carbon["embodied_g"]) * lasted_s / view["run"]["duration_s"]
    assert 0.95 * grams[1] <= used_g <= 1.3 * grams[2]
    assert (view["forecast"], view["budget"]["used"]) == (None, view["energy"]["total_j"])
    for name in ("r.md", "r.html"):
        assert world.call("report", "latest", "-o", name).returncode == 0
        [used] = re.findall(r"budget: ([\d.]+) of 100 kJ", (world.work / name).read_text())
        assert float(used) == pytest.approx(view["energy"]["total_j"] / 1000, abs=0.005)
    line = json.loads(world.call("watch", "--json").stdout)
    assert (line["forecast"], line["budget"]) == (None, view["budget"])
    assert (seen["epoch"], seen["epochs"], seen["from_epochs"], seen["done"]) == (5, 6, 5, 5 / 6)
    longer = 1 + waited / lasted_s  # what is shown may be stored at any time while the last epoch waits
    for name, told in zip(("energy_j", "grams", "seconds"), found[4][1:], strict=True):
        assert told[1] * 0.9 <= seen[name]["value"] <= told[2] * 1.1 * longer
    assert abs(datetime.fromisoformat(seen["ends_at"]) - datetime.fromisoformat(view["run"]["ended_at"])) < timedelta(seconds=3 + waited)
    for lines in (shown.splitlines(), drawn, html.replace("<p>", "\n").splitlines(), line_of(watched).split(" · ")):
        assert [text.partition(":")[0] for text in lines if text.startswith(("budget: ", "forecast: "))] == ["budget", "forecast"]
    assert " of 100 kJ (" in shown
    assert re.search(r"forecast: .*, after 5 of 6 epochs", " ".join(shown.split()))


def epochs_of(*begun: tuple[str, int | None], epochs: int = 10) -> Any:
    clock = FakeClock()
    used_j = 0.0
    run, at_ns = Epochs(epochs, clock, ("run", "segment"), lambda: used_j), clock.monotonic_ns()
    for number, (name, step) in enumerate(begun):
        used_j = 100.0 * number
        run.begins(name, step, at_ns + number * 10**10)
    return run.forecast()


KILLED = """
import os, signal, sys, time
from trainwatt import EnergyTracker
first = int(sys.argv[1])
with EnergyTracker(epochs=6, **({"resume": sys.argv[2]} if first else {})) as tracker:
    for epoch in range(first, 6):
        with tracker.phase("train", step=epoch):
            time.sleep(0.5)
        if epoch == 2:
            tracker._begun.recorder.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    tracker._begun.recorder.flush()
    print(tracker.forecast.epoch, tracker.forecast.from_epochs, tracker.forecast.seconds.value, tracker.forecast.left_s)
"""


@pytest.mark.slow
def test_a_run_that_goes_on_after_it_was_killed_has_its_time_behind_it(world: World) -> None:
    assert world.run_python(KILLED, "0").returncode == -9
    killed = world.show()
    assert (killed["run"]["status"], killed["forecast"]) == ("interrupted", None)
    ended = world.run_python(KILLED, "3", killed["run"]["id"])
    assert (ended.returncode, ended.stderr) == (0, "")
    epoch, of, seconds, left_s = ended.stdout.split()
    assert (epoch, of) == ("5", "2")
    view = world.show()
    assert view["run"]["duration_s"] > 2.5
    assert float(seconds) == pytest.approx(view["run"]["duration_s"], abs=0.7)
    assert float(left_s) < 0.6


def test_a_rank_that_reads_no_sensor_leaves_the_forecast_to_one_that_does(world: World) -> None:
    training = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(epochs=4) as tracker:
    for epoch in range(3):
        with tracker.phase("train", step=epoch):
            time.sleep(0.4)
    with tracker.phase("train", step=3):
        time.sleep(0.1)
        tracker._begun.recorder.flush()
        print(tracker._begun.recorder.live._epochs.stores, tracker.forecast is not None, flush=True)
        time.sleep(0.8)
"""
    launcher = f"""
import os, subprocess, sys
environs = [os.environ | {{"LOCAL_RANK": str(rank), "RANK": str(rank)}} for rank in range(2)]
ranks = [subprocess.Popen([sys.executable, "-c", {training!r}], env=environ) for environ in environs]
sys.exit(sum(rank.wait() for rank in ranks))
"""
    ended = finished(world.python(launcher))
    assert sorted(ended.stdout.splitlines()) == ["False True", "True True"], ended.stderr
    assert world.show()["forecast"] is None


def test_which_phase_has_the_epochs() -> None:
    assert epochs_of(("sanity-check", None), ("fit", 0), ("fit", 1), ("fit", 2)).epoch == 2
    assert epochs_of(("warm-up", 0), ("train", 0), ("train", 1)).epoch == 1
    assert epochs_of(("train", None), ("train", None)).epoch == 1
    assert epochs_of(("load", None), ("fit", 0)) is None


def test_a_run_that_goes_on_has_the_epochs_before_behind_it() -> None:
    assert epochs_of(("train", 5), ("train", 6)).epoch == 6
    assert epochs_of(("train", 5), ("train", 6)).seconds.value == pytest.approx(10.0 + 4 * 10.0)


def test_steps_that_are_no_epochs_give_no_forecast() -> None:
    assert epochs_of(*[("train", n) for n in range(200)]) is None


@pytest.mark.parametrize("given", [0, -1, "ten", 1.5, True, [3]])
def test_what_is_no_number_of_epochs_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no number of epochs: give a whole number of at least 1"):
        EnergyTracker(epochs=given)
