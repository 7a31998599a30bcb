"""The break-even of inference where both sides have the same uncertain grid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.life.test_life import TERMS, life, stored, written
from trainwatt.cli.main import cli


def entry(energy: str, more: str = "", *, zone: str = "PL") -> str:
    return f'[[add]]\nstage = "training"\nname = "past"\nsource = "a bill"\nenergy_kwh = {energy}\nzone = "{zone}"\n{more}\n'


def planned(joules: str, more: str = "", *, zone: str = "PL") -> str:
    unit = f'unit = "requests"\nper_day = 10\ndays = 10\nj_per_unit = {joules}\nsource = "a test"\nzone = "{zone}"\n'
    return f"[inference]\n{unit}{more}\n"


def even_of(folder: Path, text: str, *arguments: str) -> Any:
    result = CliRunner().invoke(cli, ["life", written(folder, text), "--json", *arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    view = json.loads(result.stdout)
    return view, view["break_even"]["grams_units"]


def test_the_same_grid_cancels(tmp_path: Path) -> None:
    """The intensity of a zone has a range; the number of units does not depend on it."""
    view, units = even_of(tmp_path, entry("1000") + planned("3600"))
    assert view["before"]["operational_low_g"] < view["before"]["operational_high_g"]
    assert [units[end] for end in ("value", "low", "high")] == pytest.approx([1e6] * 3)


def test_the_range_of_the_energy_stays(tmp_path: Path) -> None:
    _, units = even_of(tmp_path, entry("[900, 1000, 1200]") + planned("[1800, 3600, 7200]"))
    assert [units[end] for end in ("value", "low", "high")] == pytest.approx([1e6, 0.45e6, 2.4e6])


@pytest.mark.parametrize(("past", "each"), [(50, 0.0), (0, 0.2), (50, 0.01), (50, 2.0)])
def test_hardware_beside_the_grid_has_its_bounds_at_the_ends_of_the_intensity(tmp_path: Path, past: float, each: float) -> None:
    text = entry("[900, 1000, 1200]", f"embodied_kg = {past}") + planned("[1800, 3600, 7200]", f"embodied_g_per_unit = {each}")
    view, units = even_of(tmp_path, text)
    before = view["before"]
    low, high = before["operational_low_g"] / 900, before["operational_high_g"] / 1200
    every = [
        (kwh * g + 1000 * past) / (joules / 3.6e6 * g + each)
        for kwh in (900, 1000, 1200) for joules in (1800, 3600, 7200) for g in (low, (low + high) / 2, high)
    ]  # fmt: skip
    assert (units["low"], units["high"]) == pytest.approx((min(every), max(every)))
    assert units["low"] <= units["value"] <= units["high"]


@pytest.mark.parametrize(
    "text",
    [
        entry("1000") + planned("3600", zone="FR"),
        entry("1000", "pue = 1.2") + planned("3600"),
        entry("1000") + '[[add]]\nstage = "data"\nname = "d"\nsource = "s"\noperational_kg = [1, 2, 3]\n' + planned("3600"),
        entry("1000", "operational_kg = [600, 700, 900]\ndevice = 'H100'").replace("energy_kwh", "gpu_hours") + planned("3600"),
        entry("1000", 'zone = "SE"').replace('zone = "PL"\n', "", 1) + planned("3600"),
        (entry("1000") + planned("3600")).replace('zone = "PL"\n', ""),
    ],
)
def test_what_is_not_the_same_does_not_cancel(tmp_path: Path, text: str) -> None:
    """Another zone, another PUE, grams of somebody else; and where no grid is known, they may be two."""
    _, units = even_of(tmp_path, text)
    assert units["low"] < 0.99 * units["value"] < units["value"] < 0.99 * units["high"]


def test_runs_that_were_measured_on_one_grid_cancel_too(tmp_path: Path) -> None:
    """The sensor may be off by a tenth in either: without the range of the grid, which is wider, that is all."""
    db = stored(tmp_path, work={"requests": 1000})
    text = '[model]\nproject = "digits"\n[inference]\nunit = "requests"\nper_day = 5\ndays = 5\nruns = ["serve"]\n'
    with_entry = written(tmp_path, text + '[[add]]\nstage = "data"\nname = "d"\nsource = "s"\nenergy_kwh = 0.001\n')
    entered = life(db, with_entry, "--zone", "PL", "--pue", "1.25")["break_even"]["grams_units"]
    zone = life(db, written(tmp_path, text), "--zone", "PL", "--pue", "1.25")["break_even"]["grams_units"]
    exact = life(db, written(tmp_path, text), *TERMS)["break_even"]["grams_units"]
    assert zone["value"] == pytest.approx(7000, rel=0.01)
    assert entered == pytest.approx(zone, rel=0.001)
    assert zone["low"] == pytest.approx(exact["low"], rel=0.1)
    assert zone["high"] == pytest.approx(exact["high"], rel=0.1)
