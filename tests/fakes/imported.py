"""Files as other tools write them, and the command that imports them into a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from trainwatt.cli.main import cli

CODECARBON = [
    *("timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate", "cpu_power", "gpu_power"),
    *("ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "country_name", "country_iso_code", "region"),
    *("cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model"),
    *("longitude", "latitude", "ram_total_size", "tracking_mode", "on_cloud", "pue"),
]
"""The columns of CodeCarbon 2.3."""
ROW: Mapping[str, object] = {
    "timestamp": "2024-03-01T12:00:00", "project_name": "bert", "run_id": "11111111-2222", "duration": 3600.0, "emissions": 0.02,
    "cpu_energy": 0.04, "gpu_energy": 0.3, "ram_energy": 0.02, "energy_consumed": 0.36, "country_name": "France",
    "country_iso_code": "FRA", "codecarbon_version": "2.3.4", "cpu_count": 64, "cpu_model": "AMD EPYC 7543", "gpu_count": 2,
    "gpu_model": "2 x NVIDIA A100-SXM4-80GB", "ram_total_size": 251.5, "tracking_mode": "machine", "on_cloud": "N", "pue": 1.0,
}  # fmt: skip
"""A row of it: 0.36 kWh in an hour."""


def csv_text(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = CODECARBON, delimiter: str = ",") -> str:
    """A table with a header."""
    lines = [delimiter.join(columns), *(delimiter.join(str(row.get(name, "")) for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"


class Shelf:
    """A folder with files of other tools, and a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        """A file with that text."""
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def call(self, *words: object, stdin: bytes | None = None) -> Result:
        """The result of a command; exceptions are raised."""
        env = {"TRAINWATT_DB": str(self.folder / "runs.db"), "COLUMNS": "120"}
        return CliRunner().invoke(cli, [str(word) for word in words], input=stdin, env=env, catch_exceptions=False)

    def imports(self, *words: object, code: int = 0) -> dict[str, Any]:
        """What `import --json` says."""
        result = self.call("import", *words, "--json")
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def json(self, *words: object) -> dict[str, Any]:
        """What a command says with --json."""
        result = self.call(*words, "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def runs(self) -> list[dict[str, Any]]:
        """The stored runs."""
        found: list[dict[str, Any]] = self.json("list")["runs"]
        return found

    def only(self) -> dict[str, Any]:
        """The one stored run, as `show --json` has it."""
        [entry] = self.runs()
        return self.json("show", entry["run"]["id"])
