"""The Grafana dashboard of deploy/, as its tests read it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from tests.fakes.world import ROOT

FILE = ROOT / "deploy" / "grafana" / "trainwatt.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
VARIABLES: list[dict[str, Any]] = DASHBOARD["templating"]["list"]


class Query(NamedTuple):
    """A query of a panel."""

    panel: str
    expr: str
    legend: str

    @property
    def for_all(self) -> str:
        """As Grafana sends it if every host, project and run is chosen, over an hour."""
        expr = self.expr.replace("$__range", "1h").replace("$__rate_interval", "1m")
        return re.sub(r'"\$\w+"', '".*"', expr)


QUERIES = [Query(panel["title"], target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]]
