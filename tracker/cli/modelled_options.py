"""The options of `trainwatt whatif` that change the joules by a model, and their checks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..carbon.accounting import Estimate
from ..errors import ConfigurationError
from ..life.whatif.change import Change, ChangeKind
from ..life.whatif.modelled.another_device import Ratios

HIGHEST_W = 100_000.0
"""No device is rated higher."""
HIGHEST_RATIO = 1_000.0
COMPARING = (ChangeKind.POWER_CAP, ChangeKind.DEVICE)
"""The changes for which other runs are looked at."""


def changes(power_cap_w: float | None, gpu_utilization: float | None, device: str | None) -> list[Change]:
    """The changes that are asked for. Raises ConfigurationError."""
    found: list[Change] = []
    if power_cap_w is not None:
        if not 0.0 < power_cap_w <= HIGHEST_W:
            raise ConfigurationError(f"--power-cap {power_cap_w:g}: it is no power limit of a GPU; give watts, as in 250")
        found.append(Change(ChangeKind.POWER_CAP, power_cap_w))
    if gpu_utilization is not None:
        if not 0.0 < gpu_utilization <= 1.0:
            raise ConfigurationError(
                f"--gpu-utilization {gpu_utilization:g}: it is the share of the time in which a GPU is busy; give it above 0 and up"
                " to 1, as in 0.8"
            )
        found.append(Change(ChangeKind.GPU_UTILISATION, gpu_utilization))
    if device is not None:
        if not device.strip():
            raise ConfigurationError("--device '': no device is named; give one, such as H100")
        found.append(Change(ChangeKind.DEVICE, device.strip()))
    return found


def ratios(device: str | None, energy: str | None, time: str | None) -> Ratios | None:
    """What the user states of another device; None if nothing. Raises ConfigurationError."""
    if energy is None and time is None:
        return None
    if device is None:
        given = f"--energy-ratio {energy}" if energy is not None else f"--time-ratio {time}"
        raise ConfigurationError(f"{given}: it is the ratio to another device; name it with --device")
    if energy is None or time is None:
        given, other = (f"--energy-ratio {energy}", "--time-ratio") if time is None else (f"--time-ratio {time}", "--energy-ratio")
        raise ConfigurationError(f"{given} without {other}: a device has its own energy and its own time; give both")
    return Ratios(_estimate("--energy-ratio", energy), _estimate("--time-ratio", time))


def require_use(found: Sequence[Change], stated: Ratios | None, like: Sequence[str], unit: str | None) -> None:
    """Raises ConfigurationError for --like or --per without a change that compares runs."""
    comparing = any(change.kind in COMPARING for change in found)
    for name, value in (("--like", like[0] if like else None), ("--per", unit)):
        if value is not None and not comparing:
            raise ConfigurationError(
                f"{name} {value}: runs are compared for --power-cap and --device only; give one of them, or leave {name} out"
            )
    if like and stated is not None and not any(change.kind is ChangeKind.POWER_CAP for change in found):
        raise ConfigurationError(f"--like {like[0]} with --energy-ratio: each says what another device takes; give one of them")


def _estimate(option: str, text: str) -> Estimate:
    mend = "give one number, such as 0.7, or the lowest, the likely and the highest value, such as 0.6,0.7,0.9"
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigurationError(f"{option} {text}: it is no number; {mend}") from None
    if len(values) not in (1, 3):
        raise ConfigurationError(f"{option} {text}: it has {len(values)} numbers; {mend}")
    if not all(math.isfinite(value) and 0.0 < value <= HIGHEST_RATIO for value in values):
        raise ConfigurationError(f"{option} {text}: a ratio is above 0 and at most {HIGHEST_RATIO:,.0f}; {mend}")
    if values != sorted(values):
        raise ConfigurationError(f"{option} {text}: the values are out of order; {mend}")
    return Estimate.exact(values[0]) if len(values) == 1 else Estimate(values[1], values[0], values[2])
