"""The forecast of a run under way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.world import World
from trainwatt import EnergyTracker
from trainwatt.errors import ConfigurationError
from trainwatt.tracking.budgeting.epochs import Epochs

TRAINING = """
import json, time
from trainwatt import EnergyTracker
found = []
with EnergyTracker(epochs=6, intensity_g_per_kwh=500) as tracker:
    for epoch in range(6):
        with tracker.phase("train", step=epoch):
            time.sleep(0.6)
        with tracker.phase("validate", step=epoch):
            time.sleep(0.2)
        forecast = tracker.forecast
        found.append(None if forecast is None else [forecast.epoch, forecast.energy_j, forecast.grams, forecast.seconds])
print(json.dumps([found, tracker.forecast]))
"""


@pytest.mark.slow
def test_the_end_of_a_training_is_within_the_range_of_its_forecasts(world: World) -> None:
    ended = world.run_python(TRAINING)
    assert (ended.returncode, ended.stderr) == (0, "")
    found, after = json.loads(ended.stdout)
    view = world.show()
    assert (found[0], after) == (None, None)
    assert [one[0] for one in found[1:]] == [1, 2, 3, 4, 5]
    for _, energy_j, _, seconds in found[2:]:
        assert 0.99 * energy_j[1] <= view["energy"]["total_j"] <= energy_j[2]  # the last reading is up to a quarter of a second old
        assert seconds[1] <= view["run"]["duration_s"] <= seconds[2]
    carbon, grams = view["carbon"], found[-1][2]
    assert 0.99 * grams[1] <= carbon["operational_g"] + carbon["embodied_g"] <= grams[2]


def epochs_of(*begun: tuple[str, int | None], epochs: int = 10) -> Any:
    clock = FakeClock()
    run, at_ns = Epochs(epochs, clock, "run"), clock.monotonic_ns()
    for number, (name, step) in enumerate(begun):
        run.begins(name, step, at_ns + number * 10**10, 100.0 * number)
    return run.forecast(100.0 * (len(begun) - 1))


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
