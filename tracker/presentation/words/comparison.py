"""PURE: how runs compare, in words: differences, ratios, verdicts, gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...analysis.comparing.compared import Compared, Figure
from ...analysis.comparing.gates import Judged
from ...core.units import J_PER_KWH, J_PER_WH
from ...energy.difference import Change
from .carbon import ranges_text
from .comparison_facts import apart_text, note_text, unjudged_text
from .quantities import format_duration, significant
from .runs import title_of

SCALES: dict[str, tuple[tuple[float, float, str], ...]] = {
    "J": (
        *((1e6 * J_PER_KWH, 1e6 * J_PER_KWH, "GWh"), (1e3 * J_PER_KWH, 1e3 * J_PER_KWH, "MWh"), (0.1 * J_PER_KWH, J_PER_KWH, "kWh")),
        *((J_PER_WH, J_PER_WH, "Wh"), (0.1, 1.0, "J"), (1e-4, 1e-3, "mJ")),
        *((1e-7, 1e-6, "µJ"), (1e-10, 1e-9, "nJ"), (0.0, 1e-12, "pJ")),
    ),
    "W": ((0.0, 1.0, "W"),),
    "s": ((7200.0, 3600.0, "h"), (300.0, 60.0, "min"), (0.0, 1.0, "s")),
    "g": (
        *((1e9, 1e9, "kt"), (1e6, 1e6, "t"), (1e3, 1e3, "kg")),
        *((0.1, 1.0, "g"), (1e-4, 1e-3, "mg"), (1e-7, 1e-6, "µg"), (0.0, 1e-9, "ng")),
    ),
}
"""Units by kind: (the smallest value that is written in it, its size, its symbol). The same as in `quantities` and `words.carbon`."""
TIMES = 3.0
"""A ratio of this or more is written as "3.20 times", not as a percentage."""


Writer = Callable[..., str]


def writer(figures: Sequence[Figure]) -> Writer:
    """Writes the numbers of a block in one unit: the one that suits the largest of them."""
    unit = next((f.unit for f in figures), "J")
    if unit == "s" and all(f.low == f.high for f in figures):
        return lambda seconds, symbol=True: format_duration(seconds)
    most = max((f.value for f in figures if f.value is not None), default=0.0)
    _, size, name = next(scale for scale in SCALES[unit] if most >= scale[0])

    def write(value: float, symbol: bool = True) -> str:
        return f"{significant(value / size)} {name}" if symbol else significant(value / size)

    return write


def signed(value: float, low: float | None, high: float | None, write: Callable[[float], str], unit: str = "") -> str:
    """A difference with its range, every number with its sign: "−0.392 Wh (−0.656 to −0.128)", "+0.71 Wh (−0.10 to +1.50)".

    A range above 0 needs no signs: "+0.710 Wh (0.602–0.818)". An end that is None is not known. `write` writes a number without its sign.
    """
    return f"{_sign(value)}{write(abs(value))}{unit} ({_ends(low, high, write)})"


def _ends(low: float | None, high: float | None, write: Callable[[float], str]) -> str:
    if low is None and high is None:
        return "unknown"
    if low is None or high is None:
        known = low if high is None else high
        return f"{'≥' if high is None else '≤'} {_with_sign(known or 0.0, write)}"
    return f"{write(low)}–{write(high)}" if low > 0 else f"{_with_sign(low, write)} to {_with_sign(high, write)}"


def _with_sign(value: float, write: Callable[[float], str]) -> str:
    return f"{_sign(value)}{write(abs(value))}"


def _sign(value: float) -> str:
    return "−" if value < 0 else "+" if value > 0 else "±"


def difference(change: Change, write: Writer) -> str:
    """The difference to the baseline: "+0.710 Wh (0.602–0.818)". See `signed`."""
    if change.low == change.high == change.difference:
        return f"{_sign(change.difference)}{write(abs(change.difference))}"
    with_unit, number = write(abs(change.difference)), write(abs(change.difference), False)
    return signed(change.difference, change.low, change.high, lambda v: write(v, False), with_unit.removeprefix(number))


def percent(change: Change) -> str:
    """The ratio to the baseline: "+12 % (9–15)", "−12 % (−15 to −9)", "3.20 × (3.10–3.40)" from three times on, "" if there is no ratio."""
    if change.ratio is None:
        return ""
    if change.ratio >= TIMES:
        text = f"{significant(change.ratio)} ×"
        return text if _is_exact(change) else f"{text} ({_times(change)})"
    low, high = (None if r is None else r - 1 for r in (change.ratio_low, change.ratio_high))
    return percentage(change.ratio - 1, low, high)


def _is_exact(change: Change) -> bool:
    return change.ratio_low == change.ratio_high == change.ratio


def percentage(share: float, low: float | None, high: float | None) -> str:
    """A share in percent with its range. The range is left out if its ends read like the share itself."""
    write = _percentages([end for end in (share, low, high) if end is not None])
    if low == high == share == 0:
        return "±0 %"
    told = {None if end is None else _with_sign(end, write) for end in (share, low, high)}
    return f"{_with_sign(share, write)} %" if len(told) == 1 else signed(share, low, high, write, " %")


def _times(change: Change) -> str:
    low, high = (None if r is None else significant(r) for r in (change.ratio_low, change.ratio_high))
    return f"{low}–{high}" if high is not None else f"≥ {low}"


def _percentages(shares: Sequence[float]) -> Callable[[float], str]:
    """Writes shares in percent, with enough decimals to tell the given ones from each other and from 0."""
    ends = [100 * share for share in shares]
    width = max(ends) - min(ends)
    width = width if width >= 0.01 else 0.0  # such a narrow range needs no more digits than the share itself
    nearest = min((abs(e) for e in ends if e), default=1.0)
    decimals = next((d for d, least in ((0, 2.0), (1, 0.2), (2, 0.02)) if (width or nearest) >= least and nearest >= least / 4), 3)
    return lambda share: f"{100 * share:.{decimals}f}"


def name_of(side: Compared) -> str:
    """What a side is called: its group, or the title of its run."""
    return title_of(side.view) if side.name is None else side.name


def mean_headline(side: Compared) -> str:
    """The mean energy of the runs of a group, with its range."""
    figure = next(f for f in side.figures if f.name == "energy")
    if figure.value is None or figure.low is None or figure.high is None:
        return "not all of its runs have energy"
    write = writer([figure])
    least = "≥ " if any(view["energy"]["lower_bound"] for view in side.views) else ""
    return f"{least}{write(figure.value)} a run ({write(figure.low, False)}–{write(figure.high, False)})"


def mean_text(figure: Figure) -> str:
    """A figure in its unit, without its range."""
    return "no value" if figure.value is None else writer([figure])(figure.value)


def verdict(run: Compared, base: Compared) -> str:
    """How a run compares with the baseline: its energy, and the energy per unit of work if the amounts of work differ."""
    if [view["run"]["id"] for view in run.views] == [view["run"]["id"] for view in base.views]:
        return f"{run.label} is the same run as {base.label}: no difference"
    figures = {f.name: f for f in run.figures}
    several = len(run.views) + len(base.views) > 2
    said = [_energy_verdict(figures["energy"], base.figures[0], run.label, base.label, several)]
    for name, figure in figures.items():
        before = next((f for f in base.figures if f.name == name), None)
        if name.startswith("energy_per_") and figure.change and before and before.amount != figure.amount:
            said.append(f"per {name.removeprefix('energy_per_')}: {_short(figure.change)}")
    return "; ".join(said)


def _energy_verdict(figure: Figure, before: Figure, label: str, base: str, several: bool) -> str:
    change = figure.change
    if change is None:
        without = [name for name, f in ((base, before), (label, figure)) if f.value is None]
        return f"{base} and {label} cannot be compared: no energy was recorded in {' and '.join(without)}"
    if change.direction == 0:
        error = "the error and the differences between runs" if several else "the error"
        least = error if change.bounded else "what is known (a device was lost)"
        return f"no difference beyond {least} between {base} and {label}: {_by(change)}"
    if change.ratio is not None and change.ratio >= TIMES:
        return f"{label} used {significant(change.ratio)} times ({_times(change)}) the energy of {base}"
    return f"{label} used {_short(change)} energy than {base}"


def _short(change: Change) -> str:
    """ "12 % (9–15) more", "12 % (9–15) less": the word says the sign."""
    if change.direction == 0:
        return f"no difference beyond the error, {_by(change)}"
    if change.ratio is not None and change.ratio >= TIMES:
        return f"{significant(change.ratio)} times ({_times(change)}) as much"
    return f"{_by(change).removeprefix('+')} more" if change.direction > 0 else f"{_by(_turned(change)).removeprefix('+')} less"


def _turned(change: Change) -> Change:
    """The same distance in the other direction: what is 12 % less becomes 12 % more."""
    ratio, low, high = (None if r is None else 2 - r for r in (change.ratio, change.ratio_high, change.ratio_low))
    low_j, high_j = (None if end is None else -end for end in (change.high, change.low))
    return Change(-change.difference, low_j, high_j, ratio, low, high)


def _by(change: Change) -> str:
    """The ratio. If there is none, because the baseline is 0, the difference in joules."""
    return percent(change) or difference(change, lambda joules, symbol=True: f"{significant(joules)}{' J' if symbol else ''}")


def says(judged: Judged) -> str:
    """The result of a gate for a side: "gate energy +5%: crossed by B: +12 % (9–15); beyond the error"."""
    gate = f"gate {' '.join(judged.gate.text.split())}"
    if judged.missing or judged.figure is None or judged.figure.change is None:
        return f"{gate}: cannot be judged for {judged.label}: {unjudged_text(judged)}"
    change = judged.figure.change
    by = difference(change, writer([judged.figure])) if judged.gate.share is None or change.ratio is None else percent(change)
    alone = "; one run each, so differences between runs are not known" if judged.one_run_each else ""
    if not judged.crossed:
        return f"{gate}: held by {judged.label}: {by}{'; the error reaches beyond the limit' if judged.within_error else ''}{alone}"
    return f"{gate}: crossed by {judged.label}: {by}; {'beyond the error' if judged.beyond_error else 'within the error'}{alone}"


def notes(runs: Sequence[Compared]) -> list[str]:
    """The notes that limit the comparison, each with the runs that it is about: "B, C: …", and what the ranges of the grams mean."""
    of: dict[str, list[str]] = {}
    for run in runs:
        for note in (*map(note_text, run.notes), *(text for f in run.figures if (text := apart_text(f)))):
            of.setdefault(note, []).append(run.label)
    said = [f"{', '.join(labels)}: {note}" for note, labels in of.items()]
    carbons = [view["carbon"] for run in runs for view in run.views if view["carbon"] is not None]
    return [*said, *(f"CO2e: {text}" for text in dict.fromkeys(ranges_text(carbon["ranges"]) for carbon in carbons))]
