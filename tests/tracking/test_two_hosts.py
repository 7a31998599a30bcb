"""Two hosts write at the same time to one folder of a network filesystem."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.fakes.world import MakeWorld, finished

HOST = 'hostname "$0" && mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"'
TRAIN = """
import sys, time
from pathlib import Path
from trainwatt import EnergyTracker
from trainwatt.machine import filesystem
filesystem.MOUNTINFO = Path(sys.argv[1])
with EnergyTracker(project="hosts", db=sys.argv[2]) as tracker:
    Path(sys.argv[3]).touch()
    while not all(Path(host).exists() for host in sys.argv[4:]):
        time.sleep(0.005)
    for step in range(400):
        with tracker.phase("train", step=step):
            time.sleep(0.005)
        tracker.update(samples=2)
"""
READ_S = 1.0
"""Each host is in its phases for 2 s. The rest is for a host whose readings begin late, because the machine is busy."""


@pytest.mark.slow
@pytest.mark.parametrize(("place", "one_job"), [("runs/", False), ("runs/", True), ("runs/one.db", True)])
def test_two_hosts_write_at_once_to_a_network_filesystem(make_world: MakeWorld, tmp_path: Path, place: str, one_job: bool) -> None:
    """Each in namespaces of its own, with its own name, boot and devices. They share the temporary folder too, as on nodes without disks,
    and their processors and memories have the same names."""
    worlds = {"node-a": make_world(gpus_w=(300.0,)), "node-b": make_world(package_w=60.0, gpus_w=(150.0,))}
    (tmp_path / "runs").mkdir()
    (tmp_path / "mountinfo").write_text(f"22 1 0:9 / {tmp_path} rw - nfs4 server:/home rw\n")
    begun = {name: str(tmp_path / f"begun-{name}") for name in worlds}
    processes = []
    for rank, (name, world) in enumerate(worlds.items()):
        (tmp_path / name).write_text(f"boot-of-{name}\n")
        job = {"RANK": str(rank), "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "job"}
        environ = world.environ(TMPDIR=str(tmp_path), **(job if one_job else {}))
        command = [sys.executable, "-c", TRAIN, str(tmp_path / "mountinfo"), str(tmp_path / place)]
        host = ["unshare", "--uts", "--mount", "sh", "-c", HOST, name, str(tmp_path / name)]
        processes.append(world.popen([*host, *command, begun[name], *begun.values()], env=environ))
    for process in processes:
        ended = finished(process)
        assert (ended.returncode, ended.stderr) == (0, "")

    files = sorted((tmp_path / "runs").glob("*.db"))
    assert [file.name for file in files] == (["one.db"] if place.endswith(".db") else ["runs-node-a.db", "runs-node-b.db"])
    for file in files:
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    reader = worlds["node-a"]
    assert reader.call("merge", str(tmp_path / place), "--into", "all.db").returncode == 0
    for db in (str(tmp_path / place), "all.db"):
        listed = json.loads(reader.call("list", "--json", "--db", db).stdout)["runs"]
        assert len(listed) == (1 if one_job else 2)
        views = [json.loads(reader.call("show", entry["run"]["id"], "--json", "--db", db).stdout) for entry in listed]
        assert sum(view["work"]["samples"] for view in views) == 1600
        for view in views:
            assert view["run"]["status"] == "completed"
            [phase] = view["phases"]
            assert (phase["count"], phase["pending_count"]) == (400, 0)
        devices = {(d["host"], d["device"]): d for view in views for d in view["energy"]["devices"]}
        assert len(devices) == 6
        for name, world in worlds.items():
            for part, watts in (("gpu0", world.gpus_w[0]), ("package-0", world.package_w), ("dram-0", world.dram_w)):
                assert devices[name, part]["high_j"] >= watts * READ_S
