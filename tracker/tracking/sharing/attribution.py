"""The setting scope="process": the share of each device's energy that is attributed to the processes of the run.

The devices are measured as a whole as ever, and stored beside the total. In the total are the shares. About every two seconds, when the run
is written, it is looked how much of each device the processes of the run have used, and how much all processes have.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...config import PROCESS, Config
from ...core.sensing import Device, Sensor, share_name
from ...energy.integrator import DeviceIntegrator, DeviceSnapshot
from ...energy.shares.curve import ShareCurve
from ...energy.shares.policy import UNKNOWN, WEIGHTS, Use
from ...errors import ConfigurationError
from ...machine.process import Identity
from ..harmless import Harmless
from ..sampling.sampler import Sampler
from ..sampling.snapshot import Snapshot
from .others import INITIAL_PID_NAMESPACE
from .tree import ProcessTree

if TYPE_CHECKING:
    from ...sensors.nvidia.process_use import ProcessUse

COST = 200
"""A look may take one part in this many of the time."""
LONGEST_NS = 8_000_000_000
"""A look is taken as often at least: the ticks of a curve are kept for twelve seconds."""
NOTES = {
    "cpu": "attributed to the processes of the run by their CPU time",
    "dram": "attributed to the processes of the run by their CPU time",
    "gpu": "attributed to the processes of the run by the time that they computed on it",
}


def attribution(
    config: Config, sampler: Sampler | None, sensors: Sequence[Sensor], tree_pid: int, me: Identity, idle_w: Mapping[str, float]
) -> Attribution | None:
    """What is attributed to the tree of `tree_pid`; None if the devices count as a whole. Raises ConfigurationError."""
    if config.scope != PROCESS or sampler is None:
        return None
    return Attribution(sampler.integrators, sensors, tree_pid=tree_pid, me=me, sysfs=config.sysfs, idle_w=idle_w)


class Attribution:
    """The shares of the devices of `integrators` that belong to the tree of `tree_pid`.

    `idle_w` is the power of each idle device, as far as it was measured. Raises ConfigurationError for a device that cannot be shared.
    """

    def __init__(
        self,
        integrators: Mapping[str, DeviceIntegrator],
        sensors: Sequence[Sensor],
        *,
        tree_pid: int,
        me: Identity,
        sysfs: str,
        idle_w: Mapping[str, float],
    ) -> None:
        self._me = me
        self._idle_w = idle_w
        self._shares: dict[str, tuple[Device, ShareCurve]] = {}
        self._gpus: dict[str, ProcessUse] = {}
        self._matched: set[str] = set()
        self._late: set[str] = set()
        counted = [integrator for integrator in integrators.values() if integrator.device.included_in_total]
        for integrator in counted:
            if (reason := self._watch(integrator.device, sensors)) is not None:
                raise ConfigurationError(
                    f"scope='process' is not possible on {integrator.device.name}: {reason}. Measure the machine (scope='machine')"
                    + (", or leave this GPU out (gpus=…)" if integrator.device.kind == "gpu" else "")
                )
        for integrator in counted:
            self._share(integrator)
        self._tree = ProcessTree(tree_pid, me.procfs, sysfs)
        self._looked_ns: int | None = None
        self._pause_ns = 0
        self._over = False

    @property
    def devices(self) -> list[Device]:
        """The shares, as devices in the total."""
        return [device for device, _ in self._shares.values()]

    def add(self, integrators: Mapping[str, DeviceIntegrator], sensors: Sequence[Sensor]) -> list[Device]:
        """Share devices too that were found later. Returns all that are to be stored: the devices as a whole, and their shares."""
        found: list[Device] = []
        for name in dict.fromkeys(sensor.device.name for sensor in sensors):
            integrator = integrators[name]
            if integrator.device.included_in_total:
                self._watch(integrator.device, sensors)
                self._share(integrator)
                self._late.add(name)  # nobody looked at its use before
                found.append(self._shares[name][0])
            found.append(integrator.device)
        return found

    def shares(self, seen: Snapshot, t_ns: int, harmless: Harmless, *, final: bool, asks: bool) -> Snapshot:
        """The snapshot with the shares beside the devices. `asks`: the driver is asked for the use of GPUs, else it is unknown."""
        whole = {name: seen.devices[name].curve for name in self._shares if name in seen.devices}
        for name, curve in whole.items():
            self._shares[name][1].begin(curve)
        due = self._looked_ns is None or t_ns - self._looked_ns >= self._pause_ns
        if not self._over and (final or (due and not any(curve.provisional for curve in whole.values()))):
            self._over = final
            begun_ns = time.thread_time_ns()
            used = self._used(harmless, asks=asks)
            self._pause_ns = min(LONGEST_NS, COST * (time.thread_time_ns() - begun_ns))
            self._looked_ns = t_ns
            for name, curve in whole.items():
                self._shares[name][1].extend(curve, UNKNOWN if name in self._late else used.get(name, UNKNOWN))
                self._late.discard(name)
        more = {
            device.name: DeviceSnapshot(device, share.curve.copy(), of.lost, of.step_s, of.covered_ns, None, None)
            for name, (device, share) in self._shares.items()
            if (of := seen.devices.get(name)) is not None
        }
        return seen._replace(devices={**seen.devices, **more})

    # ---- its parts

    def _watch(self, device: Device, sensors: Iterable[Sensor]) -> str | None:
        """Prepare to look at the use of a device. Returns why that is not possible; None if it is."""
        if device.kind == "platform":
            return "it measures the machine as a whole, and nothing tells how much of it a process uses"
        if device.kind != "gpu":
            return None
        from ...sensors.nvidia.process_use import ProcessUse
        from ...sensors.nvidia.readers import NvmlSensor

        sensor = next((s for s in sensors if s.device.name == device.name and isinstance(s, NvmlSensor)), None)
        if sensor is None:
            return "its sensor does not tell which process uses how much of it"
        use = ProcessUse(sensor)
        if (reason := use.refusal()) is None:
            self._gpus[device.name] = use
        return reason

    def _share(self, integrator: DeviceIntegrator) -> None:
        """From now on the device as a whole is beside the total, and its share is in it."""
        whole = integrator.device
        note = NOTES[whole.kind] + (f"; {whole.note}" if whole.note else "")
        device = whole._replace(name=share_name(whole.name), note=note, part_time_s=None, stand_in=None)
        integrator.device = whole._replace(included_in_total=False)
        self._shares[whole.name] = device, ShareCurve(device, self._idle_w.get(whole.name), WEIGHTS[whole.kind])

    def _used(self, harmless: Harmless, *, asks: bool) -> dict[str, Use]:
        """The use of each device since the last look, as far as it is known."""
        used: dict[str, Use] = {}
        with harmless("the CPU time of the processes of the run could not be read"):
            machine, group = self._tree.spent()
            for name, (device, _) in self._shares.items():
                if device.kind != "gpu":
                    used[name] = (machine if group is None or device.gain_class != "model" else group).use
        for name, gpu in self._gpus.items() if asks else ():
            with harmless(f"the use of {name} by processes could not be read"):
                used[name] = self._of_gpu(name, gpu.take())
        return used

    def _of_gpu(self, name: str, samples: Mapping[int, Sequence[int]]) -> Use:
        ours, theirs, unknown = 0, 0, 0
        pids = self._tree.pids
        if pids & samples.keys():
            self._matched.add(name)
        matches = name in self._matched or self._me.pid_namespace == INITIAL_PID_NAMESPACE
        for pid, percents in samples.items():
            if pid in pids:
                ours += sum(percents)
            elif matches and self._me.is_there(pid):
                theirs += sum(percents)
            else:  # it has ended, or has another number in the namespace of the driver
                unknown += sum(percents)
        return Use(ours, theirs, unknown, 100.0 * max(map(len, samples.values()), default=1))
