"""The instances of phases in a report."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from tests.browser.runs import hour, write
from trainwatt.analysis.over_time.figures import figures, with_instances
from trainwatt.cli.main import cli
from trainwatt.presentation.instances.section import MOST_DRAWN, instances_section
from trainwatt.storage.read.store import Store

NS = 1_000_000_000


def report(db: Path, *runs: str) -> str:
    result = CliRunner().invoke(cli, ["report", *runs, "-o", "-", "--db", str(db)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout


def epochs(db: Path, count: int) -> Path:
    """A run that has trained in so many epochs of ten seconds, with an accuracy and a metric with a hostile name after each."""
    hour(db, phases=[("train", 20 * n, 20 * n + 10) for n in range(count)])
    points = [
        {"segment_id": "seg-aaa111", "name": name, "seq": n, "t_ns": (20 * n + 12) * NS, "step": n, "value": (n + 1) / count}
        for name in ("val_accuracy", "<script>alert(1)</script>")
        for n in range(count)
    ]
    return write(db, metric_point=points)


def test_each_epoch_is_a_column_with_the_metrics_below(tmp_path: Path) -> None:
    page = report(epochs(tmp_path / "runs.db", 5))
    section = page[page.index("Phase by phase") : page.index("train as a table")]
    assert section.count('class="column gpu-0"') == 5
    assert section.count('class="dot cpu-0"') == 10
    assert "val_accuracy: 0.2000 at first, 1.000 at last" in section
    assert "<script>alert" not in page


def test_the_table_has_the_figures_of_show(tmp_path: Path) -> None:
    db = epochs(tmp_path / "runs.db", 5)
    page = report(db)
    view = json.loads(CliRunner().invoke(cli, ["show", "--phases", "--json", "--db", str(db)], standalone_mode=False).stdout)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page[page.index("train as a table") :])
    assert sum("Wh" in cell for cell in cells[: 6 * len(view["instances"])]) >= len(view["instances"])


def test_only_the_newest_of_many_are_drawn(tmp_path: Path) -> None:
    page = report(epochs(tmp_path / "runs.db", MOST_DRAWN + 7))
    assert page.count('class="column gpu-0"') == MOST_DRAWN
    assert f"The newest {MOST_DRAWN} are shown." in page


def test_a_run_without_repeated_phases_has_no_such_section(tmp_path: Path) -> None:
    store = Store.open(str(epochs(tmp_path / "runs.db", 1)))
    part = with_instances(store, figures(store, "aaa111")).instances
    assert part is not None
    assert instances_section(part) is None


def test_reports_of_several_runs_stay_small(tmp_path: Path) -> None:
    db = epochs(tmp_path / "runs.db", 5)
    hour(db, "bbb222")
    assert "Phase by phase" not in report(db, "aaa111", "bbb222")
