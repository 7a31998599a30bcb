"""Jobs of Slurm, from `sacct -P`."""

from __future__ import annotations

import pytest

from tests.fakes.imported import Shelf, csv_text
from trainwatt.errors import ConfigurationError

COLUMNS = ["JobID", "JobName", "Account", "State", "Start", "End", "Elapsed", "NNodes", "NodeList", "AllocTRES", "ConsumedEnergyRaw"]
JOB = {
    "JobID": "4711", "JobName": "train", "Account": "nlp", "State": "COMPLETED", "Start": "2024-03-01T10:00:00", "Elapsed": "1-02:00:00",
    "NNodes": 2, "NodeList": "gpu[01-02]", "AllocTRES": "billing=128,cpu=128,gres/gpu:a100=8,gres/gpu=8,node=2",
    "ConsumedEnergyRaw": 336_960_000,
}  # fmt: skip


def sacct(*rows: dict[str, object], columns: list[str] = COLUMNS) -> str:
    return csv_text(rows, columns, "|")


def test_a_job_is_a_run_of_its_nodes(shelf: Shelf) -> None:
    shelf.imports(shelf.file("jobs.txt", sacct(JOB)))
    run = shelf.only()
    assert run["run"]["duration_s"] == 26 * 3600
    assert (run["run"]["project"], run["run"]["name"], run["run"]["external"]) == ("nlp", "train", {"slurm_job_id": "4711"})
    assert run["energy"]["total_j"] == 336_960_000
    assert run["energy"]["boundary"] == "machine"
    assert run["energy"]["low_j"] == 0  # other jobs may have run on the nodes
    assert run["energy"]["high_j"] == pytest.approx(1.1 * 336_960_000)
    [gpus] = run["carbon"]["embodied_lines"]
    assert gpus["count"] == 8


def test_whole_nodes_have_a_narrow_range(shelf: Shelf) -> None:
    shelf.imports(shelf.file("jobs.txt", sacct(JOB)), "--exclusive")
    assert shelf.only()["energy"]["low_j"] == pytest.approx(0.9 * 336_960_000)


def test_the_energy_of_steps_stands_in_where_the_job_has_none(shelf: Shelf) -> None:
    job = {**JOB, "ConsumedEnergyRaw": ""}
    steps = [
        {"JobID": f"4711.{name}", "Elapsed": "1:00", "ConsumedEnergyRaw": joules}
        for name, joules in (("batch", 900), ("0", 400), ("1", 700))
    ]
    shelf.imports(shelf.file("jobs.txt", sacct(job, *steps, {**JOB, "JobID": "4712"})))
    assert sorted(entry["energy"]["total_j"] for entry in shelf.runs()) == [1100, 336_960_000]


def test_jobs_end_as_slurm_says(shelf: Shelf) -> None:
    states = ["COMPLETED", "FAILED", "CANCELLED by 1000", "TIMEOUT", "OUT_OF_MEMORY"]
    shelf.imports(shelf.file("jobs.txt", sacct(*({**JOB, "JobID": str(i), "State": s} for i, s in enumerate(states)))))
    assert sorted(entry["run"]["status"] for entry in shelf.runs()) == ["completed", "failed", "failed", "interrupted", "interrupted"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ConsumedEnergyRaw": 0}, ["no energy", "AcctGatherEnergyType", "estimate --save"]),
        ({"ConsumedEnergyRaw": "18446744073709551614"}, ["no energy"]),
        ({"ConsumedEnergyRaw": "much"}, ["'much'", "not a number"]),
        ({"ConsumedEnergyRaw": 10**17}, ["kW a node"]),
        ({"State": "RUNNING"}, ["has not ended (RUNNING)"]),
        ({"Elapsed": "Unlimited"}, ["'Unlimited'", "1-02:03:04"]),
        ({"JobID": ""}, ["JobID is empty"]),
    ],
)
def test_a_job_that_cannot_be_used_is_left_out_and_named(shelf: Shelf, changes: dict[str, object], words: list[str]) -> None:
    result = shelf.call("import", shelf.file("jobs.txt", sacct({**JOB, **changes}, {**JOB, "JobID": "5"})))
    assert (result.exit_code, len(shelf.runs())) == (1, 1)
    assert all(word in result.stderr for word in ["line 2", *words]), result.stderr


def test_the_three_columns_alone_are_enough_and_what_is_taken_for_granted_is_said(shelf: Shelf) -> None:
    file = shelf.file("jobs.txt", sacct(JOB, columns=["JobID", "Elapsed", "AllocTRES", "ConsumedEnergyRaw"]))
    assert "time of this import" in shelf.call("import", file).stderr
    assert shelf.imports(file)["unchanged"] == 1
    assert shelf.imports(shelf.file("jobs.txt", sacct({**JOB, "JobID": "9"})), "--started", "2024-01-01")["added"] == 1


def test_rounded_energies_with_units_are_read(shelf: Shelf) -> None:
    columns = ["JobID", "Start", "Elapsed", "NNodes", "ConsumedEnergy"]
    shelf.imports(shelf.file("jobs.txt", sacct({**JOB, "ConsumedEnergy": "336.96M"}, columns=columns)))
    assert shelf.only()["energy"]["total_j"] == pytest.approx(336_960_000)


def test_output_without_energy_is_refused_with_the_command_to_use(shelf: Shelf) -> None:
    with pytest.raises(ConfigurationError, match=r"ConsumedEnergyRaw.*sacct -P --format="):
        shelf.call("import", shelf.file("jobs.txt", sacct(JOB, columns=["JobID", "Elapsed", "AllocTRES"])))
