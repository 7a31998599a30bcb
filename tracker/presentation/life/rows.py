"""PURE: the table of a life as cells of text, and the sentences below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ...core.work import singular
from ..words.masses import format_mass, mass_parts
from ..words.quantities import LEAST, at_least, count, figure_text, format_duration, format_energy, format_range, range_parts, significant
from ..words.safe_text import clipped

if TYPE_CHECKING:
    from ...core.contract import BreakEvenJson, EmbodiedShareJson, LifeFiguresJson, LifeJson, PlannedJson, RangeJson

FATES = {"used": "completed", "unused": "not the model", "failed": "failed", "interrupted": "interrupted", "running": "running"}
HEAD = ("stage", "energy", "operational", "embodied", "total CO2e", "share")

LONGEST = 200
"""Characters of a source that is shown."""


BY_STAGE = "These runs by stage"
"""The title of a life that is a part of a report on its runs."""


class Cell(NamedTuple):
    """A figure and its range, which is empty if it has none."""

    value: str
    bounds: str = ""


class Row(NamedTuple):
    """A line of the table. `depth` is 0 for a stage and for a sum, 1 for a part of a stage. `about` says how many runs and how long."""

    name: str
    about: str
    depth: int
    energy: Cell
    operational: Cell
    embodied: Cell
    total: Cell
    share: Cell

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The figures."""
        return self[3:]


def rows(life: LifeJson) -> Iterator[Row]:
    """The lines: each stage with its parts, what is planned, and the sums."""
    for stage in life["stages"]:
        yield _row(stage["stage"] or "no stage", 0, stage, stage["share"])
        fates = {line["fate"] for line in stage["lines"]}
        if fates - {"used"} or stage["added"]:
            for line in stage["lines"]:
                yield _row(FATES[line["fate"]], 1, line, None)
            for added in stage["added"]:
                yield _row(f"{clipped(added['name'])} *", 1, added, None)
    yield _row("so far", 0, life["so_far"], None)
    if (planned := life["planned"]) is not None:
        yield _row("planned inference", 0, planned, planned["share"])
        yield _row("whole life", 0, life["whole"], None)._replace(about="")  # its hours are mostly planned, and not those of its runs


def _row(name: str, depth: int, of: LifeFiguresJson, share: RangeJson | None) -> Row:
    operational_least = of["operational_lower_bound"] and not _used_nothing(of)
    return Row(
        name,
        runs_text(of),
        depth,
        Cell("–") if not of["energy_high_j"] else _energy(of),
        _mass(of["operational_g"], of["operational_low_g"], of["operational_high_g"], operational_least),
        _mass(of["embodied_g"], of["embodied_low_g"], of["embodied_high_g"], of["embodied_lower_bound"]),
        _total(of),
        Cell("") if share is None else Cell(as_percent(share["value"]), as_percents(share)),
    )


def _used_nothing(of: LifeFiguresJson) -> bool:
    """Whether it is certain that no energy counts here: each device counts once, and another run has what this one read."""
    return not of["energy_high_j"] and not of["energy_lower_bound"]


def _total(of: LifeFiguresJson) -> Cell:
    least = (of["operational_lower_bound"] and not _used_nothing(of)) or of["embodied_lower_bound"]
    return _mass(of["total_g"], of["total_low_g"], of["total_high_g"], least)


def total_text(of: LifeFiguresJson) -> str:
    """ "≥ 1.84 kg (1.20–2.50)", "not known", or "–" for nothing."""
    value, bounds = _total(of)
    return f"{value} ({bounds})" if bounds else value


def runs_text(of: LifeFiguresJson) -> str:
    """ "2 runs, 1 h 00 min"; the hours of GPUs where nothing else is known of the time, as of estimates. Empty without runs."""
    if not of["runs"]:
        return ""
    time = f"{significant(of['gpu_hours'])} GPU hours" if not of["hours"] and of["gpu_hours"] else format_duration(3600 * of["hours"])
    return f"{count(of['runs'], 'run')}, {time}"


def _energy(of: LifeFiguresJson) -> Cell:
    value, bounds = range_parts(of["energy_j"], of["energy_low_j"], of["energy_high_j"])
    return Cell(at_least(value, of["energy_lower_bound"]), "" if of["energy_low_j"] == of["energy_high_j"] else bounds)


def _mass(grams: float, low_g: float, high_g: float, least: bool) -> Cell:
    if not high_g:
        return Cell("not known" if least else "–")
    value, bounds = mass_parts(grams, low_g, high_g)
    return Cell(at_least(value, least), bounds)


LEAST_SHARE = 1e-4


def as_percent(share: float) -> str:
    """ "38 %", "1.24 %", "<0.01 %"."""
    if 0 < share < LEAST_SHARE:
        return f"<{100 * LEAST_SHARE:g} %"
    return f"{significant(100 * share)} %" if share < 0.1 else f"{100 * share:.0f} %"


def as_percents(share: RangeJson) -> str:
    """ "12–70"; empty for a share without a range."""
    low, high = (as_percent(share[end]).removesuffix(" %") for end in ("low", "high"))
    return "" if low == high else f"{low}–{high}"


# ---- below the table


def title(life: LifeJson) -> str:
    """The headline."""
    return f"{clipped(life['name'])}: {so_far_text(life)}"


def so_far_text(life: LifeJson) -> str:
    """ "1.84 kg (1.20–2.50) CO2e so far, 3.2 kWh (3.1–3.3)"."""
    so_far = life["so_far"]
    grams = format_mass(so_far["total_g"], so_far["total_low_g"], so_far["total_high_g"])
    least = so_far["operational_lower_bound"] or so_far["embodied_lower_bound"]
    joules = _ranged_j({"value": so_far["energy_j"], "low": so_far["energy_low_j"], "high": so_far["energy_high_j"]})
    energy = "" if not so_far["energy_high_j"] else f", {at_least(joules, so_far['energy_lower_bound'])}"
    return f"{at_least(grams, least)} CO2e so far{energy}"


def notes(life: LifeJson) -> Iterator[str]:
    """What the figures mean, a sentence or two each."""
    if planned := life["planned"]:
        yield from _of_inference(planned, life["before"], life["break_even"])
    whole = life["whole"]
    if share := life["embodied_share"]:
        yield from _of_share(share, whole["operational_lower_bound"] or whole["embodied_lower_bound"])
    if (lost := life["lost"])["runs"]:
        grams = format_mass(lost["total_g"], lost["total_low_g"], lost["total_high_g"])
        least = lost["operational_lower_bound"] or lost["embodied_lower_bound"]
        what = f"{at_least(grams, least)} CO2e, {at_least(format_energy(lost['energy_j']), lost['energy_lower_bound'])}"
        yield f"{count(lost['runs'], 'run')} failed, stopped early or did not become the model: {what}."
    if life["final"]:
        yield f"The model is the result of {'run' if len(life['final']) == 1 else 'runs'} {', '.join(id_[:8] for id_ in life['final'])}."
    elif any(stage["stage"] == "training" and stage["runs"] > 1 for stage in life["stages"]):
        yield "Nothing says which training became the model: give it the tag final=yes, or name it in the file (model.final)."
    if any(stage["stage"] is None for stage in life["stages"]):
        yield "Some runs have no stage: give --stage when they run, or select them in the file."
    for added in (added for stage in life["stages"] for added in stage["added"]):
        yield f"* {clipped(added['name'])}: not measured here, from {clipped(added['source'], LONGEST)}."
    if life["runs_at_once"]:
        yield f"{count(life['runs_at_once'], 'run')} read a device at the same time as another: each device counts once at any time."
    for runs, word in ((life["runs_estimated"], "estimated"), (life["runs_imported"], "imported")):
        if runs:
            yield f"{count(runs, 'run')} {'is' if runs == 1 else 'are'} {word}, not recorded by trainwatt."
    if any(cell.value.startswith("≥") for row in rows(life) for cell in row.cells):
        yield "≥: a part of it is not known, such as the overhead of the site (--pue) or the making of the hardware."


def _of_inference(planned: PlannedJson, before: LifeFiguresJson, even: BreakEvenJson | None) -> Iterator[str]:
    unit, units = clipped(planned["unit"]), planned["units"]
    one, least = singular(unit), planned["operational_lower_bound"] or planned["embodied_lower_bound"]
    joules = at_least(_ranged_j(planned["j_per_unit"]), planned["energy_lower_bound"])
    source = clipped(planned["source"], LONGEST)
    yield f"One {one} takes {joules} and emits {at_least(_ranged_g(planned['g_per_unit']), least)} CO2e ({source})."
    least = least or before["operational_lower_bound"] or before["embodied_lower_bound"]
    yield (
        f"With all that came before, shared by the {big(units['value'])} {unit} of {big(planned['days'])} days, one {one} emits"
        f" {at_least(_ranged_g(planned['g_per_unit_with_past']), least)}."
    )
    if even is not None:
        for what, of, days in (
            ("emitted as many grams", even["grams_units"], even["grams_days"]),
            ("used as much energy", even["energy_units"], even["energy_days"]),
        ):
            if of is None or days is None:
                yield f"It is not known when inference has {what} as all that came before, because one {one} may take none."
            else:
                after = f"{_bigs(of)} {unit}, or {_bigs(days)} days of the plan"
                yield f"Inference has {what} as all that came before after {after}."


def _of_share(of: EmbodiedShareJson, least: bool) -> Iterator[str]:
    """Where the life stands, and where making the hardware is half of its grams. `least`: a part of the grams is not known."""
    even = of["even_g_per_kwh"]
    half = "" if even is None else f" At {_between(even)} it is half of them, and on a cleaner grid more."
    yield f"{'Of what is known, making' if least else 'Making'} the hardware is {now_text(of)}.{half}"


def now_text(of: EmbodiedShareJson) -> str:
    """ "38 % (12–70) of all grams at 44.2 g/kWh"."""
    share, bounds = of["now"], as_percents(of["now"])
    ranged = as_percent(share["value"]) + (f" ({bounds})" if bounds else "")
    return f"{ranged} of all grams at {big(of['now_g_per_kwh']['value'])} g/kWh"


def _between(of: RangeJson) -> str:
    low, high = big(of["low"]), big(of["high"])
    return f"{big(of['value'])} g/kWh" + ("" if low == high else f" ({low}–{high})")


def _ranged_j(of: RangeJson) -> str:
    return format_energy(of["value"]) if of["low"] == of["high"] else format_range(of["value"], of["low"], of["high"])


def _ranged_g(of: RangeJson) -> str:
    return format_mass(of["value"], of["low"], of["high"])


def _bigs(of: RangeJson) -> str:
    low, high = big(of["low"]), big(of["high"])
    return big(of["value"]) + ("" if low == high else f" ({low}–{high})")


MOST_BIG = 1e15


def big(value: float) -> str:
    """ "12,300", "1.23 million", "4.56 billion", "1.23e17"."""
    if value >= MOST_BIG or 0 < value < LEAST:
        return figure_text(value)
    for size, word in ((1e9, " billion"), (1e6, " million")):
        if value >= size:
            return f"{significant(value / size)}{word}"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 or value == round(value) else significant(value)
