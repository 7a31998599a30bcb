"""Every metric and every label that the Grafana dashboard asks for is exported, and every query is valid. `test_scraped` asks a real
Prometheus for all of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.dashboard import DASHBOARD, PANELS, QUERIES, VARIABLES, Query
from tests.fakes.live import RUN, live
from trainwatt.integrations.sinks._metrics import RunCollector


def exported() -> dict[str, set[str]]:
    """The labels of each metric."""
    text = generate_latest(RunCollector(RUN, live).registry).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


EXPORTED = exported()


def asked(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of a query, with the labels that it is selected by."""
    for metric, _, matchers in re.findall(r"\b(trainwatt_\w+)(\{([^}]*)\})?", expr):
        yield metric, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def grouped(query: Query) -> set[str]:
    """The labels that a query groups or joins by, or that its legend names."""
    lists = re.findall(r"\b(?:by|on|without|ignoring|group_left|group_right) \(([^)]*)\)", query.expr)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()} | set(re.findall(r"{{(\w+)}}", query.legend))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.panel)
def test_every_metric_and_label_of_a_query_is_exported(query: Query) -> None:
    found = list(asked(query.expr))
    assert found
    for metric, labels in found:
        assert labels <= EXPORTED[metric], metric
    assert grouped(query) <= set().union(*(EXPORTED[metric] for metric, _ in found))
    assert set(re.findall(r"\$(\w+)", query.expr)) <= {v["name"] for v in VARIABLES} | {"__range", "__rate_interval"}


def test_the_queries_are_valid(tmp_path: Path) -> None:
    rules = "".join(f"  - record: a:query\n    labels: {{number: '{n}'}}\n    expr: >-\n      {q.for_all}\n" for n, q in enumerate(QUERIES))
    (tmp_path / "rules.yml").write_text(f"groups:\n- name: dashboard\n  rules:\n{rules}")
    checked = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


def test_every_variable_lists_values_of_a_label_that_there_is() -> None:
    names = ["datasource"]
    for variable in VARIABLES[1:]:
        [(selector, label)] = re.findall(r"^label_values\((.*), (\w+)\)$", variable["query"]["query"])
        [(metric, labels)] = asked(selector)
        assert labels | {label} <= EXPORTED[metric]
        assert set(re.findall(r"\$(\w+)", selector)) <= set(names)  # those before
        names.append(variable["name"])
    assert names == ["datasource", "host", "project", "run"]


def test_the_panels_show_what_a_run_uses_and_none_covers_another() -> None:
    shown = {metric for query in QUERIES for metric, _ in asked(query.expr)}
    assert EXPORTED.keys() - shown == {"trainwatt_device_info"}
    cells = [cell for panel in PANELS for cell in cells_of(panel["gridPos"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert DASHBOARD["uid"] == "trainwatt"
    for panel in PANELS:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def cells_of(place: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y
