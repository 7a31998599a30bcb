"""PURE: a side as a JSON text, so that a comparison needs no database that has both sides: continuous integration keeps it as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from ..._version import __version__
from ...energy.intervals import JOULES, Share
from ...errors import ConfigurationError
from .comparison import compare
from .side import Measured, Parts, Side

if TYPE_CHECKING:
    from ...core.contract import ShowJson

FORMAT = 1
STORED = (*JOULES, "offset_j")


class PartJson(TypedDict):
    """What one sensor measured: joules by the fields of `Share`."""

    sensor: list[str]
    gain: float
    gain_class: str
    joules: dict[str, float]


class DevicePartsJson(TypedDict):
    """The parts of a device, or of a phase, which has no host."""

    host: str | None
    name: str
    parts: list[PartJson]


class BaselineRunJson(TypedDict):
    """A run of the side. `view` is what `show --json` printed."""

    started_utc_ns: int
    view: ShowJson
    total: list[PartJson]
    devices: list[DevicePartsJson]
    phases: list[DevicePartsJson]


class BaselineJson(TypedDict):
    """The file."""

    trainwatt_baseline: int
    written_by: str
    name: str | None
    runs: list[BaselineRunJson]


def to_text(side: Side) -> str:
    """The side as JSON."""
    runs: list[BaselineRunJson] = [
        {
            "started_utc_ns": run.started_utc_ns,
            "view": run.view,
            "total": _parts(run.parts.total),
            "devices": [{"host": host, "name": name, "parts": _parts(of)} for (host, name), of in run.parts.of_device.items()],
            "phases": [{"host": None, "name": name, "parts": _parts(of)} for name, of in run.parts.of_phase.items()],
        }
        for run in side.runs
    ]
    file: BaselineJson = {"trainwatt_baseline": FORMAT, "written_by": __version__, "name": side.name, "runs": runs}
    return json.dumps(file, indent=1, ensure_ascii=False) + "\n"


def from_text(text: str, path: str) -> Side:
    """The side in the text of the file `path`. Raises ConfigurationError if it is none, or of a later version."""
    try:
        file = json.loads(text)
        form = file["trainwatt_baseline"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _wrong(path, "is not a baseline") from None
    if form != FORMAT:
        raise _wrong(path, f"is a baseline of format {form}, and this version of trainwatt reads format {FORMAT}")
    try:
        side = Side([_run(run) for run in cast("BaselineJson", file)["runs"]], file["name"])
        compare([side])  # whatever is missing is noticed now
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _wrong(path, f"is a baseline that is not complete ({type(error).__name__}: {error})") from error
    return side


def _wrong(path: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"--baseline {path}: the file {what}; write it anew with `trainwatt compare RUNS --write-baseline FILE.json`")


def _run(run: BaselineRunJson) -> Measured:
    devices = {(str(of["host"]), of["name"]): _read(of["parts"]) for of in run["devices"]}
    phases = {of["name"]: _read(of["parts"]) for of in run["phases"]}
    return Measured(run["view"], Parts(_read(run["total"]), devices, phases), int(run["started_utc_ns"]))


def _parts(parts: Sequence[Share]) -> list[PartJson]:
    return [
        {
            "sensor": list(share.sensor),
            "gain": share.gain,
            "gain_class": share.gain_class,
            "joules": {name: getattr(share, name) for name in STORED},
        }
        for share in parts
    ]


def _read(parts: Sequence[PartJson]) -> list[Share]:
    found = []
    for part in parts:
        joules: dict[str, Any] = {name: float(part["joules"][name]) for name in STORED}
        found.append(Share(**joules, gain=float(part["gain"]), gain_class=part["gain_class"], sensor=tuple(part["sensor"])))
    return found
