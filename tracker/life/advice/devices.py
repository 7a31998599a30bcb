"""PURE: GPUs and processors that were held and idle, GPUs that waited, and GPUs whose clocks were cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ...carbon.accounting import NOTHING, Estimate, total
from ...core.activity import ActivityPoint, Throttle
from ...energy.shares.policy import CGROUP, MACHINE
from .loss import Found, Kind, Looked, embodied_of, error_of, relative_error, with_error
from .stretches import Stretch, Stretches, idle_processors, stretches

if TYPE_CHECKING:
    from ...core.contract import DeviceJson, FootprintJson
    from ...storage.read.records import DeviceRow

LEAST_CUT = 0.05
"""A GPU at lower clocks for less than this share of a run is usual."""
ALL_THE_TIME = 0.9
"""A GPU that is idle for this share of the time is idle throughout: the rest is its start."""
LARGE_HOST = 4
"""Of so many GPUs of a host that are idle, or of which half are, the loss is one, and not one for each GPU."""
_HEAT = (Throttle.HEAT, Throttle.HARDWARE_HEAT, Throttle.POWER_BRAKE, Throttle.HARDWARE)

Gpu = tuple[str, str]
"""The host and the name of a GPU."""


def of_gpus(run: Looked, footprint: FootprintJson) -> Iterator[Found]:
    """What the GPUs of a run have lost by being idle and by waiting."""
    gpus = {(d["host"], d["device"]): d for d in run.view["energy"]["devices"] if d["kind"] == "gpu" and d["included_in_total"]}
    found = _stretches_of(run, gpus)
    together = {host for host, _ in gpus if _mostly_idle(host, gpus, found, _unread(run, host))}
    for host in sorted(together):
        yield _held(run, footprint, host, gpus, found)
    for host in dict.fromkeys(host for host, _ in found):
        here = {gpu: of for gpu, of in found.items() if gpu[0] == host}
        yield from _idle(run, gpus, {gpu: of for gpu, of in here.items() if of.idle.seconds and not (host in together and _is_idle(of))})
        yield from _waited(run, Kind.DATA_BOUND_GPU, gpus, {gpu: (of.data_bound, of.whole) for gpu, of in here.items()})
        yield from _waited(run, Kind.WAITING_GPU, gpus, {gpu: (of.waiting, of.whole) for gpu, of in here.items()})


def _idle(run: Looked, gpus: Mapping[Gpu, DeviceJson], idle: Mapping[Gpu, Stretches]) -> Iterator[Found]:
    """The losses of GPUs of a host that were idle: one for each, or one of all if they are many."""
    losses = [
        Found(
            Kind.IDLE_GPU,
            (run.id,),
            with_error(of.idle.energy_j, relative_error(gpus.get(gpu))),
            of.idle.seconds,
            of.whole.seconds,
            error_of(gpus.get(gpu)),
            gpu[0],
            (gpu[1],),
        )
        for gpu, of in idle.items()
    ]
    if len(losses) < LARGE_HOST:
        yield from losses
        return
    yield losses[0]._replace(
        energy=total(loss.energy or NOTHING for loss in losses),
        seconds=sum(loss.seconds for loss in losses) / len(losses),
        of_seconds=sum(loss.of_seconds for loss in losses) / len(losses),
        error_j=sum(loss.error_j for loss in losses),
        names=tuple(name for loss in losses for name in loss.names),
    )


def _waited(run: Looked, kind: Kind, gpus: Mapping[Gpu, DeviceJson], parts: Mapping[Gpu, tuple[Stretch, Stretch]]) -> Iterator[Found]:
    """The loss of the GPUs of a host that waited: they wait for the same, as a rule. If a GPU that waits took as much power as one that
    computes, it would have lost the share of its energy for which it was not busy."""
    waited = {gpu: (stretch, whole) for gpu, (stretch, whole) in parts.items() if stretch.seconds}
    if not waited:
        return
    together = Stretch()
    most_j = 0.0
    for stretch, _ in waited.values():
        together, most_j = together.plus(stretch), most_j + stretch.energy_j * (1.0 - (stretch.busy or 0.0))
    seconds, of_seconds = (sum(stretch.seconds for stretch in some) / len(waited) for some in zip(*waited.values(), strict=True))
    error_j = sum(error_of(gpus.get(gpu)) for gpu in waited)
    names = tuple(name for _, name in waited)
    loss = Found(kind, (run.id,), Estimate(most_j / 2, 0.0, most_j), seconds, of_seconds, error_j, next(iter(waited))[0], names)
    yield loss._replace(busy=together.busy, processors_busy=together.processors_busy)


def of_clocks(run: Looked, _: FootprintJson) -> Iterator[Found]:
    """GPUs whose clocks were cut because of heat or the power supply, or were those of another GPU. A power limit and clocks that somebody
    has set are choices, and no loss."""
    for kind, of_kind in ((Kind.HEAT, _HEAT), (Kind.GROUP_CLOCKS, (Throttle.SYNC_BOOST,))):
        by_host: dict[str, Found] = {}
        for device in run.view["energy"]["devices"]:
            activity, host = device["activity"], device["host"]
            if activity is None or not activity["throttled_s"] or not device["included_in_total"]:
                continue
            cut = {str(reason): activity["throttled_s"][reason] for reason in of_kind if activity["throttled_s"].get(reason)}
            seconds = max(cut.values(), default=0.0)  # several reasons may hold at once
            if seconds > LEAST_CUT * activity["seen_s"]:
                before = by_host.get(host, Found(kind, (run.id,), None, 0.0, 0.0, host=host))
                by_host[host] = before._replace(
                    seconds=max(before.seconds, seconds),
                    of_seconds=max(before.of_seconds, activity["seen_s"]),
                    names=(*before.names, device["device"]),
                    reasons={reason: max(before.reasons.get(reason, 0.0), s) for reason, s in {**before.reasons, **cut}.items()},
                )
        yield from by_host.values()


def of_processors(run: Looked, _: FootprintJson) -> Iterator[Found]:
    """What a machine without GPUs has lost while its processors were idle."""
    if _may_use_gpus(run):
        return
    devices = {(d["host"], d["device"]): d for d in run.view["energy"]["devices"]}
    by_host: dict[str, tuple[Estimate, float, float, tuple[str, ...]]] = {}
    for row in run.stored.devices:
        if not row.included_in_total:
            continue
        whole, idle = idle_processors(_processors(run, row), run.curves.get((row.segment_id, row.name), ()))
        if idle.seconds:
            energy, idle_s, whole_s, names = by_host.get(row.host, (NOTHING, 0.0, 0.0, ()))
            energy = energy.plus(with_error(idle.energy_j, relative_error(devices.get((row.host, row.name)))))
            by_host[row.host] = energy, max(idle_s, idle.seconds), max(whole_s, whole.seconds), tuple(dict.fromkeys((*names, row.name)))
    for host, (energy, idle_s, whole_s, names) in by_host.items():
        error_j = sum(error_of(devices.get((host, name))) for name in names)
        yield Found(Kind.IDLE_PROCESSORS, (run.id,), energy, idle_s, whole_s, error_j, host, names)


def _may_use_gpus(run: Looked) -> bool:
    """Whether a run may have worked on GPUs, also on those that it has not read: then its processors may have waited for them."""
    hosts = (piece.detail for piece in run.stored.inventory if piece.kind == "host")
    unread = (device["kind"] == "gpu" for device in run.view["energy"]["unmeasured"])
    read = any(device.kind == "gpu" for device in run.stored.devices)
    return read or any(unread) or any(detail.get("gpus") for detail in hosts) or run.stored.run.settings.get("gpus") is not None


def _stretches_of(run: Looked, gpus: Mapping[Gpu, DeviceJson]) -> dict[Gpu, Stretches]:
    """The stretches of each GPU. One on which no process of the run was seen is idle, if it is not known how busy it was."""
    found: dict[Gpu, Stretches] = {}
    for row in run.stored.devices:
        key = row.segment_id, row.name
        if row.kind == "gpu" and row.included_in_total:
            of = stretches(run.activity.get(key, ()), run.curves.get(key, ()), _processors(run, row))
            if of is not None:
                found[row.host, row.name] = found.get((row.host, row.name), Stretches()).plus(of)
    for gpu, device in gpus.items():
        if gpu not in found and device["used"] is False and device["energy_j"]:
            whole = Stretch(device["energy_j"], run.lasted_s)
            found[gpu] = Stretches(whole, whole)
    return found


def _processors(run: Looked, row: DeviceRow) -> Sequence[ActivityPoint]:
    """The activity of the processors beside a device, on the same clock: as its own process saw it, else another one of the machine."""
    machines = {s.id: (s.host, s.boot_id) for s in run.stored.segments}
    seen = {of: points for of, points in run.activity.items() if of[1] in (CGROUP, MACHINE) and machines.get(of[0])}
    own = [points for of, points in seen.items() if of[0] == row.segment_id]
    others = [points for of, points in seen.items() if machines[of[0]] == machines.get(row.segment_id)]
    return max(own or others, key=len, default=())


def _is_idle(of: Stretches) -> bool:
    return of.idle.seconds >= ALL_THE_TIME * of.whole.seconds


def _unread(run: Looked, host: str) -> int:
    """How many GPUs of a host a job of Slurm had that the run has not read."""
    held = [a for a in run.view["allocations"] if a["host"] == host and a["gpus"] is not None]
    return max((max(0, (a["gpus"] or 0) - a["gpus_read"]) for a in held), default=0)


def _mostly_idle(host: str, gpus: Mapping[Gpu, DeviceJson], found: Mapping[Gpu, Stretches], unread: int) -> bool:
    """Whether at least half of the GPUs of a large host were idle throughout, or were not read."""
    of_host = [gpu for gpu in gpus if gpu[0] == host]
    idle = sum(gpu in found and _is_idle(found[gpu]) for gpu in of_host) + unread
    return len(of_host) + unread >= LARGE_HOST and 2 * idle >= len(of_host) + unread


def _held(run: Looked, footprint: FootprintJson, host: str, gpus: Mapping[Gpu, DeviceJson], found: Mapping[Gpu, Stretches]) -> Found:
    """The loss of a host most of whose GPUs were idle: what they drew, and their share of the making of the GPUs and the host. GPUs that
    were not read drew something too, which is not known."""
    idle = [gpu for gpu in gpus if gpu[0] == host and gpu in found and _is_idle(found[gpu])]
    unread = _unread(run, host)
    of_gpus = sum(gpu[0] == host for gpu in gpus) + unread
    energy = NOTHING
    for gpu in idle:
        energy = energy.plus(with_error(found[gpu].idle.energy_j, relative_error(gpus[gpu])))
    embodied = embodied_of({**footprint, "counted_once": None})
    names = tuple(name for _, name in idle)
    seconds = max((found[gpu].idle.seconds for gpu in idle), default=run.lasted_s)
    error_j = sum(error_of(gpus[gpu]) for gpu in idle)
    loss = Found(Kind.HELD_HOST, (run.id,), energy if idle else None, seconds, run.lasted_s, error_j, host, names)
    more = None if embodied is None else embodied.times((len(idle) + unread) / len(gpus))
    return loss._replace(more=more, busy_gpus=of_gpus - len(idle) - unread, of_gpus=of_gpus)
