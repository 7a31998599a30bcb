"""NVIDIA GPUs through NVML: which of them the run uses, and what can be read of each.

What a GPU can report is found by trying, never guessed from its architecture.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.sensing import Availability, Device, Discovery, DiscoveryRequest, Finding, Gauge, Missed, SecondLook, Sensor
from ...errors import ConfigurationError, ReadError
from ...unwarned import unwarned
from . import mig, remedies, unread, visible
from .presence import Present, jetson, not_given, present
from .readers import (
    FIELD_POWER_AVERAGE,
    FIELD_POWER_INSTANT,
    EnergySensor,
    FieldPowerSensor,
    NoPowerError,
    NvmlLibrary,
    NvmlSensor,
    PowerFields,
    UsagePowerSensor,
    error_text,
)
from .remedies import SOURCE
from .unread import UNKNOWN_MAX_W
from .visible import MIG_NOTE, Choice, Gpu

MODULE_SCOPE_NOTE = "module scope: may contain the Grace CPU"
_SUPERCHIPS = ("GH200", "GB200", "GB300")
_LIMIT_MARGIN = 1.1  # the limit applies to an average; short peaks exceed it
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
    """Find the GPUs of the run and their sensors, with a finding for each. Those that cannot be read are `missed`.

    Raises ConfigurationError if `request.gpus` names a GPU that does not exist.
    """
    here = present(request)
    found = _found(request, here)
    loaded = getattr(sys.modules.get("pynvml"), "nvmlLib", None) is not None  # a library that is missing now is missing later
    if found.missed and (loaded or any(missed.availability is Availability.SUSPENDED for missed in found.missed)):
        names = tuple(missed.device.name for missed in found.missed)
        found.again = SecondLook(names, unread.second_look(request, here, discover))
    return found


def _found(request: DiscoveryRequest, here: list[Present]) -> Discovery:
    if request.gpus is None and visible.hides_all(request.environ):
        value = request.environ.get("CUDA_VISIBLE_DEVICES")
        return Discovery(findings=[remedies.absent(f"CUDA_VISIBLE_DEVICES={value!r}: this run uses no GPU")])
    if request.gpus is not None and not request.gpus:
        return Discovery(findings=[remedies.absent("gpus is empty: no GPU is tracked")])
    if request.gpus is None and here and all(gpu.asleep for gpu in here):
        return unread.all_of(request, here, remedies.suspended(), asleep=True)
    try:
        nvml = unwarned(_loaded)
    except Exception as e:  # a package that is damaged, or another one of this name, may raise anything
        return _without(request, here, e)
    library = NvmlLibrary(nvml)
    library.retain()  # until the sensors retain it
    found = Discovery()
    try:
        _discover(library, request, here, found)
    except BaseException as e:  # drivers differ in ways that nobody has tested
        for sensor in found.sensors:
            sensor.close()
        if isinstance(e, (ConfigurationError, Warning)) or not isinstance(e, Exception):
            raise  # without a warning, the caller calls again
        text = error_text(nvml, e.value) if isinstance(e, nvml.NVMLError) else f"{type(e).__name__}: {e}"
        found = unread.all_of(request, here or [Present()], remedies.broken(f"the GPUs cannot be listed: {text}"))
    finally:
        library.release()
    return found


def _loaded() -> Any:
    import pynvml as nvml  # a statement, which programs that freeze others find

    nvml.nvmlInit()
    return nvml


def _without(request: DiscoveryRequest, here: list[Present], error: Exception) -> Discovery:
    """No GPU can be read: a finding, or an error if the user named GPUs."""
    nvml: Any = sys.modules.get("pynvml")
    code = getattr(error, "value", None) if isinstance(error, getattr(nvml, "NVMLError", ())) else None
    finding = remedies.not_imported(error) if code is None else remedies.init_failed(nvml, code, request, here)
    if request.gpus:
        named = ", ".join(str(gpu) for gpu in request.gpus)
        raise ConfigurationError(f"gpus={named}: no GPU can be read here ({finding.detail}); remove gpus, or see `trainwatt doctor`")
    if (code is None or code == remedies.LIBRARY_NOT_FOUND) and not_given(request) and not remedies.library_found():
        return Discovery(findings=[finding])
    answered = remedies.library_broken() if code == remedies.LIBRARY_NOT_FOUND else code is not None and code not in remedies.SAYS_NOTHING
    return unread.all_of(request, here or ([Present()] if answered else []), finding)


def is_module_scope(device: Device) -> bool:
    """Whether the device's power may contain that of the processor on the same module."""
    return device.kind == "gpu" and any(chip in (device.model or "") for chip in _SUPERCHIPS)


def _discover(library: NvmlLibrary, request: DiscoveryRequest, here: list[Present], found: Discovery) -> None:
    nvml = library.nvml
    cards: dict[int, _Card] = {}
    gpus: list[Gpu] = []
    failed: dict[int, Finding] = {}
    listed = nvml.nvmlDeviceGetCount()
    same = here if len(here) == listed else [Present()] * listed  # NVML lists GPUs in the order of the bus
    for index in range(listed):
        name, known = f"gpu{index}", same[index]
        if known.asleep and request.gpus is None:
            failed[index] = remedies.suspended()._replace(what=name, devices=(name,))
        else:
            try:
                cards[index] = _card(nvml, index, known)
            except nvml.NVMLError as e:
                failed[index] = _broken(name, f"cannot be opened: {error_text(nvml, e.value)}")
        # a GPU that cannot be opened keeps its index, so that the others keep theirs
        gpus.append(cards[index].gpu if index in cards else unread.gpu(index, known))
    found.gpu_count = len(gpus)
    for known in unread.beyond(request, here, gpus):
        index = len(gpus)
        gpus.append(unread.gpu(index, known))
        failed[index] = _broken(f"gpu{index}", f"NVML does not list it{f'; it is at {known.pci.address}' if known.pci else ''}")

    def resolve_mig(uuid: str) -> int | None:
        return mig.parent(nvml, uuid)

    if request.gpus is not None:
        choices = visible.requested(request.gpus, gpus, resolve_mig)
    else:
        choices = visible.visible(request.environ, gpus, resolve_mig)
    for choice in choices:
        if choice.index in cards:
            _add(library, cards[choice.index], choice, request, found)
        else:
            finding = failed[choice.index]
            found.findings.append(finding)
            asleep = choice.index < listed and same[choice.index].asleep
            found.missed.append(unread.missed(gpus[choice.index], request, finding, asleep=asleep))
    if not choices:
        value = request.environ.get("CUDA_VISIBLE_DEVICES")
        hidden = f"CUDA_VISIBLE_DEVICES={value!r} shows none of the {len(gpus)} GPUs"
        found.findings.append(remedies.absent(hidden if gpus else "NVML lists no GPU"))


def _add(library: NvmlLibrary, card: _Card, choice: Choice, request: DiscoveryRequest, found: Discovery) -> None:
    device = _device(library.nvml, card, choice, request.gains.get("gpu", 0.0), request.offsets_w.get("gpu", 0.0))
    sensors, said, problems = _sensors(library, card, device)
    found.sensors.extend(sensors)
    what = f"{device.name} {card.gpu.name}"
    if not sensors:
        finding = remedies.gives_nothing(what, device.name, problems, jetson(request))
        found.findings.append(finding)
        found.missed.append(Missed(device, finding.availability, finding.detail))
        return
    detail = "; ".join(text for text in (*said, device.note, None if device.part_time_s is None else remedies.PART_TIME) if text)
    found.findings.append(Finding(SOURCE, Availability.OK, what, detail, devices=(device.name,)))


def _sensors(library: NvmlLibrary, card: _Card, device: Device) -> tuple[list[Sensor], list[str], list[str]]:
    """The sensors of one GPU that answer, a description of each, and the errors of the others."""
    sensors: list[Sensor] = []
    said: list[str] = []
    problems: list[str] = []
    silent: dict[str, NvmlSensor] = {}  # gauges that say 0 W now

    def add(make: Callable[[], NvmlSensor], words: str) -> bool:
        sensor = make()
        problem = _trial(sensor)
        if problem is None:
            sensors.append(sensor)
            said.append(words)
            return True
        problems.append(str(problem))
        if isinstance(problem, NoPowerError) and sensor.name not in silent:
            silent[sensor.name] = sensor
        else:
            sensor.close()
        return False

    has_energy = add(lambda: EnergySensor(library, card.handle, device), "energy counter")
    if not has_energy:
        said.append("no energy counter")
    fields = PowerFields(library.nvml)
    average = add(lambda: FieldPowerSensor(library, card.handle, device, FIELD_POWER_AVERAGE, fields), "power (1 s mean)")
    instant = add(lambda: FieldPowerSensor(library, card.handle, device, FIELD_POWER_INSTANT, fields), "power (instant)")
    if not average and not instant:
        # nvml.h on nvmlDeviceGetPowerUsage: a one-second average on Ampere (except GA100) and newer, the current power on others
        averaged = card.gpu.compute >= _AMPERE and card.gpu.compute != _GA100
        words = "power (1 s mean)" if averaged else "power (instant)"
        add(lambda: UsagePowerSensor(library, card.handle, device, averaged), words)
    if any(isinstance(sensor.kind, Gauge) for sensor in sensors):
        for gauge in silent.values():
            gauge.close()
    else:  # one instant does not tell what they will say; until they say something, nothing is booked
        sensors.extend(silent.values())
        said += [f"{name.replace('-', ' ')} (0 W now)" for name in silent]
    return sensors, said, problems


def _trial(sensor: NvmlSensor) -> ReadError | None:
    """None if the sensor answers within a few trials, else its error."""
    problem = None
    for _ in range(_TRIALS):
        try:
            sensor.read()
        except ReadError as e:
            problem = e
        else:
            return None
    return problem


def _device(nvml: Any, card: _Card, choice: Choice, gain: float, offset_w: float) -> Device:
    notes = [choice.note] if choice.note else []
    if MIG_NOTE not in notes and mig.enabled(nvml, card.handle):
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
        uuid=card.gpu.uuid or None,
        note="; ".join(notes) or None,
        mig_slices=mig.slices(nvml, choice.instances),
        part_time_s=PART_TIME_S if card.gpu.compute in _PART_TIME else None,
        offset_w=offset_w,
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
    return most_mw * 1e-3 * _LIMIT_MARGIN if most_mw > 0 else UNKNOWN_MAX_W


def _card(nvml: Any, index: int, known: Present) -> _Card:
    """A GPU that can be opened. What it does not tell of itself is taken from `known`. Raises NVMLError if it cannot be opened."""
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def asked(question: Callable[[Any], Any], otherwise: Any) -> Any:
        try:
            return question(handle)
        except nvml.NVMLError:
            return otherwise

    compute = asked(nvml.nvmlDeviceGetCudaComputeCapability, (0, 0))
    uuid, name = asked(nvml.nvmlDeviceGetUUID, known.uuid), asked(nvml.nvmlDeviceGetName, known.model or "unknown")
    return _Card(Gpu(index, uuid, name, (compute[0], compute[1])), handle)


def _broken(name: str, problem: str) -> Finding:
    return Finding(SOURCE, Availability.BROKEN, name, problem, "Look at the output of nvidia-smi.", "This GPU's energy.", (name,))
