"""`trainwatt doctor`: what can be measured on this machine, what cannot, why, and how to change that."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import rich_click as click
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from ...analysis.view import KINDS, ORDER, natural
from ...carbon.grid.whereabouts import whereabouts
from ...config import Config, parse_gpus, resolve, working_folder
from ...core.choices import Basis
from ...core.clock import SystemClock
from ...core.sensing import Availability, Counter, Discovery, DiscoveryRequest, Finding
from ...machine.host import require_kernel_trees
from ...masking.text import scrubbed
from ...presentation.terminal.run import console, plain_table
from ...presentation.words.runs import OUTSIDE
from ...presentation.words.safe_text import clean, cleaned, lines
from ...sensors.discovery import discover
from ...settings.search import search
from ...settings.wording import command as command_for
from ...settings.wording import hint, reason
from ...texts import text_of
from ...tracking.sampling.calibration import CALIBRATION_S
from ...tracking.sampling.sampler import Sampler
from ...tracking.sampling.schedule import CALM_S, FULL_S
from ..database import database_of
from ..options import db_option, json_option
from ..output import echo

MARKS = {
    Availability.OK: ("✓", "green"),
    Availability.DENIED: ("✗", "red"),
    Availability.BROKEN: ("✗", "red"),
    Availability.MISMATCH: ("✗", "red"),
    Availability.MASKED: ("✗", "yellow"),
    Availability.ABSENT: ("–", "dim"),
}
COST_READS = 15


@click.command("doctor")
@click.option("--gpus", metavar="LIST", help="GPUs by NVML index or UUID, as in 0,2.")
@json_option
@db_option
def command(gpus: str | None, as_json: bool, db: str | None) -> None:
    """Check what can be measured here: what is read, what is not and why, commands that fix it, the cost, and the expected error."""
    config = resolve({"db": db, "gpus": None if gpus is None else parse_gpus(gpus)}, os.environ, working_folder())
    require_kernel_trees(config.sysfs, config.procfs)
    found = discover(DiscoveryRequest(config.gains, config.named_gpus, os.environ, config.sysfs, config.procfs, config.sensors))
    findings = list(map(_shown, found.findings))
    devices = _watch(found, config)
    zone, zone_finding = whereabouts(config.zone, os.environ, Basis(config.basis or Basis.LIFECYCLE))
    report = {
        "schema_version": 1,
        "devices": devices,
        "unmeasured": [m.device.name for m in found.missed],
        "findings": [_finding(f) for f in findings],
        "settings": _settings(),
        "database": database_of(config),
        "zone": zone,
        "zone_finding": _finding(zone_finding),
        "period_s": _period_s(config),
        "cost_fraction": sum(d["cost_s"] for d in devices) / _period_s(config),
    }
    if as_json:
        echo(json.dumps(report, indent=2))
    else:
        out = console()
        for part in _page(cleaned(report), findings):
            out.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


def _watch(found: Discovery, config: Config) -> list[dict[str, Any]]:
    """Sample for a second: the power of each device, the cost of a reading, and the period in which its counter changes."""
    full_s = config.period_s or FULL_S
    sampler = Sampler(found.sensors, SystemClock(), full_s, CALM_S if config.period_s is None else None)
    costs: dict[str, float] = {}
    for channel in sampler.channels:
        times = []
        for _ in range(COST_READS):
            begin = time.perf_counter()
            try:
                channel.sensor.read()
            except Exception:  # the events of the sensor show that it fails
                continue
            times.append(time.perf_counter() - begin)
        share = _period_s(config) / (channel.calm_every * full_s)
        name = channel.sensor.device.name
        costs[name] = costs.get(name, 0.0) + (sorted(times)[len(times) // 2] * share if times else 0.0)
    start_ns = sampler.poll()
    sampler.start()
    time.sleep(CALIBRATION_S + 0.6)
    seconds = (sampler.finish() - start_ns) * 1e-9
    described = []
    for name, i in sorted(sampler.integrators.items(), key=lambda item: (ORDER[item[1].device.kind], natural(item[0]))):
        sensors = [s for s in found.sensors if s.device.name == name]
        modelled = any(s.name == "model" for s in sensors)
        latest = i.curve.latest
        described.append(
            {
                "device": name,
                "kind": i.device.kind,
                "model": i.device.model,
                "uuid": i.device.uuid,
                "note": i.device.note and scrubbed(text_of(i.device.note)),
                "reads": [s.name for s in sensors],
                "from": "model" if modelled else "counter" if i.counter is not None else "power",
                "power_w": latest.energy_j / seconds if latest is not None else None,
                "gain": None if modelled else i.device.gain,
                "low_factor": _factor(sensors, "low_factor") if modelled else None,
                "high_factor": _factor(sensors, "high_factor") if modelled else None,
                "update_period_s": i.update_period_s,
                "cost_s": costs.get(name, 0.0),
                "included_in_total": i.device.included_in_total,
                "events": [scrubbed(e.detail) for e in i.events],
            }
        )
    sampler.close()
    return described


def _period_s(config: Config) -> float:
    """The usual seconds between two readings of a counter."""
    return CALM_S if config.period_s is None else config.period_s


def _factor(sensors: list[Any], name: str) -> float | None:
    return next((getattr(s.kind, name) for s in sensors if not isinstance(s.kind, Counter)), None)


def _shown(finding: Finding) -> Finding:
    """A finding without secrets. A provider of the user's may put an error into it."""
    what, detail, remedy, worth = (scrubbed(text_of(text)) for text in (finding.what, finding.detail, finding.remedy, finding.worth))
    return finding._replace(what=what, detail=detail, remedy=remedy, worth=worth)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "source": finding.source,
        "availability": finding.availability.value,
        "what": finding.what,
        "detail": finding.detail,
        "remedy": finding.remedy,
        "worth": finding.worth,
        "devices": list(finding.devices),
    }


def _settings() -> dict[str, Any]:
    """The file of settings that is used here, and what in such files is not followed."""
    found = search(working_folder())
    refused = [
        {
            "file": str(one.file),
            "settings": list(one.settings),
            "why": one.why.value,
            "at": str(one.at),
            "detail": reason(one),
            "remedy": hint(one),
            "command": command_for(one),
        }
        for one in found.not_followed
    ]
    return {"file": None if found.file is None else str(found.file), "not_followed": refused}


def _page(report: dict[str, Any], findings: list[Finding]) -> list[RenderableType]:
    devices = report["devices"]
    table = plain_table("device", "from", "now", "error", "renewed", "a reading", right=("now", "renewed", "a reading"))
    for d in devices:
        table.add_row(
            Text(d["device"] + ("" if d["included_in_total"] else "*")),
            d["from"],
            "?" if d["power_w"] is None else f"{d['power_w']:.1f} W",
            _error(d),
            "" if d["update_period_s"] is None else f"{1e3 * d['update_period_s']:.1f} ms",
            f"{1e6 * d['cost_s']:.0f} µs",
        )
    parts: list[RenderableType] = [_verdict(devices, report["unmeasured"]), Text(), table, *_notes(devices), Text()]
    missing = [f for f in findings if f.availability is not Availability.OK]
    if missing:
        parts.append(Text("What is not read, and why", style="bold"))
        for finding in missing:
            parts += _explained(finding)
        parts.append(Text())
    database = report["database"]
    usable = ("✓ ", "green") if database["usable"] else ("✗ ", "red")
    place = report["zone_finding"]
    parts += [
        *_used(report["settings"]),
        Text.assemble(usable, f"database {database['place']}: {database['detail']}"),
        Text.assemble(("✓ ", "green") if report["zone"] else ("– ", "yellow"), f"zone of the grid: {place['detail']}"),
        *([Padding(Text(place["remedy"]), (0, 0, 0, 4))] if place["remedy"] else []),
        Text(
            f"The readings alone take about {100 * report['cost_fraction']:.2g} % of a core, every {report['period_s']:g} s;"
            " `show` has the whole cost of tracking a run."
        ),
        Text("Errors are 95 % of a sensor's scale, or a judged bound of a model; each run adds its own gaps and edges.", style="dim"),
    ]
    return parts


def _verdict(devices: list[dict[str, Any]], unmeasured: list[str]) -> Text:
    """What a run on this machine would measure."""
    counted = [d for d in devices if d["included_in_total"]]
    measured, modelled = ({KINDS[d["kind"]]: None for d in counted if (d["from"] == "model") is model} for model in (False, True))
    text = Text("Measured here: ", style="bold")
    text.append(", ".join(measured) or "nothing", style="green" if measured else "red")
    if modelled:
        text.append("; modelled, within a wide range: ")
        text.append(", ".join(modelled), style="yellow")
    if unmeasured:
        text.append("; not measured, so that totals are lower bounds: ")
        text.append(", ".join(unmeasured), style="red")
    return text


def _notes(devices: list[dict[str, Any]]) -> list[Text]:
    """The model, the note and the events of each device; devices with the same text share a line."""
    said: dict[str, list[str]] = {}
    for d in devices:
        about = "; ".join(text for text in (d["model"], d["note"], *d["events"]) if text)
        if about:
            said.setdefault(about, []).append(d["device"])
    notes = [Text(f"{', '.join(names)}: {about}", style="dim") for about, names in said.items()]
    if any(not d["included_in_total"] for d in devices):
        notes.append(Text(OUTSIDE, style="dim"))
    return notes


def _explained(finding: Finding) -> list[RenderableType]:
    mark, style = MARKS[finding.availability]
    parts: list[RenderableType] = [
        Text.assemble((f"{mark} ", style), (clean(finding.what), "bold"), f", {finding.availability.value}: {clean(finding.detail)}")
    ]
    if finding.remedy:
        for line in lines(finding.remedy).split("\n"):
            command = line.startswith("  ")  # it is never wrapped, so that it can be copied
            parts.append(Text(f"    {line}", style="cyan", no_wrap=True) if command else Padding(Text(line), (0, 0, 0, 4), expand=False))
    if finding.worth:
        parts.append(Padding(Text(f"Worth it: {clean(finding.worth)}"), (0, 0, 0, 4)))
    return parts


def _used(settings: dict[str, Any]) -> list[RenderableType]:
    """Which settings are used, and which are not."""
    file = settings["file"]
    parts: list[RenderableType] = [
        Text.assemble(("✓ ", "green"), f"settings: {file}") if file else Text.assemble(("– ", "dim"), "settings: no file has any here")
    ]
    for one in settings["not_followed"]:
        parts.append(Text.assemble(("✗ ", "yellow"), f"{one['detail']}; {one['remedy']}, then:"))
        parts.append(Text(f"      {one['command']}", style="cyan", no_wrap=True))
    return parts


def _error(d: dict[str, Any]) -> str:
    if d["gain"] is not None:
        return f"±{100 * d['gain']:.0f} %"
    return f"×{d['low_factor']:.2g} to ×{d['high_factor']:.2g}" if d["low_factor"] is not None else ""
