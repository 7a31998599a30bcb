"""PURE: a stored footprint as the JSON contract of this version.

A footprint is stored once, as JSON, and never changed. Versions before the typed factors wrote each factor as words only (`name`, `status`,
`source`). This is the one place that reads those words, to add the fields that they lack. No other code does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from ..carbon.assumption import (
    LEFT_OUT_TEXTS,
    FactorKind,
    FactorStatus,
    GridUse,
    HostPart,
    HostUse,
    LeftOut,
    RangeMeaning,
    SeriesUse,
    name_of,
    ranges_of,
)
from ..core.work import singular
from ..errors import StoreError
from ..texts import error_text

if TYPE_CHECKING:
    from ..core.contract import AssumptionJson, CarbonJson, FactorChangeJson

_GRID = re.compile(
    r"^grid intensity(?: of (?P<place>.+?))?(?P<hourly>, by the hour, weighted by energy)?(?:, (?P<basis>lifecycle|direct))?"
    r"(?:, for (?P<share>\d+) % of the energy)?$"
)
_ESTIMATED = re.compile(r"(?P<percent>\d+) % estimated by the provider")
_HELD = re.compile(r"(?P<held>[\d.e+]+) of (?P<of>[\d.e+]+) (?P<counted>GPUs|processors)$")
_VIRTUAL = re.compile(r"^a virtual machine of (?P<cpus>\d+) processors")
_OF_CLASS = ", range of its class"
_PROVIDERS = ("uk", "electricitymaps")
"""The providers that those versions had."""
_FRAME = ("mainboard", "psu", "chassis", "assembly")
_PERCENT = 100.0
_FIGURES = tuple(f"{part}{end}_g" for part in ("operational", "embodied", "total") for end in ("", "_low", "_high"))


def kept_footprint(text: str, energy_range: str = RangeMeaning.CONFIDENCE.value, per: str | None = None) -> CarbonJson:
    """The `carbon` object from its stored JSON. Fields that an earlier version did not write are derived from its words, and from what the
    range of the run's energy means (a RangeMeaning). `per`: the unit of work that the user asks for. Raises StoreError if it is damaged."""
    try:
        return _kept(json.loads(text), energy_range, per)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError(f"that footprint is damaged ({error_text(error, 100)}): `trainwatt footprint RUN` computes it again") from error


def changes(was: CarbonJson, now: CarbonJson) -> list[FactorChangeJson]:
    """The factors that differ between two footprints of a run, and the hardware whose making has another figure."""
    found = [
        _change(kind, (new or old)["name"], (new or old)["unit"], "value", old, new)
        for (kind, _), old, new in _pairs(_factors(was), _factors(now))
    ]
    found += [
        _change("hardware", f"making of {(new or old)['name']}", f"kg/{(new or old)['unit']}", "footprint_kg", old, new)
        for _, old, new in _pairs(_lines(was), _lines(now))
    ]
    return [change for change in found if change["was"] != change["now"] or change["was_year"] != change["now_year"]]


def _pairs(was: dict[Any, Any], now: dict[Any, Any]) -> list[tuple[Any, Any, Any]]:
    return [(key, was.get(key), now.get(key)) for key in dict.fromkeys((*was, *now))]


def _factors(of: CarbonJson) -> dict[Any, Any]:
    return {(a["kind"] or a["name"], _nth(of["assumptions"], i)): a for i, a in enumerate(of["assumptions"])}


def _lines(of: CarbonJson) -> dict[Any, Any]:
    return {(line["part"], line["name"], line["unit"]): line for line in of["embodied_lines"]}


def _nth(assumptions: list[AssumptionJson], index: int) -> int:
    """How many factors of the same kind stand before this one."""
    kinds = [a["kind"] or a["name"] for a in assumptions]
    return kinds[:index].count(kinds[index])


def _change(kind: str, name: str, unit: str, key: str, was: Any, now: Any) -> FactorChangeJson:
    values = [(None, None) if of is None else (of[key], of["year"]) for of in (was, now)]
    return {
        "kind": kind,
        "name": name,
        "unit": unit,
        "was": values[0][0],
        "now": values[1][0],
        "was_year": values[0][1],
        "now_year": values[1][1],
    }


def _kept(carbon: dict[str, Any], energy_range: str, per: str | None) -> CarbonJson:
    for name in _FIGURES:
        if not isinstance(carbon[name], (int, float)) and carbon[name] is not None:
            raise TypeError(f"{name} is no number")
    carbon["assumptions"] = [a if "kind" in a else {**a, **_factor(a, carbon["zone"])} for a in carbon["assumptions"]]
    carbon["embodied_lines"] = [line if "evidence" in line else {**line, **_line(line)} for line in carbon["embodied_lines"]]
    if "left_out_codes" not in carbon:
        codes = {words: code.value for code, words in LEFT_OUT_TEXTS.items()}
        carbon["left_out_codes"] = [codes[words] for words in carbon["left_out"] if words in codes]
    if "ranges" not in carbon:
        if any(a["kind"] == FactorKind.PUE and a["evidence"] == FactorStatus.ASSUMED for a in carbon["assumptions"]):
            carbon["left_out_codes"].append(LeftOut.SITE_OVERHEAD.value)
        carbon["ranges"] = ranges_of(energy_range, carbon["assumptions"], carbon["embodied_lines"])
    carbon.setdefault("sci_units", [sci for sci in (carbon.get("sci"),) if sci is not None])
    if per is not None:
        carbon["sci"] = next((sci for sci in carbon["sci_units"] if sci["unit"] == singular(per)), None)
    return cast("CarbonJson", carbon)


def _factor(old: dict[str, Any], zone: str | None) -> dict[str, Any]:
    name, status = old["name"], old["status"]
    grid = _grid(old, zone)
    kind = FactorKind.GRID_INTENSITY if grid else next((k for k in FactorKind if _is_named(name, k)), None)
    host = _host(old["source"]) if kind is FactorKind.HOST_SHARE and status != FactorStatus.GIVEN else None
    evidence = next((s for s in FactorStatus if status == s or status.startswith(f"{s}, ")), status)
    return {
        "kind": kind,
        "evidence": evidence,
        "grid": grid.as_json() if grid else None,
        "pue_kind": name.partition(", ")[2] or None if kind is FactorKind.PUE else None,
        "host": host.as_json() if host else None,
    }


def _is_named(name: str, kind: FactorKind) -> bool:
    return name == name_of(kind) or (kind is FactorKind.PUE and name.startswith("PUE, "))


def _grid(old: dict[str, Any], zone: str | None) -> GridUse | None:
    found = _GRID.match(old["name"])
    if found is None:
        return None
    hourly = found["hourly"] is not None
    estimated = _ESTIMATED.search(old["status"])
    names = old["source"].split(", ") if hourly else []
    if not all(name in _PROVIDERS for name in names):
        names = [old["source"]]  # the user's file, of which there is only one
    return GridUse(
        place=found["place"],
        zone=zone,
        basis=found["basis"],
        by_the_hour=hourly,
        energy_share=int(found["share"]) / _PERCENT if found["share"] else None,
        estimated_share=int(estimated["percent"]) / _PERCENT if estimated else 0.0,
        series=tuple(SeriesUse(name, name in _PROVIDERS) for name in names),
    )


def _host(source: str) -> HostUse:
    held, virtual = _HELD.search(source), _VIRTUAL.match(source)
    processors = int(virtual["cpus"]) if virtual else None
    if held is None:
        return HostUse(virtual_processors=processors)
    counted = HostPart.GPUS if held["counted"] == "GPUs" else HostPart.PROCESSORS
    return HostUse(counted, float(held["held"]), float(held["of"]), processors)


def _line(old: dict[str, Any]) -> dict[str, Any]:
    return {
        "component": _component(old),
        "evidence": old["status"].removesuffix(_OF_CLASS),
        "class_range": old["status"].endswith(_OF_CLASS),
    }


def _component(old: dict[str, Any]) -> str:
    if old["part"] == "gpu":
        return "gpu"
    if old["unit"] == "GB":
        return "dram"
    if old["unit"] != "device" or old["name"] == "host":
        return "server"
    return next((kind for kind in _FRAME if old["name"] == f"server {kind}"), "cpu")
