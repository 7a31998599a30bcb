"""The sensors of a machine: what draws power and can be read, and stand-ins for what cannot.

`discover` never fails for what it does not find; it says so in findings. A new provider is a new file and one line in SENSORS, or a
function of the user's that the settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ..core.sensing import Availability, Discovery, DiscoveryRequest, Finding
from ..errors import ConfigurationError
from . import own
from .modelled import discovery as modelled
from .nvidia import discovery as nvidia
from .rapl import discovery as rapl

Provider = Callable[[DiscoveryRequest], Discovery]
SENSORS: Mapping[str, Provider] = {"nvml": nvidia.discover, "powercap": rapl.discover}
"""The providers that measure, by the name of what they read, in the order in which their findings are shown."""

_REPORT = "Please report this with the text above."


def discover(request: DiscoveryRequest) -> Discovery:
    """Every sensor of the run, and a finding for everything that was looked for. The caller closes the sensors.

    Raises ConfigurationError where `request` names a GPU that is not there, or a provider that cannot be used.
    """
    found = Discovery()
    try:
        for source, provider in SENSORS.items():
            _merge(found, partial(provider, request), source, _REPORT)
        for name in request.providers:
            _merge(found, partial(_own, name, request, found), name, f"Mend {name}, which the settings name.")
        _merge(found, partial(_modelled, request, found), "modelled", _REPORT)
    except BaseException:
        for sensor in found.sensors:
            sensor.close()
        raise
    return found


def _modelled(request: DiscoveryRequest, found: Discovery) -> Discovery:
    measured = {sensor.device.kind for sensor in found.sensors}
    tdp_w = None if "cpu" in measured else rapl.package_limit_w(request)
    contained = any(nvidia.is_module_scope(sensor.device) for sensor in found.sensors)
    return modelled.discover(request, measured, tdp_w, contained)


def _own(name: str, request: DiscoveryRequest, found: Discovery) -> Discovery:
    taken = {sensor.device.name for sensor in found.sensors}
    return own.checked(name, own.provider_of(name)(request), taken)


def _merge(found: Discovery, provide: Callable[[], Discovery], source: str, remedy: str) -> None:
    """Add what a provider finds. One that fails unexpectedly is a finding, never the end of the run."""
    try:
        part = provide()
    except ConfigurationError:
        raise
    except Exception as e:  # a provider meets drivers and kernels nobody has tried
        text = f"looking for sensors failed: {type(e).__name__}: {e}"
        found.findings.append(Finding(source, Availability.BROKEN, source, text, remedy))
        return
    found.sensors.extend(part.sensors)
    found.findings.extend(part.findings)
    if part.gpu_count is not None:
        found.gpu_count = (found.gpu_count or 0) + part.gpu_count
