"""NVIDIA GPUs through NVML: which of them the run uses, and what can be read of each.

What a GPU can report is found by trying, never guessed from its architecture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.sensing import Availability, Device, Discovery, DiscoveryRequest, Finding, Sensor
from ...errors import ConfigurationError, ReadError
from . import remedies, visible
from .readers import (
    FIELD_POWER_AVERAGE,
    FIELD_POWER_INSTANT,
    EnergySensor,
    FieldPowerSensor,
    NvmlLibrary,
    NvmlSensor,
    PowerFields,
    UsagePowerSensor,
    error_text,
)
from .remedies import SOURCE
from .visible import MIG_NOTE, Choice, Gpu

MODULE_SCOPE_NOTE = "module scope: may contain the Grace CPU"
_SUPERCHIPS = ("GH200", "GB200", "GB300")
_UNKNOWN_MAX_W = 1500.0  # above the highest limit of a GPU sold in 2025 (B300: 1400 W)
_LIMIT_MARGIN = 1.1  # the limit applies to an average; short peaks exceed it
_POWER_PERIOD_S = 0.5  # with a trusted counter, power is only a check
_TRIALS = 3  # a busy driver may fail single calls
_LOOK_S, _LOOKED_S = 0.1, 0.025
_PART_TIME = ((8, 0), (9, 0))  # the sensors of A100 and H100 measure 25 of every 100 ms (arXiv:2312.02741, section 4)
PART_TIME_S = 2 * (1 - _LOOKED_S / _LOOK_S) ** 2 * _LOOK_S
"""Seconds that one independent sample represents. Let f be the measured share of the time, and let the rest be independent of it. The
energy of n periods is then wrong by (1 − f) · (mean unseen − mean seen), whose variance is 2 (1 − f)² s² / n."""
_AMPERE, _GA100 = (8, 0), (8, 0)  # compute capabilities; the GA100 is the first Ampere, and the only one that does not average


@dataclass(frozen=True, slots=True)
class _Card:
    gpu: Gpu
    handle: Any


def discover(request: DiscoveryRequest) -> Discovery:
    """Find the GPUs of the run and their sensors, with a finding for each.

    Raises ConfigurationError if `request.gpus` names a GPU that does not exist.
    """
    if request.gpus is None and visible.hides_all(request.environ):
        value = request.environ.get("CUDA_VISIBLE_DEVICES")
        return Discovery(findings=[remedies.absent(f"CUDA_VISIBLE_DEVICES={value!r}: this run uses no GPU")])
    if request.gpus is not None and not request.gpus:
        return Discovery(findings=[remedies.absent("gpus is empty: no GPU is tracked")])
    if request.gpus is None and (asleep := remedies.suspended(request)) is not None:
        return Discovery(findings=[asleep])
    try:
        import pynvml as nvml  # a statement, which programs that freeze others find
    except ImportError as e:
        return _without(request, remedies.absent(f"pynvml cannot be imported: {e}", "pip install nvidia-ml-py"))
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as e:
        return _without(request, remedies.init_failed(nvml, e.value, request))
    library = NvmlLibrary(nvml)
    library.retain()  # until the sensors retain it
    try:
        return _discover(library, request)
    finally:
        library.release()


def _without(request: DiscoveryRequest, finding: Finding) -> Discovery:
    """No GPU can be read: a finding, or an error if the user named GPUs."""
    if request.gpus:
        named = ", ".join(str(gpu) for gpu in request.gpus)
        raise ConfigurationError(f"gpus={named}: no GPU can be read here ({finding.detail}); remove gpus, or see `trainwatt doctor`")
    return Discovery(findings=[finding])


def is_module_scope(device: Device) -> bool:
    """Whether the device's power may contain that of the processor on the same module."""
    return device.kind == "gpu" and any(chip in (device.model or "") for chip in _SUPERCHIPS)


def _discover(library: NvmlLibrary, request: DiscoveryRequest) -> Discovery:
    nvml, found = library.nvml, Discovery()
    cards: dict[int, _Card] = {}
    gpus: list[Gpu] = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            cards[index] = _card(nvml, index)
            gpus.append(cards[index].gpu)
        except nvml.NVMLError as e:
            # it keeps its index, so that the others keep theirs
            gpus.append(Gpu(index, "", "unknown", (0, 0)))
            found.findings.append(_broken(f"gpu{index}", f"cannot be opened: {error_text(nvml, e.value)}"))
    found.gpu_count = len(gpus)

    def resolve_mig(uuid: str) -> int | None:
        return _mig_parent(nvml, uuid)

    if request.gpus is not None:
        choices = visible.requested(request.gpus, gpus, resolve_mig)
    else:
        choices = visible.visible(request.environ, gpus, resolve_mig)
    chosen = {choice.index for choice in choices}
    found.findings = [finding for finding in found.findings if finding.devices[0] in {f"gpu{i}" for i in chosen}]
    for choice in choices:
        if choice.index in cards:
            _add(library, cards[choice.index], choice, request.gains.get("gpu", 0.0), found)
    if not choices:
        value = request.environ.get("CUDA_VISIBLE_DEVICES")
        hidden = f"CUDA_VISIBLE_DEVICES={value!r} shows none of the {len(gpus)} GPUs"
        found.findings.append(remedies.absent(hidden if gpus else "NVML lists no GPU"))
    return found


def _add(library: NvmlLibrary, card: _Card, choice: Choice, gain: float, found: Discovery) -> None:
    device = _device(library.nvml, card, choice, gain)
    sensors, said, problems = _sensors(library, card, device)
    found.sensors.extend(sensors)
    what = f"{device.name} {card.gpu.name}"
    if not sensors:
        remedy = "A virtual GPU has no sensors: measure on its host. Otherwise look at the output of nvidia-smi -q -d POWER."
        text = f"reports neither energy nor power: {'; '.join(dict.fromkeys(problems))}"
        found.findings.append(Finding(SOURCE, Availability.ABSENT, what, text, remedy, "This GPU's energy.", (device.name,)))
        return
    detail = "; ".join([*said, *([device.note] if device.note else [])])
    found.findings.append(Finding(SOURCE, Availability.OK, what, detail, devices=(device.name,)))


def _sensors(library: NvmlLibrary, card: _Card, device: Device) -> tuple[list[Sensor], list[str], list[str]]:
    """The sensors of one GPU that answer, a description of each, and the errors of the others."""
    sensors: list[Sensor] = []
    said: list[str] = []
    problems: list[str] = []

    def add(make: Callable[[], NvmlSensor], words: str) -> bool:
        sensor = make()
        problem = _trial(sensor)
        if problem is None:
            sensors.append(sensor)
            said.append(words)
            return True
        problems.append(problem)
        sensor.close()
        return False

    has_energy = add(lambda: EnergySensor(library, card.handle, device), "energy counter")
    if not has_energy:
        said.append("no energy counter")
    period_s = _POWER_PERIOD_S if has_energy else None
    fields = PowerFields(library.nvml)
    average = add(lambda: FieldPowerSensor(library, card.handle, device, FIELD_POWER_AVERAGE, fields, period_s), "power (1 s mean)")
    instant = add(lambda: FieldPowerSensor(library, card.handle, device, FIELD_POWER_INSTANT, fields, period_s), "power (instant)")
    if not average and not instant:
        # nvml.h on nvmlDeviceGetPowerUsage: a one-second average on Ampere (except GA100) and newer, the current power on others
        averaged = card.gpu.compute >= _AMPERE and card.gpu.compute != _GA100
        words = "power (1 s mean)" if averaged else "power (instant)"
        add(lambda: UsagePowerSensor(library, card.handle, device, averaged, period_s), words)
    return sensors, said, problems


def _trial(sensor: NvmlSensor) -> str | None:
    """None if the sensor answers within a few trials, else its error."""
    problem = ""
    for _ in range(_TRIALS):
        try:
            sensor.read()
        except ReadError as e:
            problem = str(e)
        else:
            return None
    return problem


def _device(nvml: Any, card: _Card, choice: Choice, gain: float) -> Device:
    notes = [choice.note] if choice.note else []
    if MIG_NOTE not in notes and _mig_enabled(nvml, card.handle):
        notes.append(MIG_NOTE)
    if any(chip in card.gpu.name for chip in _SUPERCHIPS):
        notes.append(MODULE_SCOPE_NOTE)
    return Device(
        name=f"gpu{card.gpu.index}",
        kind="gpu",
        max_power_w=_max_power_w(nvml, card.handle),
        gain=gain,
        gain_class="gpu",
        model=card.gpu.name,
        uuid=card.gpu.uuid,
        note="; ".join(notes) or None,
        part_time_s=PART_TIME_S if card.gpu.compute in _PART_TIME else None,
    )


def _max_power_w(nvml: Any, handle: Any) -> float:
    asked: tuple[Callable[[], float], ...] = (
        lambda: float(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)),
        lambda: float(nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)[1]),
    )
    limits = []
    for ask in asked:
        try:
            limits.append(ask())
        except nvml.NVMLError:
            continue
    most_mw = max(limits, default=0.0)
    return most_mw * 1e-3 * _LIMIT_MARGIN if most_mw > 0 else _UNKNOWN_MAX_W


def _card(nvml: Any, index: int) -> _Card:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    try:
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    except nvml.NVMLError:
        major, minor = 0, 0
    return _Card(Gpu(index, nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle), (major, minor)), handle)


def _mig_parent(nvml: Any, uuid: str) -> int | None:
    try:
        instance = nvml.nvmlDeviceGetHandleByUUID(uuid)
        return int(nvml.nvmlDeviceGetIndex(nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance)))
    except nvml.NVMLError:
        return None


def _mig_enabled(nvml: Any, handle: Any) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except nvml.NVMLError:
        return False


def _broken(name: str, problem: str) -> Finding:
    return Finding(SOURCE, Availability.BROKEN, name, problem, "Look at the output of nvidia-smi.", "This GPU's energy.", (name,))
