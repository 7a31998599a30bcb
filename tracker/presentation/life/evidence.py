"""PURE: what was lost, and what shows it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..words.activity.lines import REASONS
from ..words.quantities import count, format_duration, listed, percent, significant

if TYPE_CHECKING:
    from ...core.contract import AdviceJson, RangeJson

MOST_NAMED = 5


def what(advice: AdviceJson) -> str:
    """What was lost: "gpu1 of run 3f2a was held and idle"."""
    who, were = _who(advice)
    match advice["kind"]:
        case "idle-gpu" | "idle-processors":
            return f"{who} {were} held and idle"
        case "held-host":
            used = f" for {count(advice['busy_gpus'], 'busy GPU')} of {advice['of_gpus']:,}" if advice["busy_gpus"] is not None else ""
            return f"{_hosts(advice)} {were} held{used}"
        case "data-bound-gpu":
            return f"{who} waited for busy processors"
        case "waiting-gpu":
            return f"{who} waited"
        case "heat":
            return f"{who} ran at lower clocks because of heat or the power supply"
        case "group-clocks":
            return f"{who} ran at the lower clocks of another GPU"
        case "checks":
            return (
                f"{listed(advice['names'][:MOST_NAMED])} of {_runs(advice)}"
                if advice["run"]
                else f"Validation and saving of {_runs(advice)}"
            )
        case "after-best":
            return f"The work of {_runs(advice)} after the best {advice['metric']['name'] if advice['metric'] else 'value'}"
        case "hour":
            return f"{_runs(advice, first=True)} did not begin at the best time"
        case "place":
            return f"{_runs(advice, first=True)} did not run in the cleanest zone"
        case "short-life":
            return f"The hardware of {_runs(advice)} is used for {_years(advice['was'] or 0.0)} only"
        case "rare-use":
            return f"The hardware of {_runs(advice)} is used for {percent(advice['was'] or 0.0)} of its life only"
        case _:
            return f"{count(len(advice['names']), 'run')} failed or {'was' if len(advice['names']) == 1 else 'were'} interrupted"


def evidence(advice: AdviceJson) -> str:
    """What shows it."""
    time = f"for {format_duration(advice['seconds'])} of {format_duration(advice['of_seconds'])}"
    ids = listed([run_id[:8] for run_id in advice["runs"][:MOST_NAMED]]) + (", …" if len(advice["runs"]) > MOST_NAMED else "")
    match advice["kind"]:
        case "data-bound-gpu" | "waiting-gpu" if advice["busy"] is not None:
            beside = advice["processors_busy"]
            known = "" if beside is None else f", and the processors {percent(beside)} at the same time"
            were = "It was" if len(advice["names"]) == 1 else "They were, on average,"
            return f"{were} {percent(advice['busy'])} busy {time}{known}."
        case "heat" | "group-clocks":
            reasons = (f"{REASONS.get(reason, reason)} for {format_duration(s)}" for reason, s in advice["reasons"].items())
            by = "its driver" if len(advice["names"]) == 1 else "their drivers"
            most = "up to " if advice["run"] is not None and len(advice["names"]) > 1 else ""
            return f"By {by}: {most}{listed(reasons)}, of {format_duration(advice['of_seconds'])}."
        case "held-host" if advice["run"] is not None:
            unread = (advice["of_gpus"] or 0) - (advice["busy_gpus"] or 0) - len(advice["names"])
            parts = [f"{_named(advice)} {'was' if len(advice['names']) == 1 else 'were'} idle {time}"] if advice["names"] else []
            parts += (
                [f"the job had {count(unread, 'GPU')} more that this run has not read, whose energy is not known"] if unread > 0 else []
            )
            return f"{'; '.join(parts)}."
        case "after-best" if (metric := advice["metric"]) is not None:
            after = count(metric["values_after"], "value")
            return f"{metric['name']} was best at {metric['value']:.6g} ({metric['better']} is better); {after} came after it, {time}."
        case "hour" if advice["was"] is not None and (instead := advice["instead"]) is not None:
            starts = [f"{run_id[:8]} at {start}" for run_id, start in list(advice["starts"].items())[:MOST_NAMED]]
            more = ", …" if len(advice["starts"]) > MOST_NAMED else ""
            return (
                f"At {significant(advice['was'])} g/kWh; the best start within 24 h would have met {significant(instead['value'])}:"
                f" {listed(starts)}{more}."
            )
        case "place" if advice["was"] is not None and (instead := advice["instead"]) is not None:
            return f"At {significant(advice['was'])} g/kWh; {advice['zone']} has {_ranged(instead)}."
        case "short-life" if (instead := advice["instead"]) is not None:
            return f"Servers are usually used for {instead['low']:g} to {_years(instead['high'])}."
        case "rare-use" if (instead := advice["instead"]) is not None:
            return f"GPUs are usually used for {percent(instead['low'])} to {percent(instead['high'])} of their life."
        case "lost-runs":
            return f"{ids}, {time}."
        case _ if advice["run"] is None:
            return f"{ids}, {time} in all."
    each = "Each, on average, " if advice["kind"] == "idle-gpu" and len(advice["names"]) > 1 else ""
    return f"{each}{time}." if each else f"{time.capitalize()}."


def _who(advice: AdviceJson) -> tuple[str, str]:
    """The devices of one run, or those of several, and the verb that fits."""
    if advice["run"] is None:
        what = "The processors" if advice["kind"] == "idle-processors" else "GPUs"
        return f"{what} of {_runs(advice)}", "were"
    if advice["kind"] == "idle-processors":
        return f"The processors of {_runs(advice)}", "were"
    return f"{_named(advice)} of {_runs(advice)}", "was" if len(advice["names"]) == 1 or advice["kind"] == "held-host" else "were"


def _named(advice: AdviceJson) -> str:
    more = len(advice["names"]) - MOST_NAMED
    return listed([*advice["names"][:MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def _hosts(advice: AdviceJson) -> str:
    return f"Hosts of {_runs(advice)}" if advice["run"] is None else f"Host {advice['host']} of {_runs(advice)}"


def _runs(advice: AdviceJson, *, first: bool = False) -> str:
    """The run, or how many there are; `first`: at the beginning of a sentence."""
    one = "Run" if first else "run"
    return f"{one} {advice['runs'][0][:8]}" if len(advice["runs"]) == 1 else count(len(advice["runs"]), "run")


def _years(n: float) -> str:
    return f"{n:g} {'year' if n == 1 else 'years'}"


def _ranged(value: RangeJson) -> str:
    low, high = significant(value["low"]), significant(value["high"])
    return f"{significant(value['value'])} ({low}–{high})" if low != high else significant(value["value"])
