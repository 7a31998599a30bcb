"""PURE: the methods paragraph of footprints: what ran, on what, within which boundary, how its energy is known, and what it came to.

A paragraph is words and citations in order; markup is none of its business. What differs between runs is listed, each with its runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._version import __version__
from ...analysis.footprint_totals import by_status, counted, tally
from ..words.carbon import format_mass
from ..words.quantities import count, format_energy, listed, number, percent, significant
from ..words.safe_text import clipped
from .bibliography import SCI, SOFTWARE, WU
from .factors import beside, factors
from .prose import Fragment, Sentence, alternatives, tallied
from .sums import energy_text, masses

View = Mapping[str, Any]

LABELS = {"gpu": "GPU", "cpu": "CPU", "dram": "DRAM"}
INTERFACE = {"gpu": "NVML", "cpu": "RAPL", "dram": "RAPL"}
"""Through what a kind of device is read, where it is."""
MOST_NOTES = 3
_WAYS = {
    "measured": ("measured-counter", "measured-power"),
    "imputed where readings are missing": ("imputed",),
    "modelled": ("modelled",),
}


def paragraph(footprints: Sequence[View]) -> list[Fragment]:
    """The paragraph, its sentences parted by a space. `footprints` are not empty."""
    parts: list[Fragment] = []
    for write in (_scope, _hardware, _boundary, _measurement, _interval, factors, _results, _per_unit, beside):
        for sentence in write(footprints):
            parts += [*([" "] if parts else []), *sentence]
    return parts


def _scope(footprints: Sequence[View]) -> Iterator[Sentence]:
    """How many runs, when, and by what they were accounted for."""
    all_runs, statuses = tally(footprints), by_status(footprints)
    stages = tallied(footprints, lambda f: f["run"].get("stage"))
    of_stage = f"{next(iter(stages))} " if len(stages) == 1 and None not in stages else ""
    said = ", ".join(f"{t.runs:,} {clipped(status)}" for status, t in statuses.items())
    said += "; by stage: " + ", ".join(f"{n:,} {stage or 'of none'}" for stage, n in stages.items()) if len(stages) > 1 else ""
    time = f"{significant(all_runs.hours)} run hours"
    time += f" and {significant(all_runs.gpu_hours)} GPU hours" if all_runs.gpu_hours else ""
    yield [
        f"The energy use and the greenhouse gas emissions of {count(all_runs.runs, f'{of_stage}run')} ({said}), {time}"
        f"{_between(footprints)}, were accounted for with trainwatt {__version__}", (SOFTWARE,),
        "; the account of operational and embodied emissions follows", (WU,), ".",
    ]  # fmt: skip
    lost = [s for s in ("failed", "interrupted") if s in statuses]
    if lost:
        yield [f"{listed(lost).capitalize()} runs are in all totals."]
    if "running" in statuses:
        yield [f"{count(statuses['running'].runs, 'run')} had not ended; what is counted goes up to the last sign of life."]
    if all_runs.energy_unknown:
        yield [
            f"The energy of {count(all_runs.energy_unknown, 'run')} is not known: it is not in the totals, which are lower bounds for that."
        ]
    if all_runs.at_once:
        yield [f"{all_runs.at_once:,} of the runs read the same devices at the same time: those joules are counted more than once."]
    if all_runs.cut_short:
        yield [f"In {count(all_runs.cut_short, 'run')} a device could not be read to the end, so that the energy is a lower bound."]


def _between(footprints: Sequence[View]) -> str:
    """The days of the first start and the last end."""
    starts = [s[:10] for f in footprints if (s := f["run"].get("started_at"))]
    ends = [s[:10] for f in footprints if (s := f["run"].get("ended_at") or f["run"].get("last_seen_at"))]
    if not starts:
        return ""
    first, last = min(starts), max([*starts, *ends])
    return f" on {first}" if first == last else f" between {first} and {last}"


def _hardware(footprints: Sequence[View]) -> Iterator[Sentence]:
    """Models and counts, for each set of hardware that runs were on."""
    used = tallied((f for f in footprints if counted(f)), _hardware_of)
    if used:
        who = "The run" if len(footprints) == 1 else "Each run" if len(used) == 1 else "Runs"
        yield [f"{who} used {alternatives(used, sum(used.values()))}."]


def _hardware_of(footprint: View) -> str:
    devices = counted(footprint)
    found = []
    gpus = tallied((d for d in devices if d["kind"] == "gpu"), lambda d: d["model"])
    found += [f"{n} × {clipped(model or 'GPU (its model was not recorded)')}" for model, n in gpus.items()]
    cpus = [d for d in devices if d["kind"] == "cpu"]
    if cpus:
        names = list(dict.fromkeys(clipped(d["model"]) for d in cpus if d["model"])) or _processors(footprint)
        packages = "CPUs" if any(d["provenance"]["modelled"] for d in cpus) else count(len(cpus), "CPU package")
        found.append(f"{packages} ({listed(names)})" if names else packages)
    if any(d["kind"] == "dram" for d in devices):
        found.append("DRAM")
    hosts = len({d["host"] for d in devices})
    return f"{listed(found)} {'of one host' if hosts == 1 else f'of {hosts} hosts'}"


def _processors(footprint: View) -> list[str]:
    """The names of processors among the lines of the host, where the devices themselves name none."""
    lines = footprint["carbon"]["embodied_lines"] if footprint["carbon"] else []
    hosts = [line for line in lines if line["part"] == "host" and line["unit"] == "device"]
    return list(dict.fromkeys(clipped(line["name"]) for line in hosts if not line["name"].startswith("server ")))


def _boundary(footprints: Sequence[View]) -> Iterator[Sentence]:
    known = [f for f in footprints if counted(f)]
    kinds = tallied(known, lambda f: listed(label for kind, label in LABELS.items() if any(d["kind"] == kind for d in counted(f))))
    if not kinds:
        return
    within = alternatives(kinds, len(known))
    absent = [label for kind, label in LABELS.items() if kind != "gpu" and not any(d["kind"] == kind for f in known for d in counted(f))]
    outside = [*(f"{label} (not recorded)" for label in absent), *_left_out(footprints)]
    sentence = f"The system boundary is the energy of these components: {within}"
    yield [f"{sentence}; outside it are {listed(outside)}." if outside else f"{sentence}."]


def _left_out(footprints: Sequence[View]) -> list[str]:
    """What the totals do not hold, each with its reason in brackets, and with the number of runs where it is not all."""
    carbons = [f["carbon"] for f in footprints if f["carbon"]]
    texts = tallied((text for c in carbons for text in c["left_out"]), str)
    found = []
    for text, n in texts.items():
        what, _, why = text.partition(": ")
        notes = [*([why] if why else []), *([count(n, "run")] if n < len(carbons) else [])]
        found.append(f"{what} ({'; '.join(notes)})" if notes else what)
    return found


def _measurement(footprints: Sequence[View]) -> Iterator[Sentence]:
    """The shares of the energy by where its joules come from, then for each kind of component."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for device in (d for f in footprints for d in counted(f)):
        for provenance, joules in device["provenance"].items():
            sums[device["kind"]][provenance] += joules
    whole = sum(j for kind in sums.values() for j in kind.values())
    if whole <= 0:
        return
    shares = {word: sum(kind.get(n, 0.0) for kind in sums.values() for n in names) / whole for word, names in _WAYS.items()}
    yield [_provenance({word: share for word, share in shares.items() if share > 0})]
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
        yield [f"{count(len(notes) - MOST_NOTES, 'more model')} of this kind stood in on other hosts or at other limits."]


def _provenance(shares: Mapping[str, float]) -> str:
    """How much of the energy was measured; that none was is said outright."""
    none = "" if "measured" in shares else "None of the energy was measured: "
    if len(shares) == 1:
        return f"{none or 'All of the energy was measured'}{f'all of it was {next(iter(shares))}' if none else ''}."
    said = listed(f"{percent(share)} was {word}" for word, share in shares.items())
    return f"{none or 'Of the energy, '}{said}."


def _sources(kind: str, joules: Mapping[str, float]) -> str:
    """How the energy of a kind is known, most of it first, with shares where there are several ways."""
    words = {
        "measured-counter": f"energy counters read through {INTERFACE.get(kind, 'its sensor')}",
        "measured-power": f"power read through {INTERFACE.get(kind, 'its sensor')}, integrated over time",
        "imputed": "imputed",
        "modelled": "modelled",
    }
    whole = sum(joules.values()) or 1.0
    ways = sorted(((j, words[p]) for p, j in joules.items() if j > 0), key=lambda way: -way[0])
    return "; ".join(f"{percent(j / whole)} {way}" if len(ways) > 1 else way for j, way in ways) or "nothing"


def _interval(footprints: Sequence[View]) -> Iterator[Sentence]:
    """What the range of an energy means."""
    devices = [d for f in footprints for d in counted(f)]
    level = next((f["energy"]["interval_level"] for f in footprints), 0.95)
    measured = {p for d in devices for p, joules in d["provenance"].items() if joules > 0}
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
            f"Ranges of {of} are {number(100 * level)} % intervals for what these components drew; they contain the scale error of the"
            f" sensors{scale}, what gaps and counter resets may hide, and how late a reading may be."
        ]
    if "measured-counter" in measured:
        yield ["Energy from a counter is the difference of two readings, and does not depend on the rate of sampling."]
    if "modelled" in measured:
        yield ["The range of modelled energy spans the coefficients of the model; it is a judged bound and no statistical interval."]
    if len(footprints) > 1:
        yield ["Low and high values of the runs are added up, which is conservative."]


def _results(footprints: Sequence[View]) -> Iterator[Sentence]:
    whole = tally(footprints)
    if whole.energy is None:
        return
    text = f"In total {'the run' if whole.runs == 1 else 'the runs'} used {_prose(energy_text(whole, whole))}"
    if whole.total is None:
        yield [f"{text} of electricity."]
        return
    operational, embodied, total = (_prose(mass) for mass in masses(whole))
    parts = f"{operational} operational" + (f" and {embodied} embodied" if whole.embodied else ", embodied emissions not known")
    yield [f"{text} of electricity and emitted {_co2e(total)}: {parts}."]
    yield ["Ranges of emissions combine the low values of all factors, and the high ones; they are bounds and no confidence intervals."]


def _prose(quantity: str) -> str:
    return quantity.replace("≥", "at least")


def _co2e(mass: str) -> str:
    """ "7.10 kg CO2e (6.50–8.20)"."""
    value, bracket, span = mass.partition(" (")
    return f"{value} CO2e{bracket}{span}"


def _per_unit(footprints: Sequence[View]) -> Iterator[Sentence]:
    """Per unit of work, where every run whose grams are known counted the same; energy and grams of all are in it."""
    known = [f for f in footprints if f["carbon"] is not None]
    ended = [f for f in known if f["work"] or f["run"]["status"] not in ("failed", "interrupted")]  # those may have come to none
    units = [{u for u in ("samples", "tokens") if f["work"].get(u)} for f in ended]
    common = set.intersection(*units) if units else set()
    unit = next((u for u in ("samples", "tokens") if u in common), None)
    whole = tally(known)
    if unit is None or whole.energy is None or whole.total is None:
        return
    amount = sum(f["work"].get(unit, 0) for f in known)
    each = whole.total.times(1 / amount)
    energy = format_energy(whole.energy.central / amount)
    least = "at least " if tally(footprints).grams_are_least else ""
    sentence = f"Per {unit[:-1]}, over {amount:,} {unit}, this is {least}{energy} and {_co2e(format_mass(*each))}"
    if whole.embodied_unknown:
        yield [f"{sentence}, {'some of it ' if whole.embodied else ''}without embodied emissions."]
    else:
        yield [f"{sentence}: a Software Carbon Intensity", (SCI,), ", but for the utilisation in its embodied part."]
