"""The user's own sensors: functions that the settings name. They are called in the same way as the bundled ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import get_args

from ..core.sensing import Counter, Device, DeviceKind, Discovery, DiscoveryRequest, Gauge, Sensor
from ..errors import ConfigurationError
from ..machine.files import read_regular
from ..settings.named import Pinned
from ..texts import error_text, repr_of
from ..unwarned import unwarned

KINDS = get_args(DeviceKind)


def provider_of(name: str) -> Callable[[DiscoveryRequest], Discovery]:
    """The function that "module:function" or "file.py:function" names. Raises ConfigurationError if there is none."""
    module, _, function = name.rpartition(":")
    try:
        loaded = unwarned(_from_file, module, name) if module.endswith(".py") else unwarned(import_module, module)
        found = getattr(loaded, function)
    except (Exception, SystemExit) as error:  # the import of a user's module can fail in any way
        raise ConfigurationError(
            f"sensors={name!r} cannot be imported ({error_text(error)});"
            " check the name, install the module, or name its file (my_meter.py:discover)"
        ) from error
    if not callable(found):
        raise ConfigurationError(
            f"sensors={name!r} is {repr_of(found)}: name a function that takes a DiscoveryRequest and returns a Discovery"
        )
    provider: Callable[[DiscoveryRequest], Discovery] = found
    return provider


def _from_file(path: str, name: str) -> ModuleType:
    """Import the module in a file, under a name that no other module has.

    The text that was read is what is run, and no compiled file beside it: the user has allowed this text, if a file of settings names it.
    """
    from hashlib import sha256  # only where a file is named
    from importlib.util import module_from_spec, spec_from_file_location

    source = read_regular(path).content
    if isinstance(name, Pinned) and sha256(source).hexdigest() != name.sha256:
        raise ImportError(f"{path} has changed just now")
    spec = spec_from_file_location(f"trainwatt_own_{Path(path).stem}", path)
    if spec is None:
        raise ImportError(f"{path} is not a Python file")
    module = sys.modules[spec.name] = module_from_spec(spec)  # dataclasses look for it there
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module


def checked(name: str, found: object, taken: Iterable[str]) -> Discovery:
    """What the provider `name` returned. Raises ConfigurationError if it cannot be used, or if a device has a name that is in `taken`."""
    if not isinstance(found, Discovery):
        raise ConfigurationError(f"sensors={name!r} returned {repr_of(found)}: return a Discovery, without sensors if there are none")
    others = set(taken)
    for sensor in found.sensors:
        if (problem := _problem(sensor)) is not None:
            raise ConfigurationError(f"sensors={name!r}: {repr_of(sensor)} {problem}")
        if sensor.device.name in others:
            raise ConfigurationError(f"sensors={name!r}: another device has the name {sensor.device.name} already; give yours another name")
    return found


def _problem(sensor: Sensor) -> str | None:
    """Why an object cannot be used as a sensor; None if it can."""
    missing = [word for word in ("name", "device", "kind", "period_s", "read", "holder_pids", "close") if not hasattr(sensor, word)]
    if missing:
        return f"has no {', '.join(missing)}: see trainwatt.core.Sensor"
    if not isinstance(sensor.device, Device) or sensor.device.kind not in KINDS:
        return f"has the device {repr_of(sensor.device)}: give a Device of kind {', '.join(KINDS)}"
    if not 0 < sensor.device.max_power_w < math.inf or not 0 <= sensor.device.gain < math.inf:
        return f"has the device {repr_of(sensor.device)}: max_power_w must be more than 0 W, gain 0 or more, and both finite"
    if not isinstance(sensor.kind, Counter | Gauge):
        return f"has the kind {repr_of(sensor.kind)}: give a Counter or a Gauge"
    if isinstance(sensor.kind, Counter) != (sensor.name == "energy"):
        return f"has the name {repr_of(sensor.name)}: a counter must be named energy, and a gauge must not"
    return None
