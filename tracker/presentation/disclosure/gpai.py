"""PURE: the energy and compute part of the Model Documentation Form of the EU's General-Purpose AI Code of Practice (transparency chapter,
July 2025), which follows Annex XI of the AI Act, section 1, 2(d) and (e).

The form defines no boundary for the energy, so three are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.work import singular
from ..words.quantities import count, figure_text, format_duration, listed
from ..words.safe_text import clipped, markdown
from .form import (
    COUNTED,
    ENDS,
    LONGEST,
    Form,
    Missing,
    added_to,
    boundary_of,
    flop_of,
    flop_text,
    how_known,
    is_known,
    mwh_text,
    no_energy,
    no_stage,
    served,
    stage_of,
    stated,
)
from .method import method_text

if TYPE_CHECKING:
    from ...core.contract import CountedFlopJson, DisclosedStageJson, DisclosureJson, HardwareHoursJson

BOUNDARIES = {
    "accelerators": "accelerators alone",
    "node": "nodes (what was measured or modelled of the machines)",
    "site": "site (nodes times PUE)",
}
DAY_S = 86_400.0
MONTH_DAYS = 365.25 / 12
DURATIONS = ((1.0, "less than 1 month"), (3.0, "1 to 3 months"), (6.0, "3 to 6 months"), (float("inf"), "more than 6 months"))
"""The ranges of the form, each up to so many months."""


def gpai(of: DisclosureJson) -> Form:
    """The fields on time, compute and energy, as Markdown."""
    missing: list[Missing] = []
    training = stage_of(of, "training")
    lines = [f"# {_text(of['name'])}: training process, compute and energy", ""]
    if training is None:
        missing.append(no_stage("training"))
    else:
        lines += [*_time(of, training, missing), *_energy(of, training, missing)]
    lines += [*_compute(of, missing), *_inference(of, missing)]
    if missing:
        lines += ["## Missing", "", *(f"- {m.what}: {m.how}" for m in missing), ""]
    lines += [f"Made by {of['software']} on {of['made_at'][:10]}."]
    return Form("\n".join(lines), tuple(missing))


def _text(text: str) -> str:
    return markdown(clipped(text, LONGEST))


def _time(of: DisclosureJson, training: DisclosedStageJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Training time"
    yield ""
    wall = training["wall_clock_s"]
    if wall:
        days = wall / DAY_S
        exact = f"{figure_text(days)} wall-clock days ({format_duration(wall)})"
        when = f"in which at least one of {count(training['runs'], 'training run')} was running"
        if added_to(of, "training"):
            missing.append(Missing("the wall-clock time of what was added by hand", "record its runs"))
            yield f"- Wall-clock time: ≥ {exact}, {when}; that of what was added by hand is not known"
        else:
            yield f"- Wall-clock time: {exact}, {when}"
            yield f"- Duration, in the ranges of the form: {next(words for most, words in DURATIONS if days < most * MONTH_DAYS)}"
    else:
        missing.append(Missing("the wall-clock time of the training", "record its runs; what is added by hand has none"))
        yield "- Wall-clock time: missing"
    if training["hardware_hours"]:
        yield f"- Hardware time: {listed(_hardware_days(of) for of in training['hardware_hours'])}"
    elif training["runs"]:
        yield "- Hardware time: no GPU was recorded"
    else:
        missing.append(Missing("the hardware time of the training", "record its runs, or give gpu_hours with what is added by hand"))
        yield "- Hardware time: missing"
    if training["hardware"]:
        used = listed(f"{each['count']} × {_text(each['model'])}" for each in training["hardware"])
        yield f"- Hardware, at most in one run: {used}"
    yield ""


def _hardware_days(of: HardwareHoursJson) -> str:
    """ "0.125 GPU days of NVIDIA L4 (3.00 GPU hours)", with the range that hours by hand may have."""
    model = "" if of["model"] is None else f" of {_text(of['model'])}"
    span = "" if of["low"] == of["high"] else f"; {figure_text(of['low'] / 24)}–{figure_text(of['high'] / 24)} days"
    return f"{figure_text(of['hours'] / 24)} GPU days{model} ({figure_text(of['hours'], 1e9)} GPU hours{span})"


def _energy(of: DisclosureJson, training: DisclosedStageJson, missing: list[Missing]) -> Iterator[str]:
    if not is_known(boundary_of(training, "node")):
        missing.append(no_energy("training"))
    if not training["pues"]:
        missing.append(Missing("the PUE of the site", "give --pue; without it, the energy of the site is a lower bound"))
    yield "## Energy of training"
    yield ""
    yield "| boundary | energy |"
    yield "| --- | --- |"
    for name, words in BOUNDARIES.items():
        yield f"| {words} | {mwh_text(boundary_of(training, name))} |"
    yield ""
    pue = listed(f"{pue:g}" for pue in training["pues"]) or "not known, taken as 1"
    if not training["runs"]:
        yield f"The energy was not measured; it was added by hand. PUE: {pue}."
    elif is_known(boundary_of(training, "node")):
        yield (
            f"The energy is {how_known(training)}. It has that of all {count(training['runs'], 'training run')}, also of runs that failed"
            f" or did not become the model. PUE: {pue}."
        )
    else:
        yield f"The energy is not known. PUE: {pue}."
    yield ""
    yield f"Method: {markdown(method_text(of, training))}"
    yield ""
    yield f"Emissions of all stages: {markdown(of['method'])}"
    yield ""


def _compute(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Compute of training"
    yield ""
    flop, method = flop_of(of)
    training = stage_of(of, "training")
    counted = None if training is None else training["flop_counted"]
    if flop is None:
        lacking = stated("flop", "the compute of the training in FLOP", "3.8e25")
        missing.append(lacking._replace(how=f"count it with tracker.update(flops=…) in each run, or {lacking.how}"))
        yield "- FLOP: missing" if counted is None else f"- FLOP: at least {flop_text(counted['flop'])}; {_part(counted)}"
    else:
        yield f"- FLOP: {flop_text(flop)}"
    if method is None:
        missing.append(stated("flop_method", "how the compute is known", '"6 × parameters × tokens"'))
        yield "- Method: missing" if flop is not None or counted is None else f"- Method: {markdown(COUNTED)}"
    else:
        yield f"- Method: {markdown(clipped(method, 4 * LONGEST))}"
    if counted is not None and of["stated"]["flop"] is not None:
        yield f"- The file states these; the runs counted {counted['flop']:.1e}{_apart(counted, of['stated']['flop'])}"
    yield ""


def _part(counted: CountedFlopJson) -> str:
    runs = f"{counted['runs']:,} of {count(counted['of_runs'], 'run')} counted all of theirs"
    return runs if not counted["added"] else f"{runs}, and nothing was counted of what was added by hand"


def _apart(counted: CountedFlopJson, flop: float) -> str:
    """How far what was counted lies from what is stated."""
    if not counted["complete"]:
        return f", and {_part(counted)}"
    return f" ({100 * (counted['flop'] / flop - 1):+.3g} %)"


def _inference(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Inference"
    yield ""
    known, benchmark = of["stated"], of["benchmark"]
    if known["inference_flop"] is not None:
        yield f"- FLOP of the benchmark: {flop_text(known['inference_flop'])}"
        for key, what, example in (
            ("inference_task", "the task of the benchmark", '"generating 100,000 tokens"'),
            ("inference_hardware", "the hardware of the benchmark", '"64 NVIDIA A100"'),
        ):
            text = known["inference_task"] if key == "inference_task" else known["inference_hardware"]
            if text is None:
                missing.append(stated(key, what, example))
            yield f"- {what.removeprefix('the ').capitalize()}: {'missing' if text is None else _text(text)}"
    elif benchmark is not None:
        task = known["inference_task"] or f"{benchmark['units']:,} {benchmark['unit']}"
        hardware = known["inference_hardware"] or listed(f"{each['count']} × {each['model']}" for each in benchmark["hardware"])
        yield f"- FLOP of the benchmark: {flop_text(benchmark['flop'])}, {markdown(COUNTED)}"
        yield f"- Task of the benchmark: {_text(task)}"
        yield f"- Hardware of the benchmark: {_text(hardware) if hardware else 'not known'}"
    else:
        missing.append(
            Missing(
                "the compute of inference",
                "count flops and units in each run with --stage inference, or name a benchmark below [inference] in the file, or give"
                " inference_flop, inference_task and inference_hardware below [disclosure]",
            )
        )
        yield "- FLOP of a benchmark: missing"
    found = served(of)
    if not found:
        missing.append(
            Missing(
                "the energy of inference",
                "count units in each run with --stage inference, or name a benchmark below [inference] in the file",
            )
        )
        yield "- Energy of a unit: missing"
    for each in found:
        value, low, high = (figure_text(each.joules[end]) for end in ENDS)
        ranged = "" if low == high else f" ({low}–{high})"
        yield f"- Energy of a {_text(singular(each.unit))}: {value} J{ranged}, {_text(each.source)}"
    yield ""
