"""A device that several processes of a run have read: each instant counts once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.browser.runs import write
from tests.fakes.stored_rows import device, point, run, segment
from trainwatt.cli.main import cli

S = 10**9
W = 100.0


def shown(path: Path, *windows: tuple[int, int], boots: tuple[str, ...] = ("boot-1",) * 9, **of_device: Any) -> Any:
    """The run of processes that read a device of 100 W, each from a second to another one."""
    rows: dict[str, list[Any]] = {"segment": [], "device": [], "curve_point": [], "clock_anchor": []}
    for number, (start, end) in enumerate(windows):
        name = f"s{number}"
        t = {"started_utc_ns": start * S, "start_t_ns": start * S, "end_t_ns": end * S, "last_seen_utc_ns": end * S}
        rows["segment"].append(segment(name, "r", boot_id=boots[number], host=f"h{number}", rank=number, status="completed", **t))
        rows["clock_anchor"].append({"segment_id": name, "monotonic_ns": start * S, "utc_ns": start * S, "boottime_ns": 0})
        rows["device"].append(device("gpu0", name, **{"uuid": "GPU-1", **of_device}))
        rows["curve_point"] += [point(i * S, (i - start) * W, "gpu0", name) for i in range(start, end + 1)]
    db = str(write(path / "runs.db", run=[run("r", status="completed", started_utc_ns=min(s for s, _ in windows) * S)], **rows))
    ended = CliRunner().invoke(cli, ["show", "r", "--json", "--db", db])
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_what_two_containers_read_at_the_same_time_counts_once(tmp_path: Path) -> None:
    view = shown(tmp_path, (0, 60), (20, 90))
    assert view["energy"]["total_j"] == pytest.approx(90 * W)
    assert view["run"]["duration_s"] == pytest.approx(90)


def test_a_process_that_was_there_within_the_time_of_another_adds_nothing(tmp_path: Path) -> None:
    view = shown(tmp_path, (0, 60), (20, 40))
    assert view["energy"]["total_j"] == pytest.approx(60 * W)
    assert len(view["energy"]["devices"]) == 1


def test_devices_of_different_boots_are_different(tmp_path: Path) -> None:
    view = shown(tmp_path, (0, 60), (20, 40), boots=("boot-1", "boot-2"), uuid=None)
    assert view["energy"]["total_j"] == pytest.approx(80 * W)


def test_a_counter_that_is_read_on_has_no_edges_in_between(tmp_path: Path) -> None:
    """A device of which nothing but the edges is uncertain: half a joule at each end of a curve."""
    view = shown(tmp_path, (0, 60), (60, 90), (90, 120), gain=0.0)
    assert view["energy"]["total_j"] == pytest.approx(120 * W)
    assert view["energy"]["high_j"] - view["energy"]["low_j"] == pytest.approx(2.0)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=5))
def test_the_energy_is_that_of_the_union(tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[int, int]]) -> None:
    windows = [(start, start + length) for start, length in spans]
    seconds = {s for start, end in windows for s in range(start, end)}
    view = shown(tmp_path_factory.mktemp("union"), *windows)
    assert view["energy"]["total_j"] == pytest.approx(len(seconds) * W)
    assert view["run"]["duration_s"] == pytest.approx(len(seconds))
