"""Reads a `life.toml`. Every error names the place in the file, the value, the reason and the mend."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..carbon.accounting import Estimate
from ..carbon.estimating import Plan
from ..core.units import J_PER_WH
from ..core.work import wrong_with
from ..errors import ConfigurationError
from .plan import Added, Inference, Life, Selection, Stated
from .table import TERMS, TomlTable

_HARDWARE = ("device", "watts", "load", "gpu_kg", "host_kg", "gpus_per_host")
_AMOUNTS = ("energy_kwh", "gpu_hours", "operational_kg", "embodied_kg")
_OF_LIFE = ("model", "select", "add", "inference", "disclosure")
_OF_MODEL = ("name", "project", "final")
_OF_SELECTION = ("stage", "runs", "project", "group", "recorded_stage", "tags")
_OF_ADDED = ("stage", "name", "source", "from", "to", *_AMOUNTS, *_HARDWARE, *TERMS)
_OF_INFERENCE = ("unit", "per_day", "days", "j_per_unit", "wh_per_unit", "embodied_g_per_unit", "source", "runs", *TERMS)
TRAINING_TYPES = ("pre-training", "fine-tuning")
"""Those that a model card of Hugging Face has."""
INFRASTRUCTURES = ("publicCloud", "privateCloud", "onPremise", "other")
"""Those of BoAmps."""
ENERGY_SOURCES = ("coal", "oil", "natural-gas", "nuclear", "wind", "solar", "geothermal", "hydropower", "biofuel", "other")
"""Those of CycloneDX."""


USUAL = Path("life.toml")
"""The file that is read without being named."""


def file_of(file: Path | None, project: str | None) -> Path | None:
    """The file that describes the life; None if the runs of a project are it."""
    return USUAL if file is None and project is None and USUAL.is_file() else file


def life_named(file: Path | None, project: str | None) -> Life:
    """The life that a file describes, or that the runs of a project are. Raises ConfigurationError."""
    file = file_of(file, project)
    if file is not None and project is not None:
        raise ConfigurationError(f"{file} and --project {project}: each says which runs these are; put project = {project!r} below [model]")
    if file is not None:
        life = read_life(file)
        if not (life.has_runs or life.added or life.inference):
            raise ConfigurationError(
                f"{file}: nothing belongs to this life; name a project below [model], or give [[select]] or [[add]] (see docs/life.md)"
            )
        return life
    if project is None:
        raise ConfigurationError("no model is named: give --project, or a file such as life.toml (docs/life.md has an example)")
    return life_of_project(project)


def life_of_project(project: str) -> Life:
    """The life that the runs of a project are."""
    return Life(name=project, project=project, final=(), selections=(), added=(), inference=None)


def read_life(path: Path) -> Life:
    """The life that a file describes. Raises ConfigurationError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows begin a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; name a TOML file in UTF-8") from None
    except (ValueError, RecursionError) as error:  # also a number of too many digits, and tables of too many levels
        raise ConfigurationError(f"{path} is no TOML: {error}; see docs/life.md for an example") from None
    return life_of(found, str(path))


def life_of(found: Mapping[str, Any], place: str) -> Life:
    """The life that a parsed file describes; `place` is the file. Raises ConfigurationError."""
    whole = TomlTable(found, place, "", _OF_LIFE)
    model = TomlTable(whole.table("model"), place, "model", _OF_MODEL)
    added = tuple(_added(table) for table in whole.tables("add", _OF_ADDED))
    _require_apart(added)
    project = model.text("project")
    return Life(
        name=model.text("name") or project or Path(place).stem,
        project=project,
        final=model.texts("final"),
        selections=tuple(_selection(table) for table in whole.tables("select", _OF_SELECTION)),
        added=added,
        inference=_inference(TomlTable(whole.table("inference"), place, "inference", _OF_INFERENCE)) if "inference" in found else None,
        stated=_stated(TomlTable(whole.table("disclosure"), place, "disclosure", Stated._fields)),
    )


def _stated(table: TomlTable) -> Stated:
    released = table.day("released")
    return Stated(
        provider=table.text("provider"),
        location=table.text("location"),
        training_type=_one_of(table, "training_type", TRAINING_TYPES),
        flop=table.number("flop", above=0.0, most=1e40),
        flop_method=table.text("flop_method"),
        parameters=table.number("parameters", above=0.0),
        training_tokens=table.number("training_tokens", above=0.0, most=1e18),
        license=table.text("license"),
        released=None if released is None else released.isoformat(),
        download=table.text("download"),
        version=table.text("version"),
        task_family=table.text("task_family"),
        data_type=table.text("data_type"),
        infrastructure=_one_of(table, "infrastructure", INFRASTRUCTURES),
        energy_source=_one_of(table, "energy_source", ENERGY_SOURCES),
        inference_flop=table.number("inference_flop", above=0.0, most=1e40),
        inference_task=table.text("inference_task"),
        inference_hardware=table.text("inference_hardware"),
        supplier=table.text("supplier"),
    )


def _one_of(table: TomlTable, key: str, known: Sequence[str]) -> str | None:
    found = table.text(key)
    if found is not None and found not in known:
        raise table.wrong(
            key, found, "there is no such " + ("type" if key != "energy_source" else "source"), f"give one of {', '.join(known)}"
        )
    return found


def _selection(table: TomlTable) -> Selection:
    runs, tags = table.texts("runs"), table.tags()
    project, group, recorded = table.text("project"), table.text("group"), table.text("recorded_stage")
    if not runs and not tags and project is group is recorded is None:
        raise table.wrong(
            "stage", table.value("stage"), "nothing says which runs these are", "give runs, project, group, recorded_stage or tags"
        )
    if runs and (tags or project or group or recorded):
        raise table.wrong("runs", list(runs), "named runs need no filter", "make two tables of them")
    return Selection(table.where, table.stage(), runs, project, group, recorded, tags)


def _added(table: TomlTable) -> Added:
    begin, end = table.day("from"), table.day("to")
    if begin is not None and end is not None and end < begin:
        raise table.wrong("to", end, f"it is before from = {begin}", "give the last day of the time")
    energy, gpu_hours = table.amount("energy_kwh"), table.amount("gpu_hours")
    operational, embodied = table.amount("operational_kg"), table.amount("embodied_kg")
    if energy is gpu_hours is operational is embodied is None:
        raise table.wrong("name", table.value("name"), "it adds nothing", f"give one of {', '.join(_AMOUNTS)}")
    of_energy = next((name for name in ("energy_kwh", "watts", "load") if table.value(name) is not None), None)
    if operational is not None and of_energy is not None:
        raise table.wrong("operational_kg", operational.central, f"{of_energy} gives these grams too", f"leave it out, or {of_energy}")
    if operational is not None and gpu_hours is not None:
        energy = Estimate.exact(0.0)  # the hours are for the hardware: nobody says of which energy these grams are
    if embodied is not None and gpu_hours is not None:
        raise table.wrong(
            "embodied_kg", embodied.central, "the hours give these grams too", "leave it out, or give energy_kwh without gpu_hours"
        )
    return Added(
        where=table.where,
        stage=table.stage(),
        name=table.required("name"),
        source=table.required("source"),
        energy_kwh=energy,
        gpu_hours=gpu_hours,
        plan=_plan(table, gpu_hours, energy),
        operational_kg=operational,
        embodied_kg=embodied,
        terms=table.terms(),
        begin=begin,
        end=end,
    )


def _plan(table: TomlTable, gpu_hours: Estimate | None, energy: Estimate | None) -> Plan | None:
    """Device time; None without any."""
    given = [name for name in _HARDWARE if table.value(name) is not None]
    if gpu_hours is None:
        if given:
            raise table.wrong(
                given[0], table.value(given[0]), "it belongs to gpu_hours, which are missing", "give gpu_hours, or leave it out"
            )
        return None
    device, watts, load = table.text("device"), table.number("watts"), table.number("load", most=1.0)
    if energy is None and watts is None and load is None:
        raise table.wrong(
            "gpu_hours", gpu_hours.central, "time alone is no energy", "give watts, load (1 for busy devices) or energy_kwh too"
        )
    if sum(value is not None for value in (energy, watts, load)) > 1:
        raise table.wrong(
            "watts" if watts is not None else "load",
            watts if watts is not None else load,
            "energy_kwh, watts and load each give the energy",
            "give one of them",
        )
    if load is not None and device is None:
        raise table.wrong("load", load, "it is a share of the device's rated power", "name the device, or give watts")
    return Plan(
        device=device,
        count=None,
        hours=None,
        gpu_hours=gpu_hours.central,
        watts=watts,
        load=load,
        energy_kwh=None if energy is None else energy.central,
        embodied_kg=table.number("gpu_kg"),
        host_kg=table.number("host_kg"),
        devices_per_host=table.number("gpus_per_host", above=0.0),
        units=None,
        unit=None,
    )


def _inference(table: TomlTable) -> Inference:
    runs, source = table.texts("runs"), table.text("source")
    joules, wh = table.amount("j_per_unit"), table.amount("wh_per_unit")
    if joules is not None and wh is not None:
        raise table.wrong("wh_per_unit", wh.central, "j_per_unit says the same", "leave out one of them")
    key, each = ("j_per_unit", joules) if wh is None else ("wh_per_unit", wh)
    if not runs and each is None:
        raise table.wrong(
            "unit",
            table.value("unit"),
            "nothing says what a unit takes",
            "give j_per_unit or wh_per_unit with its source, or runs that counted it",
        )
    if runs and each is not None:
        raise table.wrong(key, each.central, "the runs give it too", "leave out one of them")
    if each is not None and source is None:
        raise table.wrong(key, each.central, "it needs a source", 'say where it is from: source = "…"')
    per_day = table.amount("per_day")
    if per_day is None or per_day.low <= 0:
        raise table.wrong("per_day", table.value("per_day"), "there is no inference without units", "give the units a day, above 0")
    days = table.number("days", above=0.0)
    if days is None:
        raise table.wrong("days", None, "the length of the plan is missing", "give the days of inference, such as 365")
    unit = table.required("unit")
    if runs and (why := wrong_with(unit)) is not None:
        raise table.wrong("unit", unit, why, "give the name of a unit that the runs counted")
    joules = joules if wh is None else wh.times(J_PER_WH)
    return Inference(unit, per_day, days, joules, table.amount("embodied_g_per_unit"), source, runs, table.terms())


def _require_apart(added: tuple[Added, ...]) -> None:
    """Raises ConfigurationError if two entries of one name and stage are of the same time."""
    alike: dict[tuple[str, str], list[Added]] = defaultdict(list)
    for one in added:
        alike[one.stage, one.name].append(one)
    for entries in alike.values():
        entries.sort(key=lambda entry: entry.begin or date.min)  # where no time is known, all of them meet
        for one, other in pairwise(entries):
            if _meet(one, other):
                raise ConfigurationError(
                    f"{other.where}.name = {other.name!r}: {one.where} has the same name in stage {one.stage}, and nothing says that their"
                    " times differ, so it may count twice; give both from and to, or another name"
                )


def _meet(one: Added, other: Added) -> bool:
    if one.begin is None or one.end is None or other.begin is None or other.end is None:
        return True
    return one.begin <= other.end and other.begin <= one.end
