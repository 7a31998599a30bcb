"""The lines of docs/prometheus.md: configurations and queries pass promtool, and its tables name the metrics that there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.live import RUN, live
from tests.fakes.world import ROOT
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
