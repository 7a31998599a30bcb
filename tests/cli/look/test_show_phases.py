"""`trainwatt show --phases`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import hour, write
from tests.fakes.stored_rows import phase, phase_fold, phase_fold_energy, run, segment
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

NS = 1_000_000_000


def show(db: Path, *arguments: str, columns: int = 120) -> Result:
    return CliRunner().invoke(cli, ["show", "latest", *arguments, "--db", str(db)], env={"COLUMNS": str(columns)}, standalone_mode=False)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A run of an hour that has trained twice, validated once and tested once."""
    path = hour(tmp_path / "runs.db")
    work = [{"segment_id": "seg-aaa111", "seq": n, "unit": "samples", "amount": 1000 * (n + 1)} for n in (0, 2)]
    metrics = [
        {"segment_id": "seg-aaa111", "name": name, "seq": n, "t_ns": t_s * NS, "step": None, "value": value}
        for name, values in (("val_accuracy", (0.9, 0.95)), ("val_loss", (0.31, 0.22)), ("[bold]x[/bold]", (1.0, 2.0)))
        for n, (t_s, value) in enumerate(zip((1490, 2650), values, strict=True))
    ]
    return write(path, phase_work=work, metric_point=metrics)


def test_each_instance_is_a_line_with_its_energy_work_and_metrics(db: Path) -> None:
    lines = show(db, "--phases").stdout.splitlines()
    assert [line for line in lines if line in ("train", "validate", "test")] == ["train", "validate", "test"]
    first, second = (line.split() for line in lines[lines.index("train") + 2 : lines.index("train") + 4])
    assert first[0] == "1"
    assert second[0] == "2"
    assert "1,000" in first
    assert "3,000" in second
    assert "0.9000" in first
    assert "0.9500" in second
    assert "[bold]x[/bold]" in show(db, "--phases", columns=200).stdout


def test_json_has_the_instances_of_one_name(db: Path) -> None:
    view: Any = json.loads(show(db, "--phases", "train", "--json").stdout)
    assert [(i["name"], i["number"], i["work"]) for i in view["instances"]] == [
        ("train", 1, {"samples": 1000}),
        ("train", 2, {"samples": 3000}),
    ]
    assert sum(i["energy_j"] for i in view["instances"]) == pytest.approx(view["phases"][0]["energy_j"])
    assert "instances" not in json.loads(show(db, "--json").stdout)


@pytest.mark.parametrize("columns", [50, 60, 80, 100])
def test_no_figure_is_cut_where_there_is_little_room(db: Path, columns: int) -> None:
    printed = show(db, "--phases", "train", columns=columns).stdout
    assert "…" not in printed
    assert all(len(line) <= columns for line in printed.splitlines()[2:])


@pytest.mark.parametrize(("value", "said"), [(1e300, "1.000e+300"), (-3.5e-12, "-3.500e-12"), (1234567.0, "1.235e+06"), (0.25, "0.2500")])
def test_a_metric_of_any_size_has_room(db: Path, value: float, said: str) -> None:
    point = {"segment_id": "seg-aaa111", "name": "odd", "seq": 0, "t_ns": 1480 * NS, "step": None, "value": value}
    assert said in show(write(db, metric_point=[point]), "--phases", "train", columns=120).stdout


def test_instances_that_are_kept_as_a_sum_are_said(db: Path) -> None:
    write(
        db,
        phase_fold=[phase_fold(segment_id="seg-aaa111")],
        phase_fold_energy=[phase_fold_energy(9000.0, segment_id="seg-aaa111", owner_segment_id="seg-aaa111")],
    )
    printed = show(db, "--phases", "train").stdout
    assert "100 earlier instances are kept as a sum only" in printed
    assert printed.splitlines()[4].split()[0] == "101"


def test_a_phase_that_is_not_there_is_refused(db: Path) -> None:
    result = show(db, "--phases", "trian")
    assert isinstance(result.exception, ConfigurationError)
    assert "--phases trian" in str(result.exception)
    assert "train, validate, test" in str(result.exception)


def test_what_there_is_no_room_for_is_named(db: Path) -> None:
    narrow, wide = (" ".join(show(db, "--phases", "train", columns=columns).stdout.split()) for columns in (60, 200))
    assert "no room for: from, samples, per sample, val_accuracy, val_loss" in narrow
    assert "no room for" not in wide


def test_the_open_phase_of_a_run_that_has_ended_does_not_run(tmp_path: Path) -> None:
    """A run that was killed in its second epoch."""
    open_phase: dict[str, Any] = {"end_t_ns": None, "resolved": None}
    rows = {"phase": [phase(1, "train", "seg-1", step=0, start_t_ns=0, end_t_ns=NS), phase(2, "train", "seg-1", step=1, **open_phase)]}
    for status, said in (("interrupted", "did not end"), ("running", "running")):
        folder = tmp_path / status
        folder.mkdir()
        db = write(folder / "runs.db", run=[run(status=status, ended_utc_ns=None)], segment=[segment()], **rows)
        lines = show(db, "--phases").stdout.splitlines()
        assert said in next(line for line in lines if line.split()[:1] == ["1"])


def test_instances_at_the_same_time_are_said_to_count_once(tmp_path: Path) -> None:
    """Two threads of one process, or one after the other."""
    for start_s, said in ((5, True), (10, False), (20, False)):
        folder = tmp_path / str(start_s)
        folder.mkdir()
        rows = [
            phase(n, "train", "seg-1", step=n, start_t_ns=s * NS, end_t_ns=(s + 10) * NS, start_utc_ns=s * NS)
            for n, s in ((1, 0), (2, start_s))
        ]
        db = write(folder / "runs.db", run=[run(started_utc_ns=0)], segment=[segment()], phase=rows)
        assert ("Instances at the same time count once" in show(db, "--phases").stdout) is said


def test_a_run_without_phases_says_so(tmp_path: Path) -> None:
    db = write(tmp_path / "runs.db", run=[run()], segment=[segment()])
    assert "This run has no phases" in show(db, "--phases").stdout
