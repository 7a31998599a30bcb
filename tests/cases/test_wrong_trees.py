"""Trees of the kernel that are none: settings that name another folder, and what a run does with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fakes.views import device, events
from tests.fakes.world import MakeWorld, World
from trainwatt.errors import ConfigurationError
from trainwatt.machine.host import require_kernel_trees

RUN = ("run", "--", sys.executable, "-c", "import time; time.sleep(0.5); open('done', 'w').close()")


@pytest.mark.parametrize("value", ["/nonexistent", "/proc/1", "/sys", "/etc", "/proc/meminfo", "", "a\0b"])
def test_a_folder_that_is_no_procfs_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a procfs of the kernel: .* Set TRAINWATT_PROCFS to where the host's /proc"):
        require_kernel_trees("/sys", value)


@pytest.mark.parametrize("value", ["/nonexistent", "/proc", "/", "/proc/meminfo"])
def test_a_folder_that_is_no_sysfs_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a sysfs of the kernel: .* Set TRAINWATT_SYSFS to where the host's /sys"):
        require_kernel_trees(value, "/proc")


def test_the_trees_of_the_host_and_of_a_test_are_taken(world: World, tmp_path: Path) -> None:
    require_kernel_trees("/sys", "/proc")
    (tmp_path / "host").symlink_to("/")
    require_kernel_trees(f"{tmp_path}/host/sys", f"{tmp_path}/host/proc")
    require_kernel_trees(str(world.powercap.sysfs), str(world.powercap.procfs))
    (world.powercap.procfs / "stat").write_text("")  # as a mask of a container leaves it
    require_kernel_trees(str(world.powercap.sysfs), str(world.powercap.procfs))


@pytest.mark.parametrize("name", ["TRAINWATT_PROCFS", "TRAINWATT_SYSFS"])
def test_every_command_says_which_setting_is_wrong(world: World, name: str) -> None:
    with_it = {name: "/nonexistent"}
    for command in (RUN, ("list",), ("doctor",)):
        ended = world.cli(*command, env=world.environ(**with_it)) if command is RUN else world.call(*command, **with_it)
        assert ended.returncode == 2, ended
        assert f"{name[10:].lower()}='/nonexistent'" in ended.stderr
        assert f"Set {name} to" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert not (world.work / "done").exists()  # as with any wrong setting, the command is not started
    assert not world.db.exists()


def test_a_memory_that_cannot_be_true_costs_its_own_energy_only(make_world: MakeWorld) -> None:
    """The run goes on with what is measured, says that a part is missing, and what led to it."""
    world = make_world(package_w=0)
    procfs = world.powercap.procfs
    (procfs / "meminfo").write_text(f"MemTotal: {100 * 2**30} kB\n")
    (procfs / "stat").write_text("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0 0 0\n")
    ended = world.cli(*RUN, env=world.environ(TRAINWATT_PROCFS=str(procfs)))
    assert (ended.returncode, (world.work / "done").exists()) == (0, True), ended.stderr
    assert "at least" in ended.stderr
    assert "dram not measured" in ended.stderr
    view = world.show()
    [missed] = view["energy"]["unmeasured"]
    assert "1.024e+05 GB of memory" in missed["reason"]
    assert "39 kW" in missed["reason"]
    assert view["energy"]["high_j"] < 5_000
    assert device(view, "gpu0")["energy_j"] > 0
    assert events(view, "absurd") == []
