"""The configuration of a run. Only this file reads arguments, environment variables and settings files.

An argument overrides an environment variable (`TRAINWATT_` and the name in capitals). That overrides the nearest `trainwatt.toml`, or
`[tool.trainwatt]` of the nearest `pyproject.toml`, of the project. `settings/` finds that file, and decides what in it is followed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, SupportsIndex, TypedDict

from .core.choices import Basis, Precision, basis_named, precision_named
from .core.plain import text
from .core.run import Stage
from .errors import ConfigurationError
from .log import warn
from .settings import values
from .settings.budget import Budget, Measure, OnBudget
from .settings.search import search
from .settings.values import parse_gpus as parse_gpus
from .texts import error_text, repr_of, storable
from .unwarned import unwarned

PREFIX = "TRAINWATT_"
JOIN_RUN, JOIN_DB = "TRAINWATT_RUN_ID", "TRAINWATT_RUN_DB"
"""`trainwatt run` sets these for the trackers inside its command. They are not settings."""
TOKEN = "TRAINWATT_TOKEN"
"""The token of the pages of `trainwatt serve`. It is not a setting of a run."""
MACHINE, PROCESS = "machine", "process"
USED_GPUS = ("used",)
"""The `gpus` that count are the visible ones on which a process of the run is seen."""
PATHS = ("db", "hardware", "sensors", "sysfs", "procfs")  # names of files, which may be any bytes and are not decoded as text
RANGES = {
    **{"period_s": (0.01, 60.0, " seconds"), "baseline_s": (0.0, 3600.0, " seconds"), "offset_gpu_w": (0.0, 100.0, " W")},
    **dict.fromkeys(("gain_gpu", "gain_cpu", "gain_dram"), (0.0, 1.0, "")),
    **{"intensity_g_per_kwh": (0.0, 2000.0, " g/kWh"), "pue": (1.0, 10.0, ""), "price_per_kwh": (-100.0, 1000.0, " a kWh")},
}
"""The numbers that can be set: lowest, highest, unit."""
_WORDS: Mapping[str, tuple[Callable[[str], Any], Iterable[str], str]] = {
    "basis": (basis_named, Basis, "what grams of electricity can count"),
    "flops_precision": (precision_named, Precision, "the precision of numbers"),
}
"""The words that can be set: what finds one, all of them, and what they are."""


_OWN_FORM: Mapping[str, Callable[[Any, str], Any]] = {
    **{"gpus": values.gpus, "sensors": values.providers, "tags": values.tags},
    **{"sinks": values.sinks, "budget": values.budget, "on_budget": values.on_budget, "epochs": values.epochs},
}


class Settings(TypedDict, total=False):
    """The settings of a run as a program gives them: the arguments of `EnergyTracker`, which explains them.

    None counts as not given. A value is what it looks like: the lists of Hydra, the numbers of NumPy and PyTorch, paths and enums are taken
    too. `Config` has the same settings checked, and with the defaults.
    """

    project: str | None
    name: str | None
    group: str | None
    stage: str | None
    zone: str | None
    basis: str | None
    intensity_g_per_kwh: float | None
    pue: float | None
    hardware: str | os.PathLike[str] | None
    tags: Mapping[Any, Any] | Iterable[str] | None
    db: str | os.PathLike[str] | None
    resume: str | None
    budget: str | None
    on_budget: str | None
    price_per_kwh: float | None
    epochs: int | None
    gpus: Iterable[SupportsIndex | str] | str | None
    scope: str | None
    period_s: float | None
    baseline: float | None
    gain_gpu: float | None
    gain_cpu: float | None
    gain_dram: float | None
    offset_gpu_w: float | None
    flops_precision: str | None
    sensors: Iterable[str | os.PathLike[str]] | str | None
    sinks: Iterable[str] | str | None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set, checked. `EnergyTracker` explains the settings.

    `period_s` is None for as many readings as each sensor needs. `baseline_s` is the setting `baseline`. The default gain errors are
    from the literature, rounded. The offset is what NVIDIA states for its boards, ±5 W. `sysfs`, `procfs`: where the kernel's trees are
    mounted, for a container that has those of the host.
    """

    project: str = "default"
    name: str | None = None
    group: str | None = None
    stage: str = "training"
    zone: str | None = None
    basis: str | None = None
    intensity_g_per_kwh: float | None = None
    pue: float | None = None
    hardware: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    db: str | None = None
    resume: str | None = None
    budget: Budget | None = None
    on_budget: OnBudget = OnBudget.WARN
    price_per_kwh: float | None = None
    epochs: int | None = None
    gpus: tuple[int | str, ...] | None = None
    scope: str = MACHINE
    period_s: float | None = None
    baseline_s: float = 0.0
    gain_gpu: float = 0.05
    gain_cpu: float = 0.03
    gain_dram: float = 0.10
    offset_gpu_w: float = 5.0
    flops_precision: str | None = None
    sensors: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    sysfs: str = "/sys"
    procfs: str = "/proc"

    @property
    def named_gpus(self) -> tuple[int | str, ...] | None:
        """The GPUs that the settings name; None for all visible ones."""
        return None if self.gpus == USED_GPUS else self.gpus

    @property
    def gains(self) -> dict[str, float]:
        """The gain error by device kind."""
        return {"gpu": self.gain_gpu, "cpu": self.gain_cpu, "dram": self.gain_dram, "platform": self.gain_cpu}

    @property
    def offsets_w(self) -> dict[str, float]:
        """The constant error by device kind, in watts."""
        return {"gpu": self.offset_gpu_w}


def arguments(settings: Mapping[str, object]) -> dict[str, object]:
    """`Settings` by the names that `Config` has. Raises ConfigurationError for a name that is not a setting."""
    for name in settings:
        if name not in Settings.__annotations__:
            raise _unknown(name, "the arguments", Settings.__annotations__)
    return {"baseline_s" if name == "baseline" else name: value for name, value in settings.items()}


def resolve(arguments: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Config:
    """The configuration of a run. An argument that is None counts as not given.

    Raises ConfigurationError for a name that is not a setting, for a value that is not allowed, and for a file of this user that cannot be
    read. Settings of a file that are not followed are named in the log.
    """
    names = {f.name for f in fields(Config)}
    found: dict[str, Any] = {}
    for source, given in (*_of_file(folder, environ), ("the environment", _from_environ(environ, names)), ("the arguments", arguments)):
        for key, value in given.items():
            if value is None:
                continue
            if key not in names:
                raise _unknown(key, source, names)
            try:
                found[key] = _checked(key, value, source)
            except ConfigurationError:
                raise
            except Exception as error:  # the type of an argument is the user's
                why = f"cannot be read ({error_text(error)}): give plain text, numbers, and lists or mappings of these"
                raise ConfigurationError(f"{key}={repr_of(value)} in {source} {why}") from error
    config = Config(**found)
    if config.budget is not None and config.budget.measure is Measure.MONEY and not (config.price_per_kwh or 0.0) > 0:
        price = "the price of a kWh is not known" if config.price_per_kwh is None else f"a kWh costs {config.price_per_kwh:g}"
        raise ConfigurationError(f"budget={config.budget.text!r}: {price}, so it is never used; set price_per_kwh, for example to 0.30")
    return config


def _unknown(key: str, source: str, names: Iterable[str]) -> ConfigurationError:
    known = ", ".join(sorted(names))
    return ConfigurationError(f"{key!r} in {source} is not a setting of trainwatt{_meant(key, names)}; the settings are: {known}")


def working_folder() -> Path:
    """The working directory; the root where it has been deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def _of_file(folder: Path, environ: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    """The settings of the project's file, as (its name, settings). Empty if there is none. What is not followed is said."""
    found = search(folder)
    if found.not_followed and not (environ.get(JOIN_RUN) and os.path.isfile(environ.get(JOIN_DB, ""))):  # else the run around it said it
        from .settings.wording import one_line  # seldom needed

        for refused in found.not_followed:
            _say_once(one_line(refused))
    return [] if found.file is None else [(str(found.file), found.values)]


@lru_cache(maxsize=64)
def _say_once(text: str) -> None:
    """Log a warning, once in a process: a program may make a tracker for each trial of a search."""
    warn("%s", text)


def _from_environ(environ: Mapping[str, str], names: set[str]) -> dict[str, Any]:
    known = {PREFIX + name.upper(): name for name in names}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in (*known, JOIN_RUN, JOIN_DB, TOKEN):
            warn("%s is set, but there is no such setting%s", variable, _meant(variable, known))
    return {name: text if name in PATHS else storable(text) for variable, name in known.items() if (text := environ.get(variable))}


def _meant(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # loaded only after a typing mistake

    return "".join(f" (did you mean {near}?)" for near in get_close_matches(name, known, 1))


def _checked(key: str, value: Any, source: str) -> Any:
    if key in RANGES or key in _WORDS:
        return (_number if key in RANGES else _word)(key, value, source)
    if (checked := _OWN_FORM.get(key)) is not None:
        return checked(value, source)
    if key == "stage" and text(value) not in tuple(Stage):
        raise ConfigurationError(
            f"stage={value!r} in {source} is not a stage of a model's life: choose one of {', '.join(Stage)}"
            " (parts of one run are phases: tracker.phase('train'))"
        )
    if key == "scope" and text(value) not in (MACHINE, PROCESS):
        raise ConfigurationError(
            f"scope={value!r} in {source} is none: give 'machine', or 'process' for the share that is attributed to the run's processes"
        )
    if key in ("db", "hardware"):
        try:
            return text(value) if isinstance(value, Enum) else os.fsdecode(value)
        except TypeError:
            raise ConfigurationError(f"{key}={value!r} in {source}: give a path, as text or a Path") from None
    return text(value)


def _word(key: str, value: Any, source: str) -> str:
    find, known, what = _WORDS[key]
    if (found := find(text(value))) is None:
        raise ConfigurationError(f"{key}={value!r} in {source} is not {what}: give {' or '.join(known)}")
    return str(found.value)


def _number(key: str, value: Any, source: str) -> float:
    try:
        number = unwarned(float, value.value if isinstance(value, Enum) else value)
    except Exception:  # the type is the user's
        number = math.nan
    low, high, unit = RANGES[key]
    if not low <= number <= high:
        raise ConfigurationError(f"{key}={value!r} in {source} is out of range: give a number from {low:g} to {high:g}{unit}")
    return number
