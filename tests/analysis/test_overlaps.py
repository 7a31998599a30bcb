"""Runs that read the same devices at the same time are found and said: nobody adds up their joules unaware."""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.compared import S, put
from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import TRAINWATT, World, finished
from trainwatt.analysis.footprint import view_of
from trainwatt.analysis.footprint_totals import count_once, footprint_of, tally
from trainwatt.analysis.overlaps import APART_S, Curves, Measured, Reading, at_once, own_parts
from trainwatt.analysis.totals import members, total
from trainwatt.analysis.view import device_share
from trainwatt.core.clock import Anchor
from trainwatt.core.contract import SumJson
from trainwatt.core.point import Point
from trainwatt.energy.intervals import interval
from trainwatt.machine.process import this_process
from trainwatt.storage.read.records import DeviceRow
from trainwatt.storage.read.store import Store
from trainwatt.storage.write.writer import Writer
from trainwatt.tracking.sharing.others import Neighbours

TIMES = st.tuples(st.integers(0, 50), st.integers(1, 20))
READINGS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["h", "i"]), st.sampled_from(["gpu0", "package-0"]), TIMES), max_size=14
)


@given(READINGS)
@settings(derandomize=True)
def test_exactly_those_are_found_that_share_time_on_a_device(drawn: list[tuple[str, str, str, tuple[int, int]]]) -> None:
    readings = [Reading(run, (host, device), float(a), float(a + long)) for run, host, device, (a, long) in drawn]
    true = set[str]()
    for a, b in combinations(readings, 2):
        if a.run_id != b.run_id and a.device == b.device and min(a.end_s, b.end_s) - max(a.start_s, b.start_s) > APART_S:
            true |= {a.run_id, b.run_id}
    assert at_once(readings) == true


def test_a_sum_says_how_many_runs_were_at_once(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    put(db, "a", {"package-0": 100.0}, at_s=0, seconds=10)
    put(db, "b", {"package-0": 100.0, "gpu0": 5.0}, at_s=5, seconds=10)
    put(db, "c", {"package-0": 100.0}, at_s=15.2, seconds=10)  # follows
    put(db, "d", {"package-0": 100.0}, at_s=0, seconds=30, host="node-b")
    put(db, "e", {"gpu0": 100.0}, at_s=0, seconds=30, uuid="GPU-b")
    store = Store.open(str(db))
    runs = members(store, store.list_runs())
    store.close()
    assert total(runs)["runs_at_once"] == 2
    assert total([m for m in runs if m.run.id != "a"])["runs_at_once"] == 0


@pytest.mark.slow
def test_two_commands_at_once_say_so_in_each_run_and_in_every_sum(world: World) -> None:
    command = [*TRAINWATT, "run", "--project", "par", "--", sys.executable, "-c", "import time; time.sleep(1.5)"]
    for ended in [finished(process) for process in [world.popen(command), world.popen(command)]]:
        assert ended.returncode == 0, ended.stderr
    one, other = (run["id"] for run in world.runs())
    for run_id, beside in ((one, other), (other, one)):
        [event] = [e for e in world.show(run_id)["events"] if e["kind"] == "overlap"]
        assert f"run {beside} measured this machine at the same time" in event["detail"]
    words = "2 of them read the same devices at the same time: those joules{} are counted more than once; counted once: "
    for arguments in (("list",), ("list", "--by", "project", "--format", "md"), ("footprint", "--project", "par")):
        text = " ".join(world.call(*arguments, COLUMNS="300").stdout.split())
        assert words.format(" and grams" if arguments[0] == "footprint" else "") in text, arguments
    totals = json.loads(world.call("footprint", "--project", "par", "--json").stdout)["total"]["all"]
    assert 0 < totals["counted_once"]["total_g"] < 0.9 * totals["total_g"]
    prose = world.call("footprint", "--project", "par", "--format", "text").stdout
    assert "2 of the runs measured the same devices at the same time: the totals count this" in " ".join(prose.split())
    assert "Counted once, the runs took" in " ".join(prose.split())


@pytest.mark.parametrize(("pid", "namespace", "said"), [(1, "pid:[1]", False), (1, "pid:[2]", True), (2, "pid:[1]", True)])
def test_a_process_with_the_same_number_in_another_container_is_another_one(tmp_path: Path, pid: int, namespace: str, said: bool) -> None:
    of_run = {"status": "running", "started_utc_ns": 50, "last_seen_utc_ns": 60}
    writer = Writer.open(tmp_path / "runs.db")
    writer.write(
        {
            "run": [run("other", **of_run), run("mine")],
            "segment": [segment("seg", "other", **of_run, boot_id="boot", pid=1, pid_namespace="pid:[1]"), segment("own", "mine")],
            "device": [device("package-0", "seg"), device("package-0", "own")],
        }
    )
    me = this_process()._replace(boot_id="boot", pid=pid, pid_namespace=namespace)
    assert bool(Neighbours("mine", me, Anchor(7, 55, 7)).already_there(writer, 0)) is said
    assert bool(Neighbours("mine", me, Anchor(4, 45, 4)).met(writer, 0)) is said
    writer.close()


def test_runs_one_after_the_other_say_nothing(world: World) -> None:
    for _ in range(2):
        assert world.cli("run", "--", "true").returncode == 0
    for each in world.runs():
        assert [e for e in world.show(each["id"])["events"] if e["kind"] == "overlap"] == []
    whole = json.loads(world.call("list", "--by", "project", "--json").stdout)["total"]
    assert (whole["runs"], whole["runs_at_once"]) == (2, 0)


def sums(db: Path) -> SumJson:
    store = Store.open(str(db))
    found = total(members(store, store.list_runs()))
    store.close()
    return found


def test_a_device_counts_once_at_any_time(tmp_path: Path) -> None:
    """Both draw 10 W of one package: 0 to 10 s, and 5 to 20 s. Together that is 200 J in 20 s, and not 250 J in 25 s."""
    db = tmp_path / "runs.db"
    put(db, "a", {"package-0": 100.0}, at_s=0, seconds=10)
    put(db, "b", {"package-0": 150.0, "gpu0": 30.0}, at_s=5, seconds=15)
    found = sums(db)
    once = found["counted_once"]
    assert once is not None
    assert found["energy"]["total_j"] == pytest.approx(280)
    assert once["energy"]["total_j"] == pytest.approx(230)
    assert once["energy"]["low_j"] is not None
    assert once["energy"]["low_j"] <= 230 <= (once["energy"]["high_j"] or 0)
    assert (found["duration_s"], once["duration_s"]) == (25, 25)  # the GPU is read from the beginning of its run


def test_a_gpu_counts_once_where_containers_on_its_machine_have_names_of_their_own(tmp_path: Path) -> None:
    """A collector of the node, and a job in a pod. Without a UUID, the same name on another host is another device."""
    db = tmp_path / "runs.db"
    put(db, "node", {"gpu0": 100.0, "package-0": 10.0}, seconds=10, host="collector-x7")
    put(db, "job", {"gpu0": 50.0, "package-0": 5.0}, at_s=5, seconds=5, host="digits-0")
    found = sums(db)
    assert found["runs_at_once"] == 2
    assert found["energy"]["total_j"] == pytest.approx(165)
    assert found["counted_once"] is not None
    assert found["counted_once"]["energy"]["total_j"] == pytest.approx(115)


def test_runs_that_follow_each_other_have_no_second_sum(tmp_path: Path) -> None:
    put(tmp_path / "runs.db", "a", {"package-0": 100.0}, at_s=0, seconds=10)
    put(tmp_path / "runs.db", "b", {"package-0": 100.0}, at_s=10, seconds=10)
    assert sums(tmp_path / "runs.db")["counted_once"] is None


WINDOWS = st.lists(st.tuples(st.integers(0, 40), st.integers(2, 20)), min_size=1, max_size=6)


@given(WINDOWS)
@settings(derandomize=True)
def test_counted_once_is_the_union_of_the_windows(windows: list[tuple[int, int]]) -> None:
    """A device of 7 W, whatever the runs that read it: its energy and its hours are those of the time in which any of them ran."""
    runs = [measured(str(i), start, long) for i, (start, long) in enumerate(windows)]
    own = own_parts(runs)
    union = len({second for start, long in windows for second in range(start, start + long)})
    assert sum(interval(device_share(d) for d in o.devices).energy_j for o in own.values()) == pytest.approx(7 * union)
    assert sum(own[r.run_id].share * r.duration_s for r in runs) == pytest.approx(union)
    assert sum(own[r.run_id].gpu_share * r.duration_s for r in runs) == pytest.approx(union)


def measured(run_id: str, start_s: int, seconds: int) -> Measured:
    first, last = Point(5, counter_j=0.0), Point(5 + seconds * S, counter_j=7.0 * seconds)
    nothing = dict.fromkeys(DeviceRow._fields) | {"damage": ()}
    about = {"run_id": run_id, "segment_id": "s", "host": "h", "name": "gpu0", "kind": "gpu", "uuid": "GPU-1", "included_in_total": True}
    about |= {
        "max_power_w": 10.0,
        "gain": 0.0,
        "gain_class": "gpu",
        "offset_w": 0.0,
        "covered_ns": seconds * S,
        "first": first,
        "last": last,
    }
    row = DeviceRow(**(nothing | about))  # type: ignore[arg-type]
    return Measured(run_id, start_s * S, seconds, [row], Curves({}, {"s": [Anchor(5, start_s * S, 5)]}))


def test_a_curve_is_cut_where_the_other_run_ended_and_not_in_proportion(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    put(db, "a", {"package-0": 50.0}, at_s=0, seconds=10)
    put(db, "b", {"package-0": 100.0}, at_s=5, seconds=10)
    writer = Writer.open(db)
    writer.write({"curve_point": [point(5 * S, 90.0, "package-0", "seg-b", edge_low_j=0.0, edge_high_j=0.0)]})
    writer.close()
    once = sums(db)["counted_once"]
    assert once is not None
    assert once["energy"]["total_j"] == pytest.approx(50 + 10)
    assert once["duration_s"] == pytest.approx(15)


def test_the_making_of_hardware_counts_once_as_the_joules(tmp_path: Path) -> None:
    """Two runs held one node for the same hour, and a third the hour after: two hours of the node, not three."""
    db = tmp_path / "runs.db"
    devices = {"gpu0": 1e6, "package-0": 1e5}
    for name, at_s in (("a", 0), ("b", 0), ("c", 3600)):
        put(db, name, devices, at_s=at_s, seconds=3600, zone="FR")
    store = Store.open(str(db))
    found = [footprint_of(view_of(store, store.load(name))) for name in "abc"]
    count_once(store, found)
    store.close()
    whole = tally(found)
    once, single = whole.once, tally(found[2:])
    assert once is not None
    assert single.total is not None
    assert whole.total is not None
    assert whole.embodied is not None
    assert single.embodied is not None
    assert (whole.at_once, whole.hours, whole.gpu_hours) == (2, 3, 3)
    assert (once.hours, once.gpu_hours) == (2, 2)
    assert once.energy.central == pytest.approx(2 * 1.1e6)
    assert once.embodied.central == pytest.approx(2 * single.embodied.central)
    assert once.total.central == pytest.approx(2 * single.total.central)
    assert whole.total.central == pytest.approx(3 * single.total.central)


def test_a_run_whose_device_was_read_once_within_another_run_adds_nothing(tmp_path: Path) -> None:
    """The second one died after its first reading."""
    db = tmp_path / "runs.db"
    put(db, "a", {"package-0": 1000.0}, at_s=0, seconds=100)
    put(db, "b", {"package-0": 0.0}, at_s=50, seconds=10, seen=0.0)
    found = sums(db)
    assert found["runs_at_once"] == 2
    once = found["counted_once"]
    assert once is not None
    assert once["energy"]["total_j"] == pytest.approx(1000)
    assert once["duration_s"] == 100


def test_a_run_on_two_gpus_of_eight_keeps_its_part_of_the_host_beside_its_neighbour(tmp_path: Path) -> None:
    """Both read the package, and each has GPUs of its own: the parts of the host that they hold are different ones."""
    db = tmp_path / "runs.db"
    for name in "ab":
        put(db, name, {"gpu0": 1e6, "package-0": 1e5}, seconds=3600, uuid=f"GPU-{name}", zone="FR")
    store = Store.open(str(db))
    loaded = [stored for runs in store.load_all("ab") for stored in runs]
    runs = [Measured(s.run.id, s.run.started_utc_ns, 3600, s.devices, Curves(store.points(s.run.id), s.anchors)) for s in loaded]
    store.close()
    own = own_parts(runs)
    assert [(own[n].gpu_share, own[n].host_share, own[n].share) for n in "ab"] == [(1, 1, 1), (1, 0, 1)]


def test_processors_count_once_where_containers_on_their_machine_have_names_of_their_own(tmp_path: Path) -> None:
    """They are known by the boot of their machine. What another tool recorded has none, and is known by the name."""
    db = tmp_path / "runs.db"
    put(db, "node", {"package-0": 100.0}, host="collector-x7", boot_id="one")
    put(db, "job", {"package-0": 100.0}, host="digits-0", boot_id="one")
    put(db, "imported", {"package-0": 100.0}, host="collector-x7", boot_id="")
    put(db, "elsewhere", {"package-0": 100.0}, host="digits-0", boot_id="two")  # another machine, whose container has the same name
    found = sums(db)
    assert found["runs_at_once"] == 3
    assert found["counted_once"] is not None
    assert found["counted_once"]["energy"]["total_j"] == pytest.approx(200)
    store = Store.open(str(db))
    footprints = [view_of(store, store.load(run_id)) for run_id in ("node", "job", "imported", "elsewhere")]
    assert tally(footprints).at_once == 3  # type: ignore[arg-type]
    store.close()


def test_machines_with_one_host_name_are_not_taken_for_one(tmp_path: Path) -> None:
    """Their containers are all called localhost. Only for a run that knows no more than this name they cannot be told apart."""
    db = tmp_path / "runs.db"
    for boot_id in ("one", "two"):
        put(db, boot_id, {"package-0": 100.0}, host="localhost", boot_id=boot_id)
    assert sums(db)["runs_at_once"] == 0
    put(db, "imported", {"package-0": 100.0}, host="localhost", boot_id="")
    assert sums(db)["runs_at_once"] == 3
