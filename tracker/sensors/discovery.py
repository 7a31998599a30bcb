"""The sensors of a machine: those that can be read, and a model for what cannot be read.

A missing sensor is not an error: `discover` reports it as a finding. To add a make of meter, add a package and one line in SENSORS. A user
can name a function in the settings instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ..core.sensing import Availability, Discovery, DiscoveryRequest, Finding
from ..errors import ConfigurationError
from ..unwarned import unwarned
from . import accelerators, own
from .modelled import discovery as modelled
from .nvidia import discovery as nvidia
from .rapl import discovery as rapl
from .rapl.reader import RaplSensor

Provider = Callable[[DiscoveryRequest], Discovery]
SENSORS: Mapping[str, Provider] = {"nvml": nvidia.discover, "powercap": rapl.discover}
"""The functions that find sensors, by source. Their findings are shown in this order."""

_REPORT = "Please report this with the text above."


def discover(request: DiscoveryRequest) -> Discovery:
    """Find the sensors of the run, with a finding for everything that was looked for. The caller closes the sensors.

    Raises ConfigurationError if `request` names a GPU that does not exist, or a provider that cannot be used.
    """
    found = Discovery()
    try:
        for source, provider in SENSORS.items():
            _merge(found, partial(provider, request), source, _REPORT)
        gpus = len(_of_kind(found, "gpu"))
        for name in request.providers:
            _merge(found, partial(_own, name, request, found), name, f"Correct {name}, which the settings name.")
        of_user = len(_of_kind(found, "gpu")) - gpus
        _merge(found, partial(accelerators.discover, request, of_user), accelerators.SOURCE, _REPORT)
        _merge(found, partial(_modelled, request, found), "modelled", _REPORT)
    except BaseException:  # raised again; no sensor stays open
        for sensor in found.sensors:
            sensor.close()
        raise
    read = {sensor.device.name for sensor in found.sensors}
    stands_in = {sensor.device.kind for sensor in found.sensors if sensor.name == modelled.SOURCE}
    found.missed = [m for m in found.missed if m.device.name not in read and m.device.kind not in stands_in]
    return found


def _of_kind(found: Discovery, kind: str) -> set[str]:
    return {sensor.device.name for sensor in found.sensors if sensor.device.kind == kind}


def _modelled(request: DiscoveryRequest, found: Discovery) -> Discovery:
    measured = {sensor.device.kind for sensor in found.sensors}
    tdp_w = None if "cpu" in measured else rapl.package_limit_w(request)
    _let_model_stand_in(request, found)
    contained = any(nvidia.is_module_scope(sensor.device) for sensor in found.sensors)
    return modelled.discover(request, measured, tdp_w, contained)


def _let_model_stand_in(request: DiscoveryRequest, found: Discovery) -> None:
    """Give each memory counter a model of its part, for the case that it never moves: some machines have a counter that stays at 0."""
    counters = [s for s in found.sensors if isinstance(s, RaplSensor) and s.device.kind == "dram"]
    for sensor in counters:
        sensor.device = sensor.device._replace(stand_in=modelled.memory_stand_in(request, len(counters)))


def _own(name: str, request: DiscoveryRequest, found: Discovery) -> Discovery:
    taken = {sensor.device.name for sensor in found.sensors}
    return own.checked(name, own.provider_of(name)(request), taken)


def _merge(found: Discovery, provide: Callable[[], Discovery], source: str, remedy: str) -> None:
    """Add what a provider finds. If it fails unexpectedly, that is a finding and the run continues."""
    try:
        part = unwarned(provide)
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as e:  # drivers and kernels differ in ways that nobody has tested
        text = f"the search for sensors failed: {type(e).__name__}: {e}"
        found.findings.append(Finding(source, Availability.BROKEN, source, text, remedy))
        return
    found.sensors.extend(part.sensors)
    found.findings.extend(part.findings)
    found.missed.extend(part.missed)
    found.again = found.again or part.again
    if part.gpu_count is not None:
        found.gpu_count = (found.gpu_count or 0) + part.gpu_count
