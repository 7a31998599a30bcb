"""PURE: the rows of a run and of its process, as they are when it begins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..._version import __version__
from ...carbon.grid.whereabouts import AUTO
from ...core.run import FLOPS_PRECISION_KEY
from ...masking.text import hidden_in, scrubbed_name
from .rows import Row, as_json

if TYPE_CHECKING:
    from ...config import Config
    from ...core.clock import Anchor
    from ...machine.process import Identity


def run_row(run_id: str, config: Config, me: Identity, anchor: Anchor, *, command: str | None, ranks_here: int) -> Row:
    """A run that begins."""
    return {
        "id": run_id,
        "project": scrubbed_name(config.project),
        "name": config.name and scrubbed_name(config.name),
        "group_name": config.group and scrubbed_name(config.group),
        "stage": config.stage,
        "status": "running",
        "started_utc_ns": anchor.utc_ns,
        "last_seen_utc_ns": anchor.utc_ns,
        "host": me.host,
        "command": command,
        "tags": as_json(hidden_in(config.tags)),
        "zone": None if config.zone == AUTO else config.zone,
        "settings": as_json(
            {
                "basis": config.basis,
                "intensity_g_per_kwh": config.intensity_g_per_kwh,
                "pue": config.pue,
                "hardware": config.hardware and str(Path(config.hardware).absolute()),
                "period_s": config.period_s,
                "gains": config.gains,
                "offsets_w": config.offsets_w,
                "scope": config.scope,
                "baseline_s": config.baseline_s,
                "gpus": config.gpus,
                "sensors": config.sensors,
                **({} if config.flops_precision is None else {FLOPS_PRECISION_KEY: config.flops_precision}),
                **budget_settings(config),
                **({"sinks": [setting.partition("=")[0] for setting in config.sinks]} if config.sinks else {}),
                "ranks_here": ranks_here,
                "python": sys.version.split()[0],
            }
        ),
        "version": __version__,
    }


def budget_settings(config: Config) -> Row:
    """What a run may use; nothing where that is not set. `price_per_kwh` and `currency` are terms of its footprint too."""
    budget = config.budget
    found = {
        "price_per_kwh": config.price_per_kwh,
        "currency": None if budget is None else budget.currency,
        "epochs": config.epochs,
        "budget": None if budget is None else budget.text,
        "on_budget": None if budget is None else config.on_budget.value,
    }
    return {name: value for name, value in found.items() if value is not None}


def segment_row(segment_id: str, run_id: str, me: Identity, anchor: Anchor, *, joined: bool, rank: int | None, period_s: float) -> Row:
    """A process of a run. `joined`: the run is that of another one, which measures for it."""
    return {
        "id": segment_id,
        "run_id": run_id,
        "role": "joined" if joined else "owner",
        "status": "running",
        "host": me.host,
        "boot_id": me.boot_id,
        "pid_namespace": me.pid_namespace,
        "pid": me.pid,
        "start_ticks": me.start_ticks,
        "rank": rank,
        "started_utc_ns": anchor.utc_ns,
        "last_seen_utc_ns": anchor.utc_ns,
        "start_t_ns": anchor.monotonic_ns,
        "period_s": period_s,
    }
