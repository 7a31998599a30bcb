"""PURE: what the devices of a run did, one line for each device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ....core.activity import Throttle
from ....core.run import Origin
from ....energy.shares.policy import CGROUP
from ..quantities import listed, percent, significant, watts_text
from ..runs import device_names, device_titles

if TYPE_CHECKING:
    from ....core.contract import ActivityJson, ProcessorsJson, ShowJson, WatchJson

GIB = 2**30
MOST_NAMED = 4
"""More GPUs than these are not named one by one."""
REASONS: Mapping[str, str] = {
    Throttle.CLOCK_SETTING: "a setting of the clocks",
    Throttle.POWER_CAP: "the power limit",
    Throttle.HARDWARE: "the hardware",
    Throttle.SYNC_BOOST: "the clocks of its group",
    Throttle.HEAT: "heat",
    Throttle.HARDWARE_HEAT: "too much heat",
    Throttle.POWER_BRAKE: "the power supply",
}
NARROW = 0.02
"""The bounds of a narrower interval have a decimal."""
LEAST_SHARE = 0.005
"""A reason that holds for less than this share of the time is not named."""


def activity_lines(view: ShowJson) -> list[str]:
    """A line for each GPU, for the processors of each host, and for what is not known. Empty for a run that was not tracked."""
    if view["run"]["origin"] != Origin.TRACKED:
        return []
    devices = view["energy"]["devices"]
    gpus = [(title, d["activity"]) for title, d in zip(device_titles(devices), devices, strict=True) if _is_whole_gpu(d)]
    lines = [f"{name}: {gpu_text(activity)}" for name, activity in gpus if activity is not None]
    several = len({p["host"] for p in view["processors"]}) > 1
    lines += [processors_text(p) + (f", on {p['host']}" if several else "") for p in view["processors"]]
    lacking = [f"what {listed(name for name, activity in gpus if activity is None)} did"] if any(a is None for _, a in gpus) else []
    lacking += [] if view["processors"] or not devices else ["how busy the processors were"]
    lines += [f"not recorded: {listed(lacking)}"] if lacking else []
    return lines


def meaning(view: ShowJson) -> str:
    """What "busy" means of the GPUs and the processors that `activity_lines` names; empty if it names none."""
    processors = bool(view["processors"])
    if any(d["activity"] for d in view["energy"]["devices"]):
        of_gpus = "busy: the share of the time in which the GPU ran a kernel, sampled about once a second"
        return f"{of_gpus}; of processors, the counted CPU time" if processors else of_gpus
    return "busy: the counted CPU time" if processors else ""


def now_text(view: WatchJson) -> str:
    """ "busy now: gpu0 62 %, gpu1 0 %, processors 78 %"; the mean of the GPUs where there are many. Empty if it is not known."""
    devices = view["energy"]["devices"]
    gpus = [
        (name.rstrip("*"), d.get("busy_now_fraction"))
        for name, d in zip(device_names(devices), devices, strict=True)
        if d.get("busy_now_fraction") is not None
    ]
    known = [share for _, share in gpus if share is not None]
    parts = [f"{name} {percent(share)}" for name, share in gpus if share is not None]
    if len(known) > MOST_NAMED:
        low, high = min(known), max(known)
        parts = [f"mean of {len(known)} GPUs {percent(sum(known) / len(known))} ({100 * low:.0f}–{100 * high:.0f} %)"]
    several = len(view["processors"]) > 1
    shares = ((f"processors on {p['host']}" if several else "processors", p.get("busy_now_fraction")) for p in view["processors"])
    parts += [f"{name} {percent(share)}" for name, share in shares if share is not None]
    return f"busy now: {', '.join(parts)}" if parts else ""


def _is_whole_gpu(device: Mapping[str, object]) -> bool:
    return device["kind"] == "gpu" and device["share_of"] is None


def gpu_text(activity: ActivityJson) -> str:
    """ "busy 62 % (60–64 %, sampled); SM 1980 MHz, memory 2619 MHz; 65 °C, at most 71 °C; …"."""
    return "; ".join(part for part in (_busy(activity), _clocks(activity), *_state(activity), _throttled(activity)) if part) or (
        "its driver does not tell what it does"
    )


def processors_text(p: ProcessorsJson) -> str:
    """ "processors: busy 78 % (12.5 of 16), counted for the control group of the run"."""
    whose = "the control group of the run" if p["of"] == CGROUP else "all processes of the machine"
    return f"processors: busy {percent(p['busy_fraction'])} ({significant(p['busy_fraction'] * p['cpus'])} of {p['cpus']:g}), by {whose}"


def busy_text(activity: ActivityJson) -> str:
    """ "62 % (60–64 %, sampled)", "–" if it is not known."""
    busy, low, high = activity["busy_fraction"], activity["busy_low"], activity["busy_high"]
    if busy is None:
        return "–"
    if low is None or high is None:
        return percent(busy)
    digits = 0 if high - low >= NARROW else 1
    return f"{percent(busy)} ({100 * low:.{digits}f}–{100 * high:.{digits}f} %, sampled)"


def _busy(activity: ActivityJson) -> str:
    return "" if activity["busy_fraction"] is None else f"busy {busy_text(activity)}"


def _clocks(activity: ActivityJson) -> str:
    named = (("SM", activity["sm_clock_mhz"]), ("memory", activity["memory_clock_mhz"]))
    return ", ".join(f"{name} {mhz:.0f} MHz" for name, mhz in named if mhz is not None)


def _state(activity: ActivityJson) -> list[str]:
    celsius, most_c = activity["temperature_c"], activity["temperature_max_c"]
    memory, most = activity["memory_bytes"], activity["memory_max_bytes"]
    parts = []
    if celsius is not None:
        parts.append(_with_most(f"{celsius:.0f} °C", None if most_c is None else f"{most_c:.0f} °C"))
    if memory is not None:
        parts.append(_with_most(f"memory {memory / GIB:.1f} GiB", None if most is None else f"{most / GIB:.1f} GiB"))
    if activity["power_limit_w"] is not None:
        parts.append(f"limit {watts_text(activity['power_limit_w'])}")
    return parts


def _with_most(mean: str, most: str | None) -> str:
    """A mean with its maximum, unless it is the same."""
    return mean if most is None or mean.endswith(most) else f"{mean}, at most {most}"


def _throttled(activity: ActivityJson) -> str:
    shares = {reason: s / activity["seen_s"] for reason, s in (activity["throttled_s"] or {}).items() if activity["seen_s"]}
    longest = sorted(((min(1.0, share), reason) for reason, share in shares.items() if share >= LEAST_SHARE), reverse=True)
    parts = [f"{percent(share)} of the time by {REASONS.get(reason, reason)}" for share, reason in longest]
    return f"clocks lowered {listed(parts)}" if parts else ""
