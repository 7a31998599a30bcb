"""Runs in jobs of Slurm: their share of a node, and `show --cross-check`, which asks a real process named sacct."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.core.test_contract import problems
from tests.fakes.stored_rows import device, point, run, segment
from tests.fakes.world import World
from trainwatt.cli.main import cli
from trainwatt.core import contract
from trainwatt.machine.slurm import sacct as asking

S = 10**9
W = 100.0
SECONDS = 60
HEAD = "JobIDRaw|State|NNodes|NodeList|Elapsed|ConsumedEnergyRaw"
JOB = {"slurm_job_id": "4711"}
CPUS = {"logical_cpus": 144, "allowed_cpus": None}


def held(**changes: Any) -> dict[str, Any]:
    row = {
        "job": "4711",
        "step": None,
        "node": None,
        "cpus": 18,
        "gpus": 2,
        "memory_bytes": None,
        "of_cpus": 72,
        "of_cores": 72,
        "of_gpus": 8,
    }
    return {**row, **changes}


def inventory_of(allocation: dict[str, Any], host: str = "gpu01") -> dict[str, str]:
    name = f"slurm {allocation['job']}.{allocation['step']}"
    return {"run_id": "r", "host": host, "kind": "allocation", "name": name, "detail": json.dumps(allocation)}


class Job:
    """A run of a minute of 100 W on each of some hosts, and a folder of programs."""

    def __init__(self, root: Path) -> None:
        self.root, self.programs = root, root / "bin"
        self.programs.mkdir()
        self.db = root / "runs.db"

    def ran(self, *hosts: str, external: dict[str, str] = JOB, allocation: dict[str, Any] | None = None, **of_run: Any) -> Job:
        rows: dict[str, list[Any]] = {"segment": [], "device": [], "curve_point": [], "clock_anchor": [], "inventory": []}
        for host in hosts or ("gpu01",):
            ends = {"started_utc_ns": 0, "start_t_ns": 0, "end_t_ns": SECONDS * S, "last_seen_utc_ns": SECONDS * S}
            rows["segment"].append(segment(f"s-{host}", "r", host=host, status="completed", **ends))
            rows["clock_anchor"].append({"segment_id": f"s-{host}", "monotonic_ns": 0, "utc_ns": 0, "boottime_ns": 0})
            rows["device"].append(device("gpu0", f"s-{host}", uuid=f"GPU-{host}"))
            rows["curve_point"] += [point(t * S, t * W, "gpu0", f"s-{host}") for t in (0, SECONDS)]
            rows["inventory"].append({"run_id": "r", "host": host, "kind": "cpu", "name": "c", "detail": json.dumps(CPUS)})
            if allocation is not None:
                rows["inventory"].append(inventory_of(allocation, host))
        ends = {"started_utc_ns": 0, "ended_utc_ns": SECONDS * S, "last_seen_utc_ns": SECONDS * S}
        of_run = {"status": "completed", "host": (hosts or ("gpu01",))[0], **ends, **of_run}
        write(self.db, run=[run("r", external=json.dumps(external), **of_run)], **rows)
        return self

    def sacct(self, script: str) -> Job:
        program = self.programs / "sacct"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return self

    def says(self, *rows: str, head: str = HEAD) -> Job:
        return self.sacct("cat <<'END'\n" + "\n".join([head, *rows]) + "\nEND")

    def call(self, *arguments: str, path: str | None = None) -> Result:
        environ = {"PATH": f"{self.programs}:/usr/bin:/bin" if path is None else path, "COLUMNS": "1000"}
        ended = CliRunner().invoke(cli, ["show", "r", *arguments, "--db", str(self.db)], env=environ)
        assert ended.exit_code == 0, ended.output
        return ended

    def line(self, **how: Any) -> str:
        found = [line for line in self.call("--cross-check", **how).stdout.splitlines() if line.startswith("cross-check")]
        assert len(found) == 1
        return found[0]

    def checked(self, **how: Any) -> Any:
        view = json.loads(self.call("--cross-check", "--json", **how).stdout)
        assert problems(view, contract.ShowCheckedJson) == []
        return view["cross_check"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


# ---- the share of a node


def test_a_share_of_a_node_is_said_and_scales_nothing(job: Job) -> None:
    job.ran(allocation=held())
    shown = job.call().stdout
    assert "Slurm job 4711 has a share of node gpu01: 18 of 72 cores and 2 of 8 GPUs. The energy is that of the whole devices" in shown
    view = json.loads(job.call("--json").stdout)
    assert problems(view, contract.ShowJson) == []
    assert view["energy"]["total_j"] == SECONDS * W
    assert view["allocations"][0]["part_of_node"] is True


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cpus": 72, "gpus": 8}, None),
        ({"cpus": 72, "gpus": None, "of_gpus": None}, None),
        ({"cpus": None, "gpus": None}, None),
        ({"cpus": 72}, "72 of 72 cores and 2 of 8 GPUs"),
        ({"gpus": None}, "18 of 72 cores."),
        ({"cpus": 1, "of_cpus": 144, "of_cores": 72, "gpus": None}, "1 of 144 processors."),
        ({"cpus": 72, "of_cpus": 144, "of_cores": 72, "gpus": None}, None),  # all cores, or half of the processors
        ({"cpus": 18, "of_cpus": 72, "of_cores": None, "gpus": None}, "18 of 72 processors."),  # Arm names no cores
        ({"cpus": "18", "of_cpus": [], "gpus": -1}, None),  # damaged
        ({"cpus": 72, "gpus": 8, "of_gpus": 4}, None),
    ],
)
def test_only_a_known_part_of_a_node_is_called_one(job: Job, changes: dict[str, Any], said: str | None) -> None:
    shown = job.ran(allocation=held(**changes)).call().stdout
    assert ("has a share" in shown) is (said is not None)
    assert said is None or f"gpu01: {said}" in shown


@pytest.mark.parametrize(("allowed", "said"), [(36, "18 of 72 cores"), (18, "18 of 144 processors"), (18.5, "18 of 144 processors")])
def test_the_control_group_tells_whether_slurm_counts_cores(job: Job, monkeypatch: pytest.MonkeyPatch, allowed: float, said: str) -> None:
    monkeypatch.setitem(CPUS, "allowed_cpus", allowed)
    assert said in job.ran(allocation=held(of_cpus=144)).call().stdout


def test_a_modelled_energy_is_not_called_that_of_whole_devices(job: Job) -> None:
    job.ran(allocation=held(gpus=None))
    with sqlite3.connect(job.db) as db:
        db.execute("UPDATE curve_point SET modelled_j = counter_j, counter_j = 0")
    db.close()
    assert "The energy is that of a model" in job.call().stdout


def test_nodes_with_equal_shares_have_one_line(job: Job) -> None:
    shown = job.ran(*(f"n{i}" for i in range(6)), allocation=held()).call().stdout
    assert shown.count("has a share") == 1
    assert "each of the nodes n0, n1, n2, n3 and 2 more: 18 of 72 cores" in shown


def test_gpus_that_were_read_beyond_those_of_the_job_are_said(job: Job) -> None:
    job.ran(allocation=held(gpus=1, of_gpus=None))
    with_two = {"device": [device("gpu1", "s-gpu01", uuid="GPU-other")]}
    write(job.db, **with_two, curve_point=[point(t * S, t * W, "gpu1", "s-gpu01") for t in (0, SECONDS)])
    shown = job.call().stdout
    assert "1 of 2 GPUs" in shown
    assert "1 GPU more than the job has were read" not in shown
    assert "1 GPU more than the job has was read" in shown


@pytest.mark.slow
def test_a_real_run_records_its_allocation(world: World) -> None:
    node = {"SLURM_JOB_ID": "4711", "SLURM_STEP_ID": "3", "SLURMD_NODENAME": "gpu07", "SLURM_JOB_NODELIST": "gpu[06-07]"}
    environ = world.environ(**node, SLURM_JOB_CPUS_PER_NODE="2,1", SLURM_GPUS_ON_NODE="1", SLURM_JOB_NUM_NODES="2")
    ended = world.cli("run", "--", "sleep", "0.3", env=environ)
    assert ended.returncode == 0, ended.stderr
    view = world.show()
    assert view["run"]["external"] == {
        "slurm_job_id": "4711", "slurm_step_id": "3", "slurm_nodes": "gpu[06-07]", "slurm_node_count": "2"
    }  # fmt: skip
    [allocation] = view["allocations"]
    assert (allocation["node"], allocation["cpus"], allocation["gpus"], allocation["gpus_read"]) == ("gpu07", 1, 1, 1)
    assert allocation["part_of_node"] is ((os.cpu_count() or 1) > 1 or None)


def test_a_real_run_survives_any_variables(world: World) -> None:
    wrong = dict.fromkeys(("SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_JOB_CPUS_PER_NODE", "SLURM_GPUS_ON_NODE"), "[9-" + "9" * 6000)
    code = "from trainwatt import EnergyTracker\nwith EnergyTracker(): pass"
    ended = world.run_python(code, env=world.environ(**wrong, SLURM_MEM_PER_NODE="\udcff", SLURMD_NODENAME="\udcff"))
    assert (ended.returncode, ended.stderr) == (0, "")
    view = world.show()
    assert (view["run"]["status"], view["events"]) == ("completed", [])
    assert (view["allocations"][0]["cpus"], view["allocations"][0]["part_of_node"]) == (None, None)


# ---- the cross-check


def test_what_slurm_has_recorded_stands_beside_what_was_measured(job: Job) -> None:
    job.ran().says("4711|COMPLETED|1|gpu01|00:01:00|7500", "4711.0|COMPLETED|1|gpu01|00:00:59|7000")
    found = job.checked()
    assert (found["recorded_j"], found["measured_j"], found["ratio"], found["missing"]) == (7500, 6000, 0.8, None)
    line = job.line()
    for words in (
        "2.08 Wh for job 4711 (1 node, 1 min 00 s)",
        "1.67 Wh",
        "on the same node",
        "0.800 times as much",
        "fans and the work of other",
    ):
        assert words in line
    assert "times differ" not in line


def test_the_step_of_the_run_is_taken_where_it_has_energy(job: Job) -> None:
    job.ran(external={**JOB, "slurm_step_id": "1"})
    job.says("4711|RUNNING|1|gpu01|01:00:00|", "4711.0|COMPLETED|1|gpu01|00:00:59|7000", "4711.1|COMPLETED|1|gpu01|00:01:00|8000")
    assert (job.checked()["recorded_j"], job.checked()["step"]) == (8000, "1")
    job.says("4711|COMPLETED|1|gpu01|01:00:00|90000", "4711.1|COMPLETED|1|gpu01|00:01:00|")
    assert (job.checked()["recorded_j"], job.checked()["step"]) == (90000, None)
    assert "The two times differ" in job.line()


def test_a_batch_script_is_compared_with_its_job(job: Job) -> None:
    job.ran(external={**JOB, "slurm_step_id": "4294967291"})
    job.says("4711|COMPLETED|1|gpu01|00:01:00|7500", "4711.batch|COMPLETED|1|gpu01|00:01:00|7400")
    assert (job.checked()["recorded_j"], job.checked()["step"]) == (7500, None)


def test_only_nodes_of_the_job_are_compared(job: Job) -> None:
    job.ran("gpu01.cluster.example", "gpu02", "login").says("4711|COMPLETED|3|gpu[01-03]|00:01:00|24000")
    found = job.checked()
    assert (found["measured_j"], found["measured_nodes"], found["recorded_nodes"]) == (12000, 2, 3)
    assert "on 2 of these nodes" in job.line()


def test_a_host_with_another_name_than_its_node_is_known_by_its_allocation(job: Job) -> None:
    job.ran("container-7", allocation=held(node="gpu02")).says("4711|COMPLETED|1|gpu02|00:01:00|7500")
    assert job.checked()["measured_j"] == 6000


def test_all_jobs_of_a_run_that_was_resumed_are_added_up(job: Job) -> None:
    """Job 4711 was requeued once, and the run went on in step 0 of job 4802."""
    job.ran(allocation=held())
    write(job.db, inventory=[inventory_of(held(job="4802", step="0"))])
    job.says(
        *("4711|REQUEUED|1|gpu01|00:00:20|2500", "4711.batch|CANCELLED|1|gpu01|00:00:20|2400"),
        *("4711|TIMEOUT|1|gpu01|00:00:20|2500", "4802|COMPLETED|2|gpu[01-02]|00:00:40|9000", "4802.0|COMPLETED|1|gpu01|00:00:20|2500"),
    )
    found = job.checked()
    assert (found["jobs"], found["step"], found["recorded_j"], found["recorded_s"]) == (["4711", "4802"], None, 7500, 60)
    assert "2.08 Wh for the jobs 4711 and 4802 (1 node, 1 min 00 s)" in job.line()
    job.says("4711|TIMEOUT|1|gpu01|00:00:20|2500")
    assert (job.checked()["missing"], job.checked()["detail"]) == ("unknown-job", "job 4802")


def test_a_part_without_a_figure_leaves_no_sum(job: Job) -> None:
    job.ran().says("4711|NODE_FAIL|1|gpu01|00:00:20|", "4711|COMPLETED|1|gpu01|00:00:40|5000")
    assert job.checked()["missing"] == "no-energy"
    job.says("4711|REQUEUED|1|gpu01|00:00:00|", "4711|COMPLETED|1|gpu01|00:00:40|5000")  # it never began
    assert job.checked()["recorded_j"] == 5000


def test_steps_at_the_same_time_are_not_added_up(job: Job) -> None:
    job.ran(allocation=held(step="0"))
    write(job.db, inventory=[inventory_of(held(step="1"))])
    job.says("4711|COMPLETED|1|gpu01|00:01:00|7500", *(f"4711.{step}|COMPLETED|1|gpu01|00:01:00|7400" for step in (0, 1)))
    assert (job.checked()["recorded_j"], job.checked()["step"]) == (7500, None)
    assert job.call().stdout.count("gpu01: 18 of 72") == 1


@pytest.mark.parametrize(
    ("rows", "missing", "words"),
    [
        (("4711|COMPLETED|1|gpu01|00:01:00|0",), "no-energy", "AcctGatherEnergyType"),
        (("4711|COMPLETED|1|gpu01|00:01:00|",), "no-energy", "no energy"),
        (("4711|COMPLETED|1|gpu01|00:01:00|65534",), "no-energy", "no energy"),
        (("4711|COMPLETED|1|gpu01|00:01:00|18446744073709551614",), "no-energy", "no energy"),
        (("4711|COMPLETED|1|gpu01|00:01:00|1e17",), "wrong", "more than any node draws"),
        (("4711|COMPLETED|1|gpu01|00:01:00|much",), "wrong", "'much'"),
        (("4711|COMPLETED|1|gpu01|long|7500",), "wrong", "'long'"),
        (("4711|RUNNING|1|gpu01|00:01:00|7500",), "job-running", "RUNNING"),
        ((), "unknown-job", "does not know job 4711"),
        (("4712|COMPLETED|1|gpu01|00:01:00|7500",), "unknown-job", "4711"),
        (("4711.0|COMPLETED|1|gpu01|00:01:00|7500",), "unknown-job", "4711"),
        (("4711|COMPLETED",), "unknown-job", "4711"),
    ],
)
def test_no_figure_is_one_clear_line(job: Job, rows: tuple[str, ...], missing: str, words: str) -> None:
    job.ran().says(*rows)
    assert job.checked()["missing"] == missing
    line = job.line()
    assert line.startswith("cross-check: none, because ")
    assert words in line


@pytest.mark.parametrize(
    ("script", "missing", "words"),
    [
        ("echo 'sacct: error: Problem talking to the database' >&2; exit 1", "failed", "Problem talking to the database"),
        ("exit 7", "failed", "exit code 7"),
        ("kill -9 $$", "failed", "exit code -9"),
        ("printf '\\033[31mred\\377' >&2; exit 1", "failed", "red"),
        ("echo Slurm accounting storage is disabled", "wrong", "did not print the table"),
        ("true", "wrong", "did not print the table"),
        ("yes 4711", "too-long", "too long"),
    ],
)
def test_an_sacct_that_fails_is_one_clear_line(job: Job, script: str, missing: str, words: str) -> None:
    job.ran().sacct(script)
    assert job.checked()["missing"] == missing
    line = job.line()
    assert words in line
    assert "\033" not in line


def test_an_sacct_that_hangs_is_ended_with_its_processes(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwatt.analysis.slurm.cross_check.PATIENCE_S", 0.5)
    job.ran().sacct(f"sleep 1000 & echo $! > {job.root}/pid; wait")
    assert "did not answer in time" in job.line()
    pid = int((job.root / "pid").read_text())
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    assert state in ("", "Z")


def test_an_sacct_whose_child_keeps_the_pipe_is_read(job: Job) -> None:
    job.ran().sacct(f"printf '{HEAD}\\n4711|COMPLETED|1|gpu01|00:01:00|7500\\n'; sleep 20 & exit 0")
    assert job.checked()["recorded_j"] == 7500


def test_without_sacct_it_is_said(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job.ran()
    assert job.checked(path="/nowhere")["missing"] == "no-sacct"
    assert "not on the PATH" in job.line(path="")
    job.says("4711|COMPLETED|1|gpu01|00:01:00|7500")
    monkeypatch.chdir(job.programs)
    assert job.checked(path=".:")["missing"] == "no-sacct"  # whoever can write to this folder could have put it there
    (job.programs / "sacct").write_text("no program")
    assert job.checked()["missing"] == "failed"


def test_runs_that_nothing_can_be_compared_with_ask_nobody(job: Job) -> None:
    job.sacct(f"touch {job.root}/asked")
    for changes, missing in (
        ({"external": {}}, "no-job"),
        ({"external": {"slurm_job_id": "--help"}}, "wrong"),
        ({"status": "running", "ended_utc_ns": None, "host": "elsewhere"}, "running"),
        ({"settings": json.dumps({"origin": "imported"})}, "not-tracked"),
    ):
        job.db.unlink(missing_ok=True)
        job.ran(**changes)
        assert job.checked()["missing"] == missing
    assert not (job.root / "asked").exists()


def test_sacct_is_asked_for_this_job_of_this_cluster_only(job: Job) -> None:
    job.sacct(f'echo "$@" > {job.root}/asked; echo "$SACCT_FORMAT" >> {job.root}/asked')
    job.ran(external={**JOB, "slurm_cluster": "alps"}).call("--cross-check")
    words, formatted = (job.root / "asked").read_text().splitlines()
    since = datetime.fromtimestamp(-3600).isoformat()
    assert words == f"--parsable2 --format={asking.FORMAT} --jobs=4711 --duplicates --starttime={since} --clusters=alps"
    assert formatted == ""


def test_it_stands_below_the_ranks_too(job: Job) -> None:
    job.ran().says("4711|COMPLETED|1|gpu01|00:01:00|7500")
    shown = job.call("--ranks", "--cross-check").stdout
    assert "read by" in shown
    assert "cross-check: Slurm has recorded" in shown
