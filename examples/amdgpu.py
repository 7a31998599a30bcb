"""AMD GPUs, read through Linux's hardware monitor: an example of sensors of one's own.

TRAINWATT_SENSORS=amdgpu:discover PYTHONPATH=examples trainwatt doctor

On a processor with a GPU of its own the driver tells the power of both, which the counters of the processor would count again.
"""

from __future__ import annotations

from pathlib import Path

from trainwatt.core import Availability, Device, Discovery, DiscoveryRequest, Finding, Gauge, ReadError, SensorLostError

# amdgpu tells the mean power, and nowhere over how long (Linux, Documentation/gpu/amdgpu/thermal.rst): taken as one second.
AVERAGE = Gauge("window", window_s=1.0)
GAIN = 0.10  # nobody has published the error of this sensor: twice what NVIDIA's has


class CardPower:
    """The mean power of one card, in watts."""

    name = "power-average"
    kind = AVERAGE
    period_s = None  # read it as often as everything else

    def __init__(self, device: Device, file: Path) -> None:
        self.device = device
        self.file = file

    def read(self) -> float:
        """The power now. What it raises books nothing: the run gets an event, and a gap with its bounds."""
        try:
            return int(self.file.read_text()) / 1e6
        except FileNotFoundError as error:
            raise SensorLostError(f"{self.file} is gone") from error  # not read again
        except (OSError, ValueError) as error:
            raise ReadError(f"{self.file}: {error}") from error

    def holder_pids(self) -> None:
        """Which processes use the card: not known."""
        return None

    def close(self) -> None:
        """Nothing is open."""


def discover(request: DiscoveryRequest) -> Discovery:
    """Every AMD card of the machine."""
    found = Discovery()
    for monitor in sorted(Path(request.sysfs, "class", "drm").glob("card[0-9]*/device/hwmon/hwmon*")):
        if text(monitor / "name") != "amdgpu" or not (monitor / "power1_average").exists():
            continue
        card = monitor.parent.parent
        limit_w = int(text(monitor / "power1_cap_max") or 0) / 1e6
        device = Device(
            card.parent.name,
            "gpu",
            max_power_w=1.2 * limit_w or 1000.0,  # bounds what is not seen; the limit lets short peaks pass
            gain=GAIN,
            gain_class="amdgpu",  # devices of one class err together
            model=text(card / "product_name") or "AMD GPU",
            uuid=text(card / "unique_id") or None,
        )
        found.sensors.append(CardPower(device, monitor / "power1_average"))
        found.findings.append(Finding("amdgpu", Availability.OK, device.name, "mean power", devices=(device.name,)))
    if not found.sensors:
        found.findings.append(
            Finding("amdgpu", Availability.ABSENT, "AMD GPUs", f"none has a hardware monitor in {request.sysfs}/class/drm")
        )
    return found


def text(file: Path) -> str:
    """What a small file says; nothing where it cannot be read."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
