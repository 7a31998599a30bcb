"""PURE: the energy and compute part of the Model Documentation Form of the EU's General-Purpose AI Code of Practice (transparency chapter,
July 2025), which follows Annex XI of the AI Act, section 1, 2(d) and (e).

The form defines no boundary for the energy, so three are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...core.work import singular
from ..words.quantities import count, format_duration, listed, significant
from ..words.safe_text import markdown
from .form import Form, Missing, boundary_of, how_known, mwh_text, no_stage, stage_of, stated

if TYPE_CHECKING:
    from ...core.contract import DisclosedStageJson, DisclosureJson

BOUNDARIES = {
    "accelerators": "accelerators alone",
    "node": "nodes (what was measured or modelled of the machines)",
    "site": "site (nodes times PUE)",
}
DAY_S = 86_400.0


def gpai(of: DisclosureJson) -> Form:
    """The fields on time, compute and energy, as Markdown."""
    missing: list[Missing] = []
    training = stage_of(of, "training")
    lines = [f"# {markdown(of['name'])}: training process, compute and energy", ""]
    if training is None:
        missing.append(no_stage("training"))
    else:
        lines += [*_time(training, missing), *_energy(of, training)]
    lines += [*_compute(of, missing), *_inference(of, missing)]
    if missing:
        lines += ["## Missing", "", *(f"- {m.what}: {m.how}" for m in missing), ""]
    lines += [f"Made by {of['software']} on {of['made_at'][:10]}."]
    return Form("\n".join(lines), tuple(missing))


def _time(training: DisclosedStageJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Training time"
    yield ""
    wall, hours = training["wall_clock_s"], training["device_hours"]
    if wall:
        days = f"{significant(wall / DAY_S)} days ({format_duration(wall)})"
        yield f"- Wall-clock time: {days}, in which at least one of {count(training['runs'], 'training run')} was running"
    else:
        missing.append(Missing("the wall-clock time of the training", "record its runs; what is added by hand has none"))
        yield "- Wall-clock time: missing"
    if training["runs"] or hours:
        yield f"- Hardware time: {significant(hours / 24)} GPU days ({significant(hours)} GPU hours)"
    else:
        missing.append(Missing("the hardware time of the training", "record its runs, or give gpu_hours with what is added by hand"))
        yield "- Hardware time: missing"
    if training["hardware"]:
        used = listed(f"{each['count']} × {markdown(each['model'])}" for each in training["hardware"])
        yield f"- Hardware, at most in one run: {used}"
    yield ""


def _energy(of: DisclosureJson, training: DisclosedStageJson) -> Iterator[str]:
    yield "## Energy of training"
    yield ""
    yield "| boundary | energy |"
    yield "| --- | --- |"
    for name, words in BOUNDARIES.items():
        yield f"| {words} | {mwh_text(boundary_of(training, name))} |"
    yield ""
    pue = listed(f"{pue:g}" for pue in training["pues"]) or "not known, taken as 1"
    if training["runs"]:
        yield (
            f"The energy is {how_known(training)}. It has that of all {count(training['runs'], 'training run')}, also of runs that failed"
            f" or did not become the model. PUE: {pue}."
        )
    else:
        yield f"The energy was not measured; it was added by hand. PUE: {pue}."
    yield ""
    yield f"Method: {markdown(of['method'])}"
    yield ""


def _compute(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Compute of training"
    yield ""
    flop, method = of["stated"]["flop"], of["stated"]["flop_method"]
    if flop is None:
        missing.append(stated("flop", "the compute of the training in FLOP", "3.8e25"))
        yield "- FLOP: missing"
    else:
        shown = f"{flop:.1e}"
        yield f"- FLOP: {shown} (order of magnitude: 10^{int(shown.partition('e')[2])})"
    if method is None:
        missing.append(stated("flop_method", "how the compute is known", '"6 × parameters × tokens"'))
        yield "- Method: missing"
    else:
        yield f"- Method: {markdown(method)}"
    yield ""


def _inference(of: DisclosureJson, missing: list[Missing]) -> Iterator[str]:
    yield "## Inference"
    yield ""
    planned = of["life"]["planned"]
    if planned is None:
        missing.append(
            Missing("the compute of inference", "measure a benchmark with --stage inference, and name it below [inference] in the file")
        )
        yield "- Energy of a unit: missing"
    else:
        each = planned["j_per_unit"]
        unit = markdown(singular(planned["unit"]))
        value, low, high = (significant(each[key]) for key in ("value", "low", "high"))
        yield f"- Energy of a {unit}: {value} J{'' if low == high else f' ({low}–{high})'}, {markdown(planned['source'])}"
    yield ""
