"""Findings for RAPL that cannot be read. Denied, masked, absent and broken have different remedies."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from ...core.sensing import Availability, DiscoveryRequest, Finding
from ...machine.host import in_container, processor

_SOURCE = "powercap"
_WORTH = "CPU and DRAM energy measured to about ±3 % and ±10 %, instead of a model that may be wrong by several times."
_GROUP = "power"
_RULE = "/etc/udev/rules.d/70-powercap-energy.rules"
_WHY_NOT_WORLD = (
    "Do not make the files readable to everybody: another user's secrets can be inferred from them (PLATYPUS, CVE-2020-8694). "
    "For this reason the kernel reserves them for root."
)


def denied(devices: Sequence[str]) -> Finding:
    """The counters exist, but this user may not read them."""
    return Finding(
        _SOURCE,
        Availability.DENIED,
        ", ".join(devices),
        "energy_uj is readable by root only (the kernel's default since Linux 5.10)",
        remedy=_grant(_user()),
        worth=_WORTH,
        devices=tuple(devices),
    )


def broken(device: str, problem: str) -> Finding:
    """A counter exists, but its values are wrong."""
    return Finding(
        _SOURCE,
        Availability.BROKEN,
        device,
        f"{problem}; not counted",
        remedy="Look at the kernel's messages: sudo dmesg | grep -i rapl",
        worth=f"The energy of {device}.",
        devices=(device,),
    )


def unknown_zones(zones: Sequence[str]) -> Finding:
    """There are zones, but none is named a package, DRAM or the platform."""
    detail = f"no zone is named package, dram or psys: {', '.join(zones)}"
    return Finding(_SOURCE, Availability.BROKEN, "CPU and DRAM", detail, worth=_WORTH)


def nothing_found(request: DiscoveryRequest, dangling: Sequence[str]) -> Finding:
    """No zone at all: a container or a hypervisor hides them, or the module is not loaded, or the machine has none."""
    contained = in_container(request.procfs)
    if dangling or (contained and _is_empty(Path(request.sysfs, "devices", "virtual", "powercap"))):
        return _masked(dangling)
    cpu = processor(request.procfs)
    if not cpu.is_x86:
        return _absent("this processor is not x86, and RAPL is an interface of Intel and AMD processors", "", "")
    if cpu.hypervisor:
        return _absent(
            "this is a virtual machine: the hypervisor hides RAPL from its guests",
            "No command in the guest can change this. Run on bare metal (a cloud's .metal instances), or measure on the host.",
            _WORTH,
        )
    where = "On the host of this container, as root" if contained else "As root"
    return _absent(
        f"no RAPL zone in {request.sysfs}/class/powercap: the module is not loaded, or this processor is older than RAPL",
        f"{where} (the same module serves Intel and AMD):\n"
        "  sudo modprobe intel_rapl_msr\n"
        "  echo intel_rapl_msr | sudo tee /etc/modules-load.d/intel_rapl_msr.conf   # after a reboot, too",
        _WORTH,
    )


def _masked(dangling: Sequence[str]) -> Finding:
    seen = f"the links {', '.join(dangling)} in class/powercap are dangling" if dangling else "devices/virtual/powercap is empty"
    return Finding(
        _SOURCE,
        Availability.MASKED,
        "CPU and DRAM",
        f"the machine has RAPL, but this container hides it ({seen})",
        remedy="Start the container without the mask over /sys/devices/virtual/powercap:\n"
        "  docker run --security-opt systempaths=unconfined …\n"
        "  podman run --security-opt unmask=/sys/devices/virtual/powercap …\n"
        "  Kubernetes: mount both folders below from the node at /host/sys/…, read-only, and set TRAINWATT_SYSFS=/host/sys\n"
        "If /sys itself is not that of the host, add the folders too:\n"
        "  -v /sys/class/powercap:/sys/class/powercap:ro -v /sys/devices/virtual/powercap:/sys/devices/virtual/powercap:ro\n"
        "Inside, the process must be root or in the group that may read energy_uj.",
        worth=_WORTH,
    )


def _absent(detail: str, remedy: str, worth: str) -> Finding:
    return Finding(_SOURCE, Availability.ABSENT, "CPU and DRAM", detail, remedy=remedy, worth=worth)


def _grant(user: str) -> str:
    """The commands that make energy_uj readable to a group, now and after each boot."""
    rule = (
        'SUBSYSTEM=="powercap", ACTION=="add", KERNEL=="intel-rapl*:*", '
        f'RUN+="/bin/chgrp {_GROUP} /sys%p/energy_uj", RUN+="/bin/chmod 0440 /sys%p/energy_uj"'
    )
    commands = (
        f"  groupadd --system --force {_GROUP}\n"
        f"  usermod --append --groups {_GROUP} {user}\n"
        f"  echo '{rule}' > {_RULE}\n"
        "  udevadm control --reload\n"
        "  udevadm trigger --action=add --subsystem-match=powercap"
    )
    if os.geteuid() == 0:
        head = "Even root may not read it, so a container or a security module prevents it. On the host, as root:"
    else:
        head = f"Ask the administrator to run this as root, then log in again (it lets the group {_GROUP} read the counters):"
    return f"{head}\n{commands}\n{_WHY_NOT_WORLD}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # the user of a container may not be listed
        return str(os.geteuid())


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False
