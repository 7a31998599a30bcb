"""How each tool is used: by the documented interface, with its defaults unless a sampling period is asked for.

`use` runs the loop under the tool; `read` then tells the joules by kind from what the tool gave or left in its folder. What is None was
not measured by the tool. Each tool is imported by name only in the process that uses it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

KWH_J = 3.6e6
KINDS = ("gpu", "cpu", "dram")
Energies = dict[str, float | None]
Loop = Callable[[], None]


class Tool:
    """A tool with its output in `folder`; `period_s` is None for its own default."""

    module = ""
    name = ""
    """What a user imports of the module."""
    configured = ""
    told = r"^$"
    """Which lines of what it prints say what it reads."""

    def __init__(self, folder: Path, period_s: float | None) -> None:
        self.folder = folder
        self.period_s = period_s

    def imported(self) -> Any:
        """That, imported."""
        return getattr(import_module(self.module), self.name)

    def use(self, loop: Loop) -> None:
        """Run the loop, measured."""
        loop()

    def read(self) -> Energies:
        """Joules by kind, and `total`, the tool's own sum; `low` and `high` where it states a range, `seconds` where it says how long."""
        return {}


class Bare(Tool):
    """No tool: the loop alone."""

    module, name = "json", "dumps"
    configured = "the loop alone"


class Trainwatt(Tool):
    """trainwatt, read back from its database by the code of `trainwatt show`."""

    module, name = "trainwatt", "EnergyTracker"
    configured = "EnergyTracker(db=…), else defaults: 10 readings a second"

    def use(self, loop: Loop) -> None:
        more = {} if self.period_s is None else {"period_s": self.period_s}
        with self.imported()(db=self.folder / "runs.db", **more):
            loop()

    def read(self) -> Energies:
        store: Any = import_module("trainwatt.storage.read.store").Store.open(str(self.folder / "runs.db"))
        store.mark_vanished(import_module("trainwatt.machine.process").this_process())
        view = import_module("trainwatt.analysis.view").describe(store.load(store.find("latest")))
        energy = view["energy"]
        found: Energies = dict.fromkeys(KINDS, None)
        for device in energy["devices"]:
            found[device["kind"]] = (found[device["kind"]] or 0.0) + device["energy_j"]
        return {**found, **{k: energy[f"{k}_j"] for k in ("total", "low", "high")}, "seconds": view["run"]["duration_s"]}


class CodeCarbon(Tool):
    """CodeCarbon, from the CSV file that it writes at the end."""

    module, name = "codecarbon", "OfflineEmissionsTracker"
    configured = "OfflineEmissionsTracker(country_iso_code='DEU', output_dir=…), else defaults: a reading every 15 s"
    told = r"Tracking Method|RAM Power"

    def use(self, loop: Loop) -> None:
        more = {} if self.period_s is None else {"measure_power_secs": self.period_s}
        make = self.imported()
        tracker: Any = make(country_iso_code="DEU", output_dir=str(self.folder), **more)
        tracker.start()
        loop()
        tracker.stop()

    def read(self) -> Energies:
        with (self.folder / "emissions.csv").open() as file:
            row = list(csv.DictReader(file))[-1]
        columns = {"gpu": "gpu_energy", "cpu": "cpu_energy", "dram": "ram_energy", "total": "energy_consumed"}
        return {kind: float(row[column]) * KWH_J for kind, column in columns.items()}


class Zeus(Tool):
    """Zeus's window monitor; it is also asked for its log file, the only thing that it would leave."""

    module, name = "zeus.monitor", "ZeusMonitor"
    configured = "ZeusMonitor(log_file=…), one window, sync_execution=False as there is no GPU framework"

    def use(self, loop: Loop) -> None:
        monitor: Any = self.imported()(log_file=self.folder / "zeus.csv")
        monitor.begin_window("loop", sync_execution=False)
        loop()
        self._found = monitor.end_window("loop", sync_execution=False)

    def read(self) -> Energies:
        found = getattr(self, "_found", None)
        if found is None:  # after a kill: what the log says
            with (self.folder / "zeus.csv").open() as file:
                row = list(csv.DictReader(file))[-1]
            return {"total": sum(float(v) for k, v in row.items() if "energy" in k)}
        by_kind = {"gpu": found.gpu_energy, "cpu": found.cpu_energy, "dram": found.dram_energy}
        joules: Energies = {kind: None if values is None else sum(values.values()) for kind, values in by_kind.items()}
        return {**joules, "total": sum(j for j in joules.values() if j is not None)}


class CarbonTracker(Tool):
    """carbontracker, the loop as its one epoch, read back by its own log parser."""

    module, name = "carbontracker.tracker", "CarbonTracker"
    configured = "CarbonTracker(epochs=1, log_dir=…), the loop as the one epoch, else defaults: a reading every 1 s"
    told = r"components were found"

    def use(self, loop: Loop) -> None:
        more = {} if self.period_s is None else {"update_interval": self.period_s}
        tracker: Any = self.imported()(epochs=1, log_dir=str(self.folder), verbose=2, **more)
        tracker.epoch_start()
        loop()
        tracker.epoch_end()
        tracker.stop()

    def read(self) -> Energies:
        [log] = import_module("carbontracker.parser").parse_all_logs(str(self.folder))
        said = log["actual"]
        found: Energies = dict.fromkeys(KINDS, None)
        for kind, part in log["components"].items():
            usages, durations = part["avg_power_usages (W)"], part["epoch_durations (s)"]
            if usages is not None and kind in found:
                found[kind] = float(sum(watts.sum() * s for watts, s in zip(usages, durations, strict=False)))
        return {**found, "total": None if said is None else said["energy (kWh)"] * KWH_J}


class Perun(Tool):
    """perun's decorator, read back from the JSON that it exports."""

    module, name = "perun", "perun"
    configured = "@perun(data_out=…, format='json') on the loop's function, else defaults: a reading every 1 s"

    def use(self, loop: Loop) -> None:
        def benchmark() -> None:
            loop()

        more = {} if self.period_s is None else {"sampling_period": self.period_s}
        self.imported()(data_out=str(self.folder), format="json", **more)(benchmark)()

    def read(self) -> Energies:
        newest = max(self.folder.glob("*.json"), key=lambda p: p.stat().st_mtime)
        metrics = _first_with_energy(json.loads(newest.read_text()))
        names = {"gpu": "gpu_energy", "cpu": "cpu_energy", "dram": "dram_energy", "total": "energy"}
        return {kind: None if name not in metrics else _sum_of(metrics[name]) for kind, name in names.items()}


def _first_with_energy(node: dict[str, Any]) -> dict[str, Any]:
    """The metrics of the first run in the tree."""
    waiting = [node]
    while waiting:
        node = waiting.pop(0)
        if "energy" in (metrics := node.get("metrics") or {}):
            found: dict[str, Any] = metrics
            return found
        nodes = node.get("nodes") or {}
        waiting += nodes.values() if isinstance(nodes, dict) else nodes
    return {}


def _sum_of(metric: dict[str, Any]) -> float:
    return float(metric["value"] if "value" in metric else metric["sum"])


TOOLS: dict[str, type[Tool]] = {
    "bare": Bare,
    "trainwatt": Trainwatt,
    "codecarbon": CodeCarbon,
    "zeus": Zeus,
    "carbontracker": CarbonTracker,
    "perun": Perun,
}
