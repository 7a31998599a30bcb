"""PURE: the methods paragraph of footprints: the runs, their hardware, the boundary, how the energy is known, and the results.

A paragraph is a list of words and citations, without markup. If a value differs between runs, each value is listed with its number of runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..._version import __version__
from ...analysis.footprint_totals import Tally, by_status, counted, tally
from ..words.quantities import count, format_energy, listed, number, percent, significant
from ..words.safe_text import clipped
from .beside import beside
from .bibliography import SOFTWARE, WU
from .factors import factors
from .left_out import left_out, origins
from .prose import Fragment, Sentence, alternatives, tallied
from .results import NOT_WHOLE, per_unit, results
from .sums import counted_twice

if TYPE_CHECKING:
    from ...core.contract import DeviceJson, FootprintJson

LABELS = {"gpu": "GPU", "cpu": "CPU", "dram": "DRAM", "platform": "machine"}
INTERFACE = {"gpu": "NVML", "cpu": "RAPL", "dram": "RAPL"}
"""The interface through which a kind of device is measured."""
MOST_NOTES = 3
_WAYS = {
    "measured": ("measured-counter", "measured-power"),
    "imputed where readings are missing": ("imputed",),
    "modelled": ("modelled",),
}


def paragraph(footprints: Sequence[FootprintJson]) -> list[Fragment]:
    """The paragraph, its sentences separated by a space. `footprints` must not be empty."""
    parts: list[Fragment] = []
    for write in (_scope, origins, _hardware, _boundary, _measurement, _attribution, _interval, factors, results, per_unit, beside):
        for sentence in write(footprints):
            parts += [*([" "] if parts else []), *sentence]
    return parts


def _scope(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """How many runs, when, and which software quantified them."""
    all_runs, statuses = tally(footprints), by_status(footprints)
    time = f"{significant(all_runs.hours)} run hours"
    time += f" and {significant(all_runs.gpu_hours)} GPU hours" if all_runs.gpu_hours else ""
    yield [
        f"The energy use and greenhouse gas emissions of {runs_text(footprints, statuses)}, {time}{_between(footprints)}, were quantified"
        f" with trainwatt {__version__}", (SOFTWARE,), "; operational and embodied emissions are defined as in", (WU,), ".",
    ]  # fmt: skip
    lost = [s for s in NOT_WHOLE if s in statuses]
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


def runs_text(footprints: Sequence[FootprintJson], statuses: Mapping[str, Tally]) -> str:
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


def _by_kind(footprints: Sequence[FootprintJson]) -> Mapping[str, Mapping[str, float]]:
    """Joules by where they come from, for each kind of device."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for device in (d for f in footprints for d in counted(f)):
        for provenance, joules in _joules(device).items():
            sums[device["kind"]][provenance] += joules
    return sums


def shares_by_way(footprints: Sequence[FootprintJson]) -> dict[str, float]:
    """The shares of measured, imputed and modelled energy that are not zero; none if no energy is known."""
    sums = _by_kind(footprints)
    whole = sum(j for kind in sums.values() for j in kind.values())
    shares = {word: sum(kind.get(n, 0.0) for kind in sums.values() for n in names) / (whole or 1.0) for word, names in _WAYS.items()}
    return {word: share for word, share in shares.items() if share > 0}


def _measurement(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """The shares of measured, imputed and modelled energy, then the same for each kind of component."""
    sums = _by_kind(footprints)
    whole = sum(j for kind in sums.values() for j in kind.values())
    if whole <= 0:
        return
    unread = any(f["energy"]["unmeasured"] for f in footprints)
    yield [_provenance(shares_by_way(footprints), "energy of the devices that were read" if unread else "energy")]
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


def _attribution(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """That an energy is a share of what the devices used, and how it was divided."""
    found = [of for f in footprints if (of := f["energy"]["attribution"]) is not None]
    if found:
        who = "The run" if len(footprints) == 1 else "Each run" if len(found) == len(footprints) else f"{count(len(found), 'run')} of these"
        whole_j = sum(of["machine_j"] for of in found)
        yield [
            f"{who} shared its devices with others, and modelled energy includes what was attributed to its processes: a share of the"
            f" {format_energy(whole_j)} that the devices used as a whole. Energy above idle was divided by use (CPU time, and computing"
            " time on GPUs), and of idle energy the processes got the part that they used of all there was; the range spans an unknown"
            " idle power and unequal power for equal use."
        ]


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
        yield [
            "The devices of all runs are combined into one range of energy: errors of one sensor add linearly, and those of different"
            " sensors as the root of the sum of squares, except for the part that sensors of a class have in common."
        ]
