"""AMD GPUs, read through Linux's hardware monitor: an example of a sensor of your own.

TRAINWATT_SENSORS=amdgpu:discover PYTHONPATH=examples trainwatt doctor

On a processor with an integrated GPU the driver reports the power of both. The processor's own counters would count that power again.
"""

from __future__ import annotations

from pathlib import Path

from trainwatt.core import Availability, Device, Discovery, DiscoveryRequest, Finding, Gauge, ReadError, SensorLostError

# A card has a mean power, the power now, or both (Linux, Documentation/hwmon/sysfs-interface.rst). amdgpu does not say over which time the
# mean is (Documentation/gpu/amdgpu/thermal.rst). We assume one second.
FILES = {
    "power1_average": ("power-average", Gauge("window", window_s=1.0), "mean power"),
    "power1_input": ("power-instant", Gauge("instant"), "power now"),
}
GAIN = 0.10  # no error is published for this sensor, so we take twice that of NVIDIA's


class CardPower:
    """The power of one card, in watts."""

    period_s = None  # read it at the tracker's own period

    def __init__(self, device: Device, file: Path) -> None:
        self.device = device
        self.file = file
        self.name, self.kind, self.words = FILES[file.name]

    def read(self) -> float:
        """The power now. After an exception nothing is booked: the run gets an event, and a gap with its bounds."""
        try:
            return int(self.file.read_text()) / 1e6
        except FileNotFoundError as error:
            raise SensorLostError(f"{self.file} is gone") from error  # it will not be read again
        except (OSError, ValueError) as error:
            raise ReadError(f"{self.file}: {error}") from error

    def holder_pids(self) -> None:
        """It is not known which processes use the card."""
        return None

    def close(self) -> None:
        """Nothing is open."""


def discover(request: DiscoveryRequest) -> Discovery:
    """Every AMD card of the machine."""
    found = Discovery()
    for monitor in sorted(Path(request.sysfs, "class", "drm").glob("card[0-9]*/device/hwmon/hwmon*")):
        if text(monitor / "name") != "amdgpu":
            continue
        card = monitor.parent.parent
        limit_w = int(text(monitor / "power1_cap_max") or 0) / 1e6
        device = Device(
            card.parent.name,
            "gpu",
            max_power_w=1.2 * limit_w or 1000.0,  # bounds what no sensor sees; short peaks exceed the limit
            gain=GAIN,
            gain_class="amdgpu",  # the errors of devices of one class add up
            model=text(card / "product_name") or "AMD GPU",
            uuid=text(card / "unique_id") or None,
        )
        # A file that is there may still not answer: some cards have a file for the mean, and reading it fails.
        sensors = [CardPower(device, monitor / name) for name in FILES if text(monitor / name).isdecimal()]
        found.sensors.extend(sensors)
        said = "; ".join(sensor.words for sensor in sensors)
        if said:
            finding = Finding("amdgpu", Availability.OK, device.name, said, devices=(device.name,))
        else:
            problem = f"neither {' nor '.join(FILES)} can be read; its energy is not counted"
            finding = Finding("amdgpu", Availability.BROKEN, device.name, problem, devices=(device.name,))
        found.findings.append(finding)
    if not found.findings:
        found.findings.append(
            Finding("amdgpu", Availability.ABSENT, "AMD GPUs", f"no hardware monitor of one in {request.sysfs}/class/drm")
        )
    return found


def text(file: Path) -> str:
    """The content of a small file; empty if it cannot be read."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
