"""The sinks of a run, offered by a package that is really installed, in processes of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.world import MakeWorld, World, finished
from tests.tracking.test_two_hosts import HOST

SINKS = """
import json, time
from dataclasses import dataclass

class Kept:
    per_host = True
    period_s = 0.1
    def __init__(self, text):
        self.file = open(text, "a", buffering=1)
    def _keep(self, what, *values):
        self.file.write(json.dumps([what, *values]) + "\\n")
    def begin(self, run, now):
        self._keep("begin", run._asdict())
    def write(self, live):
        self._keep("write", {**live._asdict(), "devices": [d._asdict() for d in live.devices]})
    def end(self):
        self._keep("end")

class Once(Kept):
    per_host = False

class Broken(Kept):
    def write(self, live):
        raise OSError("the disk is full")

class Stuck(Kept):
    def write(self, live):
        time.sleep(100)

class Late(Kept):
    tries = 0
    def begin(self, run, now):
        self.tries += 1
        if self.tries < 3:
            raise ConnectionError("nobody is there")
        super().begin(run, now)

def picky(text):
    from trainwatt import ConfigurationError
    raise ConfigurationError(f"{text} is no address")
"""
POINTS = """[trainwatt.sinks]
kept = the_sinks:Kept
once = the_sinks:Once
broken = the_sinks:Broken
stuck = the_sinks:Stuck
late = the_sinks:Late
picky = the_sinks:picky
gone = the_sinks:Gone
"""
LOOP = """
import sys, time
from trainwatt import EnergyTracker
with EnergyTracker(project="p", budget="1 kWh", intensity_g_per_kwh=100, tags={"lr": "1"}, sinks=sys.argv[1:] or None) as tracker:
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        time.sleep(0.05)
        tracker.update(samples=2)
"""


def with_sinks(world: World) -> World:
    """Install a package that offers sinks, where processes of the world find it."""
    (world.work / "the_sinks.py").write_text(SINKS)
    info = world.work / "the_sinks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: the-sinks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    return world


def kept(world: World, name: str = "kept") -> list[Any]:
    path = world.work / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow
def test_sinks_get_what_is_known_and_at_the_end_the_digits_of_show(world: World) -> None:
    ended = with_sinks(world).run_python(LOOP, "kept=kept", "broken=broken", "stuck=stuck", "late=late")
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    assert view["run"]["status"] == "completed"

    first, *written, last = kept(world)
    assert first[0] == "begin"
    begun = first[1]
    assert (begun["run_id"], begun["project"], begun["tags"]) == (view["run"]["id"], "p", {"lr": "1"})
    assert last == ["end"]
    going = [one for what, one in written[:-1] if what == "write"]
    assert {one["status"] for one in going} == {"running"}
    joules = [one["energy_j"] for one in going if one["energy_j"] is not None]
    assert len(joules) >= 5
    assert joules == sorted(joules)
    late = going[-1]
    assert late["power_w"] == pytest.approx(world.total_w, rel=0.2)
    assert late["energy_j"] == pytest.approx(late["seconds"] * world.total_w, rel=0.2)
    assert late["carbon_g"] == pytest.approx(late["energy_j"] / 3.6e6 * 100, rel=0.5)
    assert late["budget_share"] == pytest.approx(late["energy_j"] / 3.6e6, rel=0.05)
    assert late["units"]["samples"] > 0
    by_name = {device["name"]: device for device in late["devices"]}
    assert by_name["gpu0"]["power_w"] == pytest.approx(world.gpus_w[0], rel=0.2)
    assert (by_name["gpu0"]["kind"], by_name["gpu0"]["counts"]) == ("gpu", True)
    assert by_name["package-0"]["provenance"] == "measured-counter"

    [final] = [one for what, one in written[-1:] if what == "write"]
    assert final["status"] == "completed", ended.stderr
    assert final["energy_j"] == view["energy"]["total_j"]
    assert final["carbon_g"] == view["carbon"]["total_g"]
    assert final["units"] == view["work"]
    assert {d["name"]: d["energy_j"] for d in final["devices"]} == {d["device"]: d["energy_j"] for d in view["energy"]["devices"]}

    [said, *more] = [event["detail"] for event in view["events"] if event["kind"] == "sink"]
    assert {said, *more} == {
        "the sink broken does not get the figures of the run: OSError: the disk is full",
        "the sink late does not get the figures of the run: ConnectionError: nobody is there",
    }
    assert ended.stderr.count("the disk is full") == 1
    assert "the sink stuck does not answer" in ended.stderr
    assert [what for what, *_ in kept(world, "late")][:2] == ["begin", "write"]


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("kep", "there is no sink 'kep' (did you mean kept?); there are broken, gone, kept,"),
        ("gone", "'gone' of the-sinks cannot be used: AttributeError"),
        ("picky=x:y", "sinks: 'picky=x:y': x:y is no address"),
        ("=kept", "sinks=['=kept'] in the arguments: name each sink"),
        ("kept=/nowhere/else", "'kept=/nowhere/else' of the-sinks cannot be used: FileNotFoundError"),
    ],
)
def test_a_sink_that_cannot_be_used_is_refused_before_the_training(world: World, setting: str, why: str) -> None:
    code = "import sys\nfrom trainwatt import *\ntry: EnergyTracker(sinks=[sys.argv[1]]).start()\nexcept ConfigurationError as e: print(e)"
    ended = with_sinks(world).run_python(code, setting)
    assert why in ended.stdout, ended
    assert not world.db.exists()


@pytest.mark.slow
def test_a_command_and_the_tracker_inside_it_have_each_sink_once(make_world: MakeWorld) -> None:
    world = with_sinks(make_world())
    inner = "import time\nfrom trainwatt import *\nwith EnergyTracker(sinks=['once=once', 'kept=kept']) as t:\n"
    inner += "    t.update(samples=3)\n    time.sleep(4)"
    ended = world.cli("run", "--sink", "kept=outer", "--", sys.executable, "-c", inner)
    assert ended.returncode == 0, ended.stderr
    assert kept(world, "outer")[0][0] == "begin"
    *_, before, final, _end = kept(world, "outer")
    assert final[1]["energy_j"] == world.show()["energy"]["total_j"]
    assert before[1]["units"] == final[1]["units"] == {"samples": 3}  # they are counted in the command
    assert kept(world, "once")[0][1]["run_id"] == world.show()["run"]["id"]  # the command has no such sink
    assert kept(world, "kept") == []  # the command reads the sensors

    world = with_sinks(make_world())
    env = world.environ(TRAINWATT_SINKS="once=once")
    assert world.cli("run", "--", sys.executable, "-c", "from trainwatt import *\nwith EnergyTracker(): pass", env=env).returncode == 0
    assert [what for what, *_ in kept(world, "once")].count("begin") == 1


@pytest.mark.slow
def test_of_ranks_the_first_has_the_sinks_of_the_run_and_the_one_that_reads_those_of_the_machine(make_world: MakeWorld) -> None:
    world = with_sinks(make_world())
    code = "import os, time\nfrom trainwatt import *\nr = os.environ['RANK']\n"
    code += "with EnergyTracker(sinks=[f'once=once{r}', f'kept=kept{r}']): time.sleep(1.5)"
    ranks = [
        world.python(code, env=world.environ(WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", RANK=str(r), LOCAL_RANK=str(r), TORCHELASTIC_RUN_ID="a"))
        for r in range(2)
    ]
    assert [finished(rank).returncode for rank in ranks] == [0, 0]
    assert len(world.runs()) == 1
    begun = {name: bool(kept(world, name)) for name in ("once0", "once1", "kept0", "kept1")}
    assert (begun["once0"], begun["once1"]) == (True, False)
    assert begun["kept0"] != begun["kept1"]


@pytest.mark.slow
def test_on_each_host_of_a_job_one_rank_has_the_sinks_of_the_machine(make_world: MakeWorld, tmp_path: Path) -> None:
    """The ranks of the second host join a run, and take the devices of their host when they begin."""
    hosts = {"node-a": with_sinks(make_world(gpus_w=(300.0,))), "node-b": with_sinks(make_world(gpus_w=(150.0,)))}
    code = "import os, sys, time\nfrom pathlib import Path\nfrom trainwatt import *\nbegun = Path(sys.argv[2])\n"
    code += (
        "with EnergyTracker(db=sys.argv[1], sinks=[f\"kept=kept{os.environ['LOCAL_RANK']}\"]):\n    (begun / os.environ['RANK']).touch()\n"
    )
    code += "    while len(list(begun.iterdir())) < 4: time.sleep(0.02)\n    time.sleep(6)"
    (tmp_path / "begun").mkdir()
    ranks = []
    for node, (name, world) in enumerate(hosts.items()):
        (tmp_path / name).write_text(f"boot-of-{name}\n")
        for local in range(2):
            job = {
                "WORLD_SIZE": "4",
                "LOCAL_WORLD_SIZE": "2",
                "RANK": str(2 * node + local),
                "LOCAL_RANK": str(local),
                "TORCHELASTIC_RUN_ID": "a",
            }
            command = ["unshare", "--uts", "--mount", "sh", "-c", HOST, name, str(tmp_path / name), sys.executable, "-c", code]
            command += [str(tmp_path / "job.db"), str(tmp_path / "begun")]
            ranks.append(world.popen(command, env=world.environ(**job)))
    for rank in ranks:
        ended = finished(rank)
        assert (ended.returncode, ended.stderr) == (0, "")
    view = json.loads(hosts["node-a"].call("show", "latest", "--json", "--db", str(tmp_path / "job.db")).stdout)
    assert len(view["energy"]["devices"]) == 6
    for name, world in hosts.items():
        [[first, *written, last]] = [file for local in range(2) if (file := kept(world, f"kept{local}"))]
        assert (first[0], first[1]["host"], last) == ("begin", name, ["end"])
        live, final = written[-2][1], written[-1][1]
        assert live["devices"]
        assert {device["host"] for device in live["devices"]} == {name}
        assert live["power_w"] == pytest.approx(sum(each.total_w for each in hosts.values()), rel=0.5)
        of_host = {device["device"]: device["energy_j"] for device in view["energy"]["devices"] if device["host"] == name}
        shown = {device["name"]: device["energy_j"] for device in final["devices"]}
        assert shown.keys() == of_host.keys()
        assert all(0 < shown[name] <= of_host[name] for name in shown)  # another rank reads on if it ends later


def test_a_file_of_settings_may_not_send_figures_anywhere(tmp_path: Path, world: World) -> None:
    with_sinks(world)
    (world.work / "trainwatt.toml").write_text('sinks = ["kept=kept"]\n')
    ended = world.run_python("from trainwatt import *\nwith EnergyTracker(): pass")
    assert "sinks is not followed" in ended.stderr
    assert kept(world) == []
    assert world.cli("trust").returncode == 0
    ended = world.run_python("from trainwatt import *\nwith EnergyTracker(): pass")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert kept(world)[0][0] == "begin"
