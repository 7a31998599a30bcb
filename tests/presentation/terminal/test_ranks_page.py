"""What `show --ranks` prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt import Summary
from trainwatt.cli.main import cli
from trainwatt.storage.write.writer import Writer

S = 10**9


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Two nodes. On the first, rank 1 takes the GPU over from rank 0."""
    writer = Writer.open(tmp_path / "runs.db")
    nodes = {"a": ("node-a", "boot-1", 0), "b": ("node-a", "boot-1", 1), "c": ("node-b", "boot-2", 2)}
    ends = {"a": (5, 10 * S), "b": (10 * S, 20 * S), "c": (5, 20 * S)}
    done: Row = {"status": "completed", "started_utc_ns": 1_000}
    segments = [
        segment(id_, host=host, boot_id=boot, rank=rank, start_t_ns=5, end_t_ns=ends[id_][1], **done)
        for id_, (host, boot, rank) in nodes.items()
    ]
    points = [point(t_ns, 100 * i, segment_id=id_) for id_ in nodes for i, t_ns in enumerate(ends[id_])]
    rows = {"run": [run(status="completed", ended_utc_ns=20 * S)], "segment": segments}
    writer.write({**rows, "device": [device(segment_id=id_) for id_ in nodes], "curve_point": points})
    writer.close()
    return str(tmp_path / "runs.db")


def test_each_part_has_a_line_and_devices_of_several_hosts_have_their_names(db: str) -> None:
    shown = CliRunner(env={"COLUMNS": "60"}).invoke(cli, ["show", "--ranks", "--db", db])
    assert shown.exit_code == 0, shown.output
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    at = lines.index("gpu0 on node-a rank 0 0.0 s–10.0 s 100 J")
    assert lines[at : at + 5] == [
        "gpu0 on node-a rank 0 0.0 s–10.0 s 100 J",
        "rank 1 10.0 s–20.0 s 100 J",
        "= 200 J",
        "gpu0 on node-b rank 2 0.0 s–20.0 s 100 J",
        "total 300 J",
    ]


def test_every_page_names_the_host_of_a_device_where_there_are_several(db: str, tmp_path: Path) -> None:
    summary = Summary.load(db, "run-1")
    pages = [str(summary), summary._repr_html_()]
    for name in ("page.html", "page.md"):
        written = CliRunner().invoke(cli, ["report", "latest", "-o", str(tmp_path / name), "--db", db])
        assert written.exit_code == 0, written.output
        pages.append((tmp_path / name).read_text())
    for page in pages:
        assert "gpu0 on node-a" in page
        assert "gpu0 on node-b" in page
