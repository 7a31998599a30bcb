"""A real Prometheus that scrapes one address, for as long as a test or a benchmark takes."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.world import HANGS_S


class Sample(NamedTuple):
    """A value that it has stored."""

    at_s: float
    value: float


Labels = frozenset[tuple[str, str]]


class PrometheusServer:
    """Asks `target`, a HOST:PORT, every `interval_s`. It keeps its data in `folder`."""

    def __init__(self, folder: Path, target: str, interval_s: int = 1) -> None:
        folder.mkdir()
        job = {"job_name": "trainwatt", "static_configs": [{"targets": [target]}]}
        config = {"global": {"scrape_interval": f"{interval_s}s"}, "scrape_configs": [job]}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        self._port = free_port()
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    *("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"),
                    *(f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn"),
                ],
                stdout=log,
                stderr=log,
            )

    def ask(self, query: str, at_s: float | None = None) -> list[Any]:
        """The result of a query, at a time. Empty while it does not answer."""
        about = urllib.parse.urlencode({"query": query} | ({} if at_s is None else {"time": at_s}))
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/query?{about}", timeout=30) as answer:
                result: list[Any] = json.load(answer)["data"]["result"]
                return result
        except ConnectionError:
            return []
        except urllib.error.HTTPError as refused:
            if refused.code == 503:  # it begins
                return []
            raise AssertionError(refused.read()) from refused
        except urllib.error.URLError:
            return []

    def values(self, query: str, label: str = "device", at_s: float | None = None) -> dict[str, float]:
        """The values of a query by one label."""
        return {found["metric"].get(label, ""): float(found["value"][1]) for found in self.ask(query, at_s)}

    def samples(self, metric: str, label: str = "device") -> dict[str, list[Sample]]:
        """All that it has stored of a metric, by one label."""
        found = self.ask(f"{metric}[1h]")
        return {one["metric"].get(label, ""): [Sample(float(at), float(value)) for at, value in one["values"]] for one in found}

    def wait(self, for_what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + HANGS_S
        while not for_what():
            assert self._process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < until, "Prometheus does not see it"
            time.sleep(0.1)

    def close(self) -> None:
        """Stop it."""
        self._process.kill()  # its data are of no use
        self._process.wait(HANGS_S)


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
