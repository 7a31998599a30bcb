"""The lines of docs/prometheus.md: commands run, promtool takes configurations and queries, and the table names what is exported."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.live import RUN, live
from tests.fakes.otlp_collector import collecting
from tests.fakes.world import ROOT, TRAINWATT, World, finished
from trainwatt.integrations.sinks._metrics import RunCollector

PAGE = (ROOT / "docs" / "prometheus.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def queries() -> list[str]:
    """Those between the comments."""
    [block] = blocks("promql")
    return [query.strip() for query in re.split(r"^#.*$", block, flags=re.MULTILINE) if query.strip()]


@pytest.mark.parametrize("config", [block for block in blocks("yaml") if "scrape_configs" in block])
def test_a_configuration_is_valid(config: str, tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(config)
    checked = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


def test_the_queries_are_valid(tmp_path: Path) -> None:
    rules = "".join(f"  - record: a:query\n    expr: |\n{re.sub('^', '      ', query, flags=re.MULTILINE)}\n" for query in queries())
    (tmp_path / "rules.yml").write_text(f"groups:\n- name: docs\n  rules:\n{rules}")
    checked = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert len(queries()) == 5


def test_the_table_names_every_metric() -> None:
    from prometheus_client import generate_latest

    text = generate_latest(RunCollector(RUN, live).registry).decode()
    exported = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    assert set(re.findall(r"^\| `(trainwatt_\w+)` \|", PAGE, re.MULTILINE)) == exported
    assert set(re.findall(r"\btrainwatt_\w+", PAGE)) == exported


@pytest.mark.slow
def test_the_commands_run(world: World, tmp_path: Path) -> None:
    """Each with a training that ends at once, in a folder of the test, and with a collector of the test."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    with collecting() as collector:
        changed = {"python train.py": "true", "/var/lib/prometheus/node-exporter": str(tmp_path), "http://localhost:4318": collector.url}
        for was, now in changed.items():
            assert any(was in line for line in lines)
            lines = [line.replace(was, now) for line in lines]
        runs = [world.popen([*TRAINWATT, *shlex.split(line)[1:]]) for line in lines]
        said = [finished(run) for run in runs]
    assert [ended.returncode for ended in said] == [0, 0, 0], said
    assert all("the sink" not in ended.stderr for ended in said), said
    assert "trainwatt_run_active{" in (tmp_path / "trainwatt.prom").read_text()
    assert collector.last("trainwatt.run.active") == {"": 0.0}
