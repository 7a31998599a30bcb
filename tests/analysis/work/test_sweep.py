"""What the energy of several runs has bought."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.runs import hour, write
from trainwatt.analysis.footprint import views_of
from trainwatt.analysis.work.sweep import Sweep, Value, on_front, sweep_of
from trainwatt.cli.main import cli
from trainwatt.core.metric import Better
from trainwatt.storage.read.store import Store

NS = 1_000_000_000


def logged(db: Path, run_id: str, **metrics: list[float]) -> Path:
    """A run of an hour with values of metrics after 600 s each. Its GPUs and processors draw the same power all the time."""
    hour(db, run_id)
    return write(
        db,
        metric_point=[
            {"segment_id": f"seg-{run_id}", "name": name, "seq": n, "t_ns": 600 * (n + 1) * NS, "step": n, "value": value}
            for name, values in metrics.items()
            for n, value in enumerate(values)
        ],
    )


def swept(db: Path) -> Sweep | None:
    store = Store.open(str(db))
    return sweep_of(store, [view for _, view in views_of(store, [run.id for run in store.list_runs(sort="name")])])


def test_each_run_has_its_values_over_its_energy(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    logged(db, "good", val_accuracy=[0.6, 0.9, 0.8], train_loss=[1.0, 0.5, 0.2])
    logged(db, "late", val_accuracy=[0.5, 0.6, 0.95])
    logged(db, "poor", val_accuracy=[0.1, 0.2, 0.3])
    hour(db, "silent")
    found = swept(db)
    assert found is not None
    assert (found.metric, found.better, found.left_out) == ("val_accuracy", Better.HIGHER, 1)
    lines = {line.view["run"]["id"]: line for line in found.lines}
    total_j = lines["good"].view["energy"]["total_j"] or 0.0
    assert [of.value for of in lines["good"].values] == [0.6, 0.9, 0.8, 0.8]
    first, second, third, last = (of.energy_j for of in lines["good"].values)
    assert 0 < first < second < third == last < total_j
    assert third == pytest.approx(total_j / 2, rel=0.1)
    assert lines["good"].best == lines["good"].values[1]
    assert {run_id: line.on_front for run_id, line in lines.items()} == {"good": True, "late": True, "poor": False}


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=5), min_size=1, max_size=5), st.booleans())
def test_the_front_is_what_nothing_beats(runs: list[list[tuple[int, int]]], higher: bool) -> None:
    """Against each value with each other one."""
    lines = [[Value(float(energy), float(value)) for energy, value in run] for run in runs]
    sign = 1 if higher else -1
    every = [of for line in lines for of in line]

    def beaten(of: Value) -> bool:
        return any(
            other.energy_j <= of.energy_j
            and sign * other.value >= sign * of.value
            and (other.energy_j, other.value) != (of.energy_j, of.value)
            for other in every
        )

    expected = [any(not beaten(of) for of in line) for line in lines]
    assert on_front(lines, Better.HIGHER if higher else Better.LOWER) == expected


def test_metrics_whose_direction_is_not_known_are_not_drawn(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    for name in ("a", "b"):
        logged(db, name, lr=[0.1, 0.2], temperature=[1.0, 2.0])
    assert swept(db) is None


def test_the_report_of_a_group_begins_with_the_chart(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    for name in ("aaa", "bbb"):
        logged(db, name, val_loss=[0.6, 0.3])
    page = CliRunner().invoke(cli, ["report", "aaa", "bbb", "-o", "-", "--db", str(db)], standalone_mode=False).stdout
    assert 0 < page.index("What the energy bought") < page.index("These runs by stage")
    assert "lower is better" in page
    alone = CliRunner().invoke(cli, ["report", "aaa", "-o", "-", "--db", str(db)], standalone_mode=False).stdout
    assert "What the energy bought" not in alone
