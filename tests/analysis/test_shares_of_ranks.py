"""What is attributed to the ranks of a run, from stored rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt.cli.main import cli

S = 10**9


def stored(path: Path, devices: list[Row], uses: list[tuple[str, str, float, float, float]], **ended: Any) -> Any:
    """The shares of two ranks of which "a" reads devices of 100 J in 10 s. A use: rank, device, ours, others, capacity. `ended`: when rank
    "b" was there."""
    b = {"start_t_ns": 0, "end_t_ns": 10 * S, **ended}
    rows: dict[str, list[Row]] = {
        "run": [run(status="completed", ended_utc_ns=10 * S, duration_s=10.0)],
        "segment": [
            segment("a", rank=0, status="completed", start_t_ns=0, end_t_ns=10 * S),
            segment("b", rank=1, status="completed", **b),
        ],
        "device": [device(segment_id="a", **columns) for columns in devices],
        "curve_point": [
            point(t, joules, columns["name"], "a") for columns in devices for t, joules in ((0, 0.0), (5 * S, 20.0), (10 * S, 100.0))
        ],
        "device_use": [
            {
                "segment_id": rank if name in ("machine", "cgroup") else "a", "device": name, "user_segment_id": rank, "ours": ours,
                "others": others, "unknown": 0.0, "capacity": capacity,
            }
            for rank, name, ours, others, capacity in uses
        ],
    }  # fmt: skip
    ended_ = CliRunner().invoke(cli, ["show", "run-1", "--ranks", "--json", "--db", str(write(path, **rows))])
    assert ended_.exit_code == 0, ended_.output
    return json.loads(ended_.stdout)["attributed_to_ranks"]


def parts(shares: Any) -> dict[int, float]:
    return {rank["rank"]: rank["energy_j"] for rank in shares["ranks"]}


CPU: Row = {"name": "package-0", "kind": "cpu", "gain_class": "cpu", "idle_w": 4.0}
"""40 of its 100 J are idle energy."""


def test_processors_are_divided_by_what_each_rank_has_seen_itself(tmp_path: Path) -> None:
    """Rank 0: 30 of 60 busy and of 100 possible seconds; rank 1: 15. Of 60 J above idle, a half and a quarter; of 40 J, 30 and 15 %."""
    shares = stored(tmp_path / "runs.db", [CPU], [("a", "machine", 30, 30, 100), ("b", "machine", 15, 45, 100)])
    assert parts(shares) == pytest.approx({0: 30 + 12, 1: 15 + 6})
    assert shares["unattributed_j"] == pytest.approx(100 - 42 - 21)


def test_a_rank_gets_of_the_energy_of_its_own_time_only(tmp_path: Path) -> None:
    """Rank 1 was there in the second half, in which 80 of the 100 J were drawn, and used all there was."""
    uses = [("b", "machine", 50.0, 0.0, 50.0)]
    shares = stored(tmp_path / "runs.db", [CPU], uses, start_t_ns=5 * S)
    assert parts(shares) == pytest.approx({0: 0.0, 1: 80.0})


def test_a_gpu_is_divided_by_who_reads_it(tmp_path: Path) -> None:
    shares = stored(tmp_path / "runs.db", [{"name": "gpu0", "idle_w": 0.0}], [("a", "gpu0", 2, 6, 10), ("b", "gpu0", 6, 2, 10)])
    assert parts(shares) == pytest.approx({0: 25.0, 1: 75.0})


def test_a_meter_of_the_machine_stays_unattributed(tmp_path: Path) -> None:
    shares = stored(tmp_path / "runs.db", [{"name": "bmc", "kind": "platform", "gain_class": "cpu"}], [("a", "machine", 30, 30, 100)])
    assert parts(shares) == {0: 0.0, 1: 0.0}
    assert shares["unattributed_j"] == pytest.approx(100.0)


def test_modelled_processors_are_divided_within_the_control_group_that_limits_them(tmp_path: Path) -> None:
    model = {**CPU, "gain_class": "model", "idle_w": 0.0}
    shares = stored(tmp_path / "runs.db", [model], [("a", "machine", 5, 95, 1000), ("a", "cgroup", 5, 5, 20)])
    assert parts(shares)[0] == pytest.approx(50.0)


def test_without_a_look_nothing_is_attributed(tmp_path: Path) -> None:
    assert stored(tmp_path / "runs.db", [CPU], []) is None
