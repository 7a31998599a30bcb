"""The sink of docs/sinks.md, in a package that is really installed."""

from __future__ import annotations

import re
import sys

import pytest

from tests.fakes.world import ROOT, World

PAGE = (ROOT / "docs" / "sinks.md").read_text().partition("## A sink of your own")[2]


@pytest.mark.slow
def test_the_sink_of_the_page_shows_a_run(world: World) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (points,) = re.findall(r'```toml\n\[project\.entry-points\."(.*?)"\]\n(.*?)```', PAGE, re.DOTALL)
    (world.work / "my_sinks.py").write_text(code)
    info = world.work / "my_sinks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-sinks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[{}]\n{}".format(points[0], points[1].replace('"', "")))
    env = world.environ(PYTHONPATH=f"{world.work}:{ROOT}")
    ended = world.cli(
        "run", "--project", "digits", "--sink", "status=energy.txt", "--", sys.executable, "-c", "import time; time.sleep(0.6)", env=env
    )
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    shown = re.fullmatch(r"digits (\w+): completed, ([\d.]+) J, .* W\n", (world.work / "energy.txt").read_text())
    assert shown is not None
    assert shown[1] == view["run"]["id"][:8]
    assert float(shown[2]) == view["energy"]["total_j"]
    refused = world.cli("run", "--sink", "status", "--", sys.executable, "-c", "print('trained')", env=env)
    assert "name a file, as in status=energy.txt" in refused.stderr
    assert "trained" not in refused.stdout
