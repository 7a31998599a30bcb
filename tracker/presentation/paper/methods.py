"""PURE: the methods paragraph of footprints: the runs, their hardware, the boundary, how the energy is known, and the results.

A paragraph is a list of words and citations, without markup. If a value differs between runs, each value is listed with its number of runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..._version import __version__
from ...analysis.footprint_totals import Tally, by_status, counted, tally
from ...analysis.view import work_partial
from ...core.run import Status
from ..words.carbon import format_co2e
from ..words.quantities import count, format_energy, listed, number, percent, significant
from ..words.safe_text import clipped
from .beside import beside
from .bibliography import SCI, SOFTWARE, WU
from .factors import factors
from .grid import on_basis
from .left_out import left_out, origins
from .prose import Fragment, Sentence, alternatives, tallied
from .sums import counted_twice, energy_figure, mass_figures

if TYPE_CHECKING:
    from ...core.contract import DeviceJson, FootprintJson

LABELS = {"gpu": "GPU", "cpu": "CPU", "dram": "DRAM", "platform": "machine"}
INTERFACE = {"gpu": "NVML", "cpu": "RAPL", "dram": "RAPL"}
"""The interface through which a kind of device is measured."""
MOST_NOTES = 3
WORK_UNITS = {"samples": "sample", "tokens": "token"}
"""Units of work that are reported, preferred first, each with its singular."""
_WAYS = {
    "measured": ("measured-counter", "measured-power"),
    "imputed where readings are missing": ("imputed",),
    "modelled": ("modelled",),
}


def paragraph(footprints: Sequence[FootprintJson]) -> list[Fragment]:
    """The paragraph, its sentences separated by a space. `footprints` must not be empty."""
    parts: list[Fragment] = []
    for write in (_scope, origins, _hardware, _boundary, _measurement, _interval, factors, _results, _per_unit, beside):
        for sentence in write(footprints):
            parts += [*([" "] if parts else []), *sentence]
    return parts


_NOT_WHOLE = [status.value for status in Status if status not in (Status.COMPLETED, Status.RUNNING)]


def _scope(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """How many runs, when, and which software quantified them."""
    all_runs, statuses = tally(footprints), by_status(footprints)
    time = f"{significant(all_runs.hours)} run hours"
    time += f" and {significant(all_runs.gpu_hours)} GPU hours" if all_runs.gpu_hours else ""
    yield [
        f"The energy use and greenhouse gas emissions of {_runs(footprints, statuses)}, {time}{_between(footprints)}, were quantified with"
        f" trainwatt {__version__}", (SOFTWARE,), "; operational and embodied emissions are defined as in", (WU,), ".",
    ]  # fmt: skip
    lost = [s for s in _NOT_WHOLE if s in statuses]
    if lost and all_runs.runs > 1:
        yield [f"All totals include the {listed(lost)} runs."]
    if "running" in statuses:
        yield [f"{count(statuses['running'].runs, 'run')} had not ended at the time of writing and is counted up to the latest record."]
    if all_runs.energy_unknown:
        yield [
            f"The energy of {count(all_runs.energy_unknown, 'run')} is not known and is missing from the totals, which are lower bounds for"
            " this reason."
        ]
    if all_runs.at_once:
        yield [f"{all_runs.at_once:,} of the runs measured the same devices at the same time: {counted_twice(all_runs)}"]
    if all_runs.cut_short:
        yield [f"In {count(all_runs.cut_short, 'run')}, a device could not be read to the end, so the energy is a lower bound."]
    if all_runs.unmeasured:
        runs = count(all_runs.unmeasured, "run")
        yield [f"In {runs}, {_never_read(footprints)} could not be read at all, so the energy is a lower bound without them."]


def _never_read(footprints: Sequence[FootprintJson]) -> str:
    """The devices that exist and are missing from the totals: "2 × NVIDIA H100"."""
    models = tallied((d for f in footprints for d in f["energy"]["unmeasured"]), lambda d: d["model"] or LABELS.get(d["kind"], d["kind"]))
    return listed(f"{n} × {clipped(model)}" for model, n in models.items())


def _runs(footprints: Sequence[FootprintJson], statuses: Mapping[str, Tally]) -> str:
    """ "1 interrupted training run"; "5 training runs (4 completed, 1 failed; by stage: ...)" where they differ."""
    stages = tallied(footprints, lambda f: f["run"].get("stage"))
    of_stage = f"{next(iter(stages))} " if len(stages) == 1 and None not in stages else ""
    if len(footprints) == 1:
        [status] = statuses
        return f"1 {'' if status == 'completed' else f'{clipped(status)} '}{of_stage}run"
    said = ", ".join(f"{t.runs:,} {clipped(status)}" for status, t in statuses.items())
    said += "; by stage: " + ", ".join(f"{n:,} {stage or 'of no stage'}" for stage, n in stages.items()) if len(stages) > 1 else ""
    return f"{count(len(footprints), f'{of_stage}run')} ({said})"


def _between(footprints: Sequence[FootprintJson]) -> str:
    """The days of the first start and the last end."""
    starts = [s[:10] for f in footprints if (s := f["run"].get("started_at"))]
    ends = [s[:10] for f in footprints if (s := f["run"].get("ended_at") or f["run"].get("last_seen_at"))]
    if not starts:
        return ""
    first, last = min(starts), max([*starts, *ends])
    return f" on {first}" if first == last else f" between {first} and {last}"


def _hardware(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """Models and counts, for each set of hardware that runs were on."""
    used = tallied((f for f in footprints if counted(f)), _hardware_of)
    if used:
        who = "The run" if len(footprints) == 1 else "Each run" if len(used) == 1 else "Runs"
        yield [f"{who} used {alternatives(used, sum(used.values()))}."]


def _hardware_of(footprint: FootprintJson) -> str:
    devices = counted(footprint)
    found = []
    gpus = tallied((d for d in devices if d["kind"] == "gpu"), lambda d: d["model"])
    found += [_so_many(n, clipped(model or "GPU (its model was not recorded)")) for model, n in gpus.items()]
    cpus = [d for d in devices if d["kind"] == "cpu"]
    if cpus:
        names = list(dict.fromkeys(clipped(d["model"]) for d in cpus if d["model"])) or _processors(footprint)
        packages = "CPUs" if any(d["provenance"]["modelled"] for d in cpus) else count(len(cpus), "CPU package")
        found.append(f"{packages} ({listed(names)})" if names else packages)
    if any(d["kind"] == "dram" for d in devices):
        found.append("DRAM")
    if any(d["kind"] == "platform" for d in devices):
        found.append("a machine as a whole")
    hosts = len({d["host"] for d in devices})
    return f"{listed(found)} {'of one host' if hosts == 1 else f'of {hosts} hosts'}"


def _so_many(n: int, model: str) -> str:
    """ "2 × NVIDIA H100"; a model that says how many there are stands alone, as in "8 × A100"."""
    return model if n == 1 and " × " in model else f"{n} × {model}"


def _processors(footprint: FootprintJson) -> list[str]:
    """The names of processors among the lines of the host, if the devices themselves name none."""
    lines = footprint["carbon"]["embodied_lines"] if footprint["carbon"] else []
    hosts = [line for line in lines if line["part"] == "host" and line["component"] == "cpu"]
    return list(dict.fromkeys(clipped(line["name"]) for line in hosts))


def _boundary(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    known = [f for f in footprints if counted(f)]
    kinds = tallied(known, lambda f: listed(label for kind, label in LABELS.items() if any(d["kind"] == kind for d in counted(f))))
    if not kinds:
        return
    within = alternatives(kinds, len(known))
    seen = {d["kind"] for f in known for d in counted(f)}
    absent = [] if "platform" in seen else [label for kind, label in LABELS.items() if kind in ("cpu", "dram") and kind not in seen]
    outside = [*(f"{label} (not recorded)" for label in absent), *left_out(footprints)]
    sentence = f"The system boundary comprises the energy of these components: {within}."
    yield [f"{sentence} Outside the boundary are {listed(outside)}." if outside else sentence]


def _measurement(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """The shares of measured, imputed and modelled energy, then the same for each kind of component."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for device in (d for f in footprints for d in counted(f)):
        for provenance, joules in _joules(device).items():
            sums[device["kind"]][provenance] += joules
    whole = sum(j for kind in sums.values() for j in kind.values())
    if whole <= 0:
        return
    unread = any(f["energy"]["unmeasured"] for f in footprints)
    shares = {word: sum(kind.get(n, 0.0) for kind in sums.values() for n in names) / whole for word, names in _WAYS.items()}
    yield [
        _provenance(
            {word: share for word, share in shares.items() if share > 0}, "energy of the devices that were read" if unread else "energy"
        )
    ]
    by_kind = [
        f"{LABELS.get(k, k)} {percent(sum(sums[k].values()) / whole)} ({_sources(k, sums[k])})" for k in (*LABELS, *sums) if k in sums
    ]
    yield [f"By component: {', '.join(dict.fromkeys(by_kind))}."]
    notes = dict.fromkeys(
        f"{LABELS.get(d['kind'], d['kind'])} power was {clipped(d['note'], 200)}"
        for f in footprints
        for d in counted(f)
        if d["provenance"]["modelled"] and d.get("note")
    )
    for note in list(notes)[:MOST_NOTES]:
        yield [f"{note}."]
    if len(notes) > MOST_NOTES:
        yield [f"{count(len(notes) - MOST_NOTES, 'further model')} of this kind were used on other hosts or at other power limits."]


def _joules(device: DeviceJson) -> Mapping[str, float]:
    """Joules by where they come from."""
    return cast("Mapping[str, float]", device["provenance"])


def _provenance(shares: Mapping[str, float], energy: str) -> str:
    """How much of the energy was measured, even if none was."""
    none = "" if "measured" in shares else f"None of the {energy} was measured: "
    if len(shares) == 1:
        return f"{none or f'All of the {energy} was measured'}{f'all of it was {next(iter(shares))}' if none else ''}."
    said = listed(f"{percent(share)} was {word}" for word, share in shares.items())
    return f"{none or f'Of the {energy}, '}{said}."


def _sources(kind: str, joules: Mapping[str, float]) -> str:
    """How the energy of a kind is known, the largest share first; shares are given if there are several ways."""
    words = {
        "measured-counter": f"energy counters read through {INTERFACE.get(kind, 'its sensor')}",
        "measured-power": f"power read through {INTERFACE.get(kind, 'its sensor')}, integrated over time",
        "imputed": "imputed",
        "modelled": "modelled",
    }
    whole = sum(joules.values()) or 1.0
    ways = sorted(((j, words[p]) for p, j in joules.items() if j > 0), key=lambda way: -way[0])
    return "; ".join(f"{percent(j / whole)} {way}" if len(ways) > 1 else way for j, way in ways) or "nothing"


def _interval(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """The meaning of an energy's range."""
    devices = [d for f in footprints for d in counted(f)]
    level = next((f["energy"]["interval_level"] for f in footprints), 0.95)
    measured = {p for d in devices for p, joules in _joules(d).items() if joules > 0}
    if not measured:
        return
    gains = dict.fromkeys(
        f"±{number(100 * d['gain'])} % for {LABELS[d['kind']]}"
        for d in devices
        if d.get("gain") and d["kind"] in LABELS and d["provenance"]["measured-counter"] + d["provenance"]["measured-power"] > 0
    )
    if measured - {"modelled"}:
        of = "measured energy" if "modelled" in measured else "energy"
        scale = f" (taken as {listed(gains)})" if gains else ""
        yield [
            f"Ranges of {of} are {number(100 * level)} % intervals for the consumption of these components; they include the scale error of"
            f" the sensors{scale}, the energy that gaps and counter resets may hide, and the delay of readings."
        ]
    if "measured-counter" in measured:
        yield ["Energy from a counter is the difference between two readings and does not depend on the sampling rate."]
    if "modelled" in measured:
        yield ["The range of modelled energy spans the coefficients of the model; it is a judged bound, not a statistical interval."]
    if len(footprints) > 1:
        yield ["Lower and upper values are summed over the runs, which is conservative."]


def _results(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    whole = tally(footprints)
    if whole.energy is None:
        return
    text = f"In total, {'the run' if whole.runs == 1 else 'the runs'} used {energy_figure(whole, whole).prose()}"
    if whole.total is None:
        yield [f"{text} of electricity."]
        return
    operational, embodied, total = mass_figures(whole)
    parts = f"{operational.prose()} operational"
    parts += f" and {embodied.prose()} embodied" if whole.embodied else "; embodied emissions are not known"
    yield [f"{text} of electricity and emitted {total.prose('CO2e')}{on_basis(footprints)}: {parts}."]
    yield [
        "Ranges of emissions combine the lower values of all factors and the upper values of all factors; they are bounds, not confidence"
        " intervals."
    ]


def _per_unit(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """Per unit of work, if every run with known grams counted the same unit, in all ranks of its job. It includes the energy and grams of
    all these runs."""
    known = [f for f in footprints if f["carbon"] is not None]
    ended = [f for f in known if f["work"] or f["run"]["status"] not in _NOT_WHOLE]  # those may have ended before any work
    units = [{u for u in WORK_UNITS if f["work"].get(u)} for f in ended]
    common = set.intersection(*units) if units else set()
    unit = next((u for u in WORK_UNITS if u in common), None)
    whole = tally(known)
    if unit is None or whole.energy is None or whole.total is None or any(work_partial(f["run"]) for f in known):
        return
    amount = sum(f["work"].get(unit, 0) for f in known)
    each = whole.total.times(1 / amount)
    energy = format_energy(whole.energy.central / amount)
    least = "at least " if tally(footprints).grams_are_least else ""
    one = WORK_UNITS[unit]
    sentence = f"Per {one}, over {count(amount, one)}, this is {least}{energy} and {least}{format_co2e(*each)}"
    if whole.embodied_unknown:
        yield [f"{sentence}, {'some of it ' if whole.embodied else ''}without embodied emissions."]
    else:
        yield [f"{sentence}: a Software Carbon Intensity", (SCI,), ", except that its embodied part is divided by the utilisation."]
