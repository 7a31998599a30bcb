"""NVIDIA GPUs that cannot be read: which of them belong to the run, and the second look at them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from ...core.sensing import Availability, Device, Discovery, DiscoveryRequest, Finding, Missed
from . import remedies, visible
from .presence import Present, jetson
from .visible import Gpu

UNKNOWN_MAX_W = 1500.0
"""Above the highest limit of a GPU sold in 2025 (B300: 1400 W)."""
_UNKNOWN = "unknown"
_SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "FLUX_JOB_ID", "OAR_JOB_ID", "COBALT_JOBID", "JOB_ID")
"""Each is set in the jobs of one scheduler (JOB_ID: Grid Engine)."""
_UUIDS = ("GPU-", "MIG-")


def gpu(index: int, known: Present) -> Gpu:
    """A GPU that NVML does not open, as the choice of the run's GPUs needs it."""
    return Gpu(index, known.uuid, known.model or _UNKNOWN, (0, 0))


def missed(of: Gpu, request: DiscoveryRequest, finding: Finding, *, asleep: bool = False) -> Missed:
    """The device for which `finding` says why it cannot be read."""
    model = None if of.name == _UNKNOWN else of.name
    gain = request.gains.get("gpu", 0.0)
    device = Device(f"gpu{of.index}", "gpu", UNKNOWN_MAX_W, gain, "gpu", model=model, uuid=of.uuid or None)
    return Missed(device, Availability.SUSPENDED if asleep else finding.availability, finding.detail)


def all_of(request: DiscoveryRequest, here: Sequence[Present], finding: Finding, *, asleep: bool = False) -> Discovery:
    """No GPU can be read for the one reason in `finding`: those of `here` that belong to the run are missed."""
    if (board := jetson(request)) is not None:
        here, finding = [Present(model=board)], remedies.jetson(board, finding.detail)
    gpus = [gpu(index, known) for index, known in enumerate(here)]
    chosen = {choice.index for choice in visible.visible(request.environ, gpus, lambda _: None)}
    value = request.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    untold = any(not known.uuid for known in here) or value.startswith("MIG-")
    if gpus and not chosen and untold and (value.startswith(_UUIDS) or here == [Present()]):
        chosen = {of.index for of in gpus}
        text = f"{finding.detail}; which GPUs CUDA_VISIBLE_DEVICES={value!r} names cannot be told"
        finding = finding._replace(detail=text)
    lost = [missed(of, request, finding, asleep=asleep) for of in gpus if of.index in chosen]
    return Discovery(findings=[finding._replace(devices=tuple(m.device.name for m in lost))], missed=lost)


def beyond(request: DiscoveryRequest, here: Sequence[Present], listed: Sequence[Gpu]) -> Sequence[Present]:
    """The GPUs of the machine that NVML leaves out, such as one that fell off the bus. Within a job of a scheduler there are none: it may
    give the job a part of the machine, and NVML then lists this part."""
    if len(here) <= len(listed) or any(request.environ.get(name) for name in _SCHEDULERS):
        return ()
    uuids = {of.uuid for of in listed if of.uuid}
    return [known for known in here if not known.uuid or known.uuid not in uuids][: len(here) - len(listed)]


def second_look(
    request: DiscoveryRequest, here: Sequence[Present], discover: Callable[[DiscoveryRequest], Discovery]
) -> Callable[[Collection[str]], Discovery]:
    """The function `look` of a second look. It asks the driver only once a GPU that slept is awake: a call could wake it."""
    return partial(_look, request, tuple(known for known in here if known.asleep), discover)


def _look(
    request: DiscoveryRequest,
    slept: Sequence[Present],
    discover: Callable[[DiscoveryRequest], Discovery],
    names: Collection[str],
) -> Discovery:
    if slept and len(slept) >= len(names) and all(known.asleep for known in slept):
        gpus = [Gpu(int(name.removeprefix("gpu")), "", _UNKNOWN, (0, 0)) for name in names]
        return Discovery(missed=[missed(of, request, remedies.suspended(), asleep=True) for of in gpus])
    found = discover(request)
    for sensor in found.sensors:
        if sensor.device.name not in names:
            sensor.close()
    found.sensors = [sensor for sensor in found.sensors if sensor.device.name in names]
    found.missed = [m for m in found.missed if m.device.name in names]
    return found
