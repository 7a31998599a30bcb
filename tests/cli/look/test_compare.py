"""`trainwatt compare`: figures as `show` has them, differences with their range, verdicts, gates, and what cannot be compared."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.fakes.compared import put
from tests.fakes.world import MakeWorld, World
from trainwatt.analysis.comparing.comparison import compare, letter
from trainwatt.analysis.comparing.gates import parse_gate
from trainwatt.analysis.comparing.side import Side, measured
from trainwatt.analysis.footprint import view_of
from trainwatt.energy.intervals import COMMON
from trainwatt.storage.read.store import Store

NODE = {"gpu0": 12_000.0, "package-0": 5_000.0, "dram-0": 600.0}
PHASES = {"train": 5, "validate": 5}
HOSTILE = "a\x1b[31m <script>alert(1)</script> [red]x[/red] | 😀 \n" + "n" * 300


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A machine with an empty database."""
    return make_world(package_w=0, gpus_w=())


def more(factor: float) -> dict[str, float]:
    return {name: joules * factor for name, joules in NODE.items()}


def compared(world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    ended = world.call("compare", *arguments, "--json")
    assert (ended.returncode, ended.stderr) == (code, ""), ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def text(world: World, *arguments: str, code: int = 0) -> str:
    ended = world.call("compare", *arguments)
    assert (ended.returncode, ended.stderr) == (code, ""), ended.stderr
    assert [line for line in ended.stdout.splitlines() if cell_len(line.rstrip()) > 80] == []
    return ended.stdout


def figure(found: dict[str, Any], number: int, name: str, of: str = "figures") -> dict[str, Any]:
    figures: list[dict[str, Any]] = found["runs"][number][of]
    return next(f for f in figures if f["name"] == name)


def test_every_figure_has_the_digits_of_show(world: World) -> None:
    put(world.db, "aaa", NODE, phases=PHASES, edge_j=5.0)
    put(world.db, "bbb", more(1.12), phases=PHASES, edge_j=5.0, at_s=1.0)
    found = compared(world, "aaa", "bbb")
    assert (found["schema_version"], found["baseline"]) == (1, "aaa")
    for number, run_id in enumerate(("aaa", "bbb")):
        view, run = world.show(run_id), found["runs"][number]
        assert run["label"] == "AB"[number]
        assert {key: run[key] for key in ("run", "energy", "work", "carbon")} == {
            key: view[key] for key in ("run", "energy", "work", "carbon")
        }
        energy = figure(found, number, "energy")
        assert [energy["value"], energy["low"], energy["high"]] == [view["energy"][key] for key in ("total_j", "low_j", "high_j")]
        assert figure(found, number, "grams")["value"] == view["carbon"]["total_g"]
        assert figure(found, number, "energy_per_sample")["value"] == view["energy"]["total_j"] / 1000
        assert figure(found, number, "energy_per_epoch")["value"] == view["energy"]["total_j"] / 5
        for key, of in (("devices", view["energy"]["devices"]), ("phases", view["phases"])):
            assert [(f["value"], f["low"], f["high"]) for f in run[key]] == [(p["energy_j"], p["low_j"], p["high_j"]) for p in of]


def test_the_parts_that_differences_are_made_of_add_up_to_what_show_says(world: World) -> None:
    """The shares are taken from the same curves once more: a run against nothing but itself twice as long would tell."""
    put(world.db, "aaa", NODE, phases=PHASES, edge_j=5.0, slack=0.02)
    put(world.db, "bbb", NODE, phases=PHASES, edge_j=5.0, slack=0.02, host="node-b", uuid="GPU-b", at_s=1.0)
    found = compared(world, "aaa", "bbb")
    for of in ("devices", "phases"):
        for f in found["runs"][1][of]:
            half = f["high"] - f["value"]
            if of == "devices":  # another machine: the bounds of both in full, and the scale errors but for their common part
                bounds = 10.0 + 0.02 * f["value"]
                own = math.sqrt(2 * (1 - COMMON.get({"gpu0": "gpu", "package-0": "cpu"}.get(f["name"], ""), 0.0) ** 2))
                assert f["change"]["high"] == pytest.approx(2 * bounds + own * (half - bounds))
            assert f["change"]["difference"] == 0
            assert f["change"]["high"] >= half


def test_on_the_same_devices_a_small_difference_can_be_told_and_elsewhere_not(world: World) -> None:
    put(world.db, "aaa", NODE)
    put(world.db, "bbb", more(1.03), at_s=1.0)
    put(world.db, "ccc", more(1.03), at_s=2.0, host="node-b", uuid="GPU-b")
    found = compared(world, "aaa", "bbb", "ccc")
    same, other = figure(found, 1, "energy"), figure(found, 2, "energy")
    assert (same["verdict"], other["verdict"]) == ("more", "no difference beyond the error")
    assert same["change"]["ratio"] == other["change"]["ratio"] == pytest.approx(1.03)
    assert found["runs"][1]["verdict"] == "B used 3 % more energy than A"
    assert found["runs"][2]["verdict"].startswith("no difference beyond the error between A and C: +3 % (−2 to +8)")
    assert any("do not cancel" in note for note in found["runs"][2]["notes"])
    assert [note.partition(":")[0] for note in found["runs"][1]["notes"]] == ["one run each"]


def test_the_same_host_name_is_the_same_machine_unless_it_says_nothing(world: World) -> None:
    cpu = {"package-0": 5_000.0}
    put(world.db, "aaa", cpu, host="localhost")
    put(world.db, "bbb", {"package-0": 5_050.0}, host="localhost.localdomain", at_s=1.0)
    put(world.db, "ccc", cpu, host="node-a", at_s=2.0)
    put(world.db, "ddd", {"package-0": 5_050.0}, host="node-a", at_s=3.0)
    assert figure(compared(world, "aaa", "bbb"), 1, "energy")["change"]["low"] < 0
    assert figure(compared(world, "ccc", "ddd"), 1, "energy")["change"]["low"] > 0


def test_a_verdict_says_less_and_times_and_per_unit(world: World) -> None:
    put(world.db, "aaa", NODE)
    put(world.db, "bbb", more(0.8), at_s=1.0)
    put(world.db, "ccc", more(4.0), samples=8000, at_s=2.0)
    found = compared(world, "aaa", "bbb", "ccc")
    assert found["runs"][1]["verdict"].startswith("B used 20 %")
    assert re.fullmatch(r"B used 20 %( \(\d+–\d+\))? less energy than A", found["runs"][1]["verdict"])
    assert found["runs"][2]["verdict"].startswith("C used 4.00 times (")
    assert "per sample: 50" in found["runs"][2]["verdict"]


def test_a_run_and_itself_do_not_differ(world: World) -> None:
    put(world.db, "aaa", NODE, phases=PHASES, edge_j=50.0)
    found = compared(world, "aaa", "aaa")
    assert found["runs"][1]["verdict"] == "B is the same run as A: no difference"
    for of in ("figures", "devices", "phases"):
        assert all(f["change"]["low"] == f["change"]["high"] == 0 for f in found["runs"][1][of])
    assert "±0" in text(world, "aaa", "aaa", "--gate", "energy +0%")


def test_what_is_not_known_is_said(world: World) -> None:
    put(world.db, "aaa", NODE, phases=PHASES)
    put(world.db, "bbb", {}, samples=0, at_s=1.0, status="failed")
    put(world.db, "ccc", {"gpu0": 12_000.0}, samples=0, at_s=2.0, status="running", seen=0.5)
    shown = text(world, "aaa", "bbb", "ccc")
    for words in ("A and B cannot be compared: no energy was recorded in B", "B: failed: it may have done part of its work only",
                  "no samples were counted", "C: has not ended", "C: a device was lost", "C: not the same parts: GPU, and A GPU+CPU+DRAM",
                  "not in this run"):  # fmt: skip
        assert words in " ".join(shown.split()), words
    found = compared(world, "aaa", "bbb", "ccc")
    assert figure(found, 2, "energy")["change"]["high"] is None
    assert figure(found, 1, "grams")["missing"] == "no energy was recorded"
    backwards = compared(world, "ccc", "aaa")
    assert figure(backwards, 1, "energy")["verdict"] == "no difference beyond the error"  # the baseline may have used more


def test_devices_meet_by_name_and_those_left_over_by_kind(world: World) -> None:
    put(world.db, "aaa", {"gpu0": 100.0, "gpu1": 200.0, "package-0": 50.0})
    put(world.db, "bbb", {"gpu1": 210.0, "gpu5": 110.0, "gpu7": 7.0}, at_s=1.0)
    found = compared(world, "aaa", "bbb")
    devices = {f["name"]: f for f in found["runs"][1]["devices"]}
    assert {name: f["value"] for name, f in devices.items()} == {"gpu0": 110.0, "gpu1": 210.0, "package-0": None, "gpu7": 7.0}
    assert (devices["gpu0"]["remark"], devices["gpu1"]["remark"]) == ("gpu5", None)
    assert (devices["package-0"]["missing"], devices["gpu7"]["change"]) == ("not in this run", None)


# ---- grams


def test_grams_on_one_set_of_assumptions_differ_as_the_energy_does(world: World) -> None:
    put(world.db, "aaa", NODE, zone="FR")
    put(world.db, "bbb", more(1.12), at_s=1.0, zone="FR")
    grams = figure(compared(world, "aaa", "bbb"), 1, "grams")
    assert grams["verdict"] == "more"  # though each alone is known to a factor of four only
    assert grams["apart"] is None
    assert 1 < grams["change"]["ratio_low"] <= grams["change"]["ratio"] <= grams["change"]["ratio_high"] <= 1.13


@pytest.mark.parametrize(
    ("of_other", "words"),
    [({"zone": "DE"}, "zone FR and DE"), ({"zone": None}, "zone FR and none"), ({"zone": "FR", "settings": '{"pue":1.5}'}, "PUE 1 and 1.5"),
     ({"zone": "FR", "settings": '{"intensity_g_per_kwh":50}'}, "50 g/kWh")],
)  # fmt: skip
def test_grams_on_other_assumptions_are_shown_and_not_compared(world: World, of_other: dict[str, Any], words: str) -> None:
    put(world.db, "aaa", NODE, zone="FR")
    put(world.db, "bbb", NODE, at_s=1.0, **of_other)
    grams = figure(compared(world, "aaa", "bbb"), 1, "grams")
    assert grams["change"] is None
    assert words in grams["apart"]
    assert grams["value"] > 0
    shown = text(world, "aaa", "bbb", "--gate", "grams +500%", code=1)
    assert "gate grams +500%: cannot be judged for B" in shown


def test_terms_put_all_runs_on_one_set(world: World) -> None:
    put(world.db, "aaa", NODE, zone="FR")
    put(world.db, "bbb", more(1.12), at_s=1.0, zone="DE")
    found = compared(world, "aaa", "bbb", "--zone", "SE", "--pue", "1.2")
    assert [run["carbon"]["zone"] for run in found["runs"]] == ["SE", "SE"]
    grams = figure(found, 1, "grams")
    assert (grams["apart"], grams["verdict"]) == (None, "more")
    assert world.call("compare", "aaa", "bbb", "--zone", "nowhere").returncode == 2
    assert world.call("compare", "aaa", "bbb", "--pue", "0.5").returncode == 2


# ---- gates


@pytest.mark.parametrize(
    ("gate", "code", "words"),
    [
        ("energy +5%", 4, "crossed by B: +12"),
        ("energy +15%", 0, "held by B: +12"),
        ("energy_per_sample +5%", 4, "crossed by B: +12"),
        ("energy_per_epoch 5 %", 4, "crossed by B"),
        ("energy +1Wh", 0, "held by B: +0.587 Wh"),
        ("energy +2000J", 4, "crossed by B: +0.587 Wh"),
        ("duration +7s", 4, "crossed by B: +8.0 s; beyond the error"),
        ("duration +8s", 0, "held by B: +8.0 s"),
        ("duration +1min", 0, "held by B: +8.0 s"),
        ("grams +50%", 0, "held by B"),
    ],
)
def test_a_gate_is_exit_code_4_when_crossed(world: World, gate: str, code: int, words: str) -> None:
    put(world.db, "aaa", NODE, phases=PHASES)
    put(world.db, "bbb", more(1.12), phases=PHASES, at_s=1.0, seconds=108.0)
    shown = text(world, "aaa", "bbb", "--gate", gate, code=code)
    assert words in shown
    judged = compared(world, "aaa", "bbb", "--gate", gate, code=code)["gates"]
    assert [(j["gate"], j["run"], j["crossed"]) for j in judged] == [(gate, "bbb", code == 4)]


def test_a_gate_says_whether_the_crossing_is_beyond_the_error(world: World) -> None:
    put(world.db, "aaa", NODE)
    put(world.db, "bbb", more(1.06), at_s=1.0)
    put(world.db, "ccc", more(1.06), at_s=2.0, host="node-b", uuid="GPU-b")
    put(world.db, "ddd", more(1.04), at_s=3.0, host="node-b", uuid="GPU-b")
    judged = compared(world, "aaa", "bbb", "ccc", "ddd", "--gate", "energy +5%", code=4)["gates"]
    assert [(j["label"], j["crossed"], j["beyond_error"]) for j in judged] == [("B", True, True), ("C", True, False), ("D", False, False)]
    said = [j["says"].split("; ") for j in judged]
    assert [parts[1] for parts in said] == ["beyond the error", "within the error", "the error reaches beyond the limit"]
    assert {parts[2] for parts in said} == {"one run each, so differences between runs are not known"}
    text(world, "aaa", "ccc", "ddd", "--gate", "energy +5%", "--beyond-error", code=0)
    assert "--beyond-error needs a gate" in world.call("compare", "aaa", "ccc", "--beyond-error").stderr


def test_one_run_each_is_no_proof_and_the_gate_abstains(world: World) -> None:
    put(world.db, "aaa", NODE)
    put(world.db, "bbb", more(1.06), at_s=1.0)
    ended = world.call("compare", "aaa", "bbb", "--gate", "energy +5%", "--beyond-error")
    assert (ended.returncode, "abstains for B: one run each" in ended.stderr) == (5, True)
    put(world.db, "ccc", {}, at_s=2.0, samples=0)
    assert "no energy was recorded" in text(world, "aaa", "ccc", "--gate", "energy +5%", code=5)


def test_a_gate_that_cannot_be_judged_fails_and_one_that_is_crossed_goes_first(world: World) -> None:
    put(world.db, "aaa", NODE)
    put(world.db, "bbb", more(1.12), samples=0, at_s=1.0)
    assert "no samples were counted" in text(world, "aaa", "bbb", "--gate", "energy_per_sample +5%", code=1)
    assert "none of these runs has counted that" in " ".join(text(world, "aaa", "bbb", "--gate", "energy_per_token +5%", code=1).split())
    text(world, "aaa", "bbb", "--gate", "energy_per_sample +5%", "--gate", "energy +5%", code=4)


@pytest.mark.parametrize("gate", ["", "energy", "+5%", "energy -5%", "power +5%", "energy +5", "energy +5s", "duration +2Wh", "energy +x%",
                                  "energy_per_ +5%", "energy +5% please", "energy +٣%"])  # fmt: skip
def test_a_gate_that_is_none_is_exit_code_2_with_what_is_accepted(world: World, gate: str) -> None:
    ended = world.call("compare", "aaa", "bbb", "--gate", gate)
    assert (ended.returncode, ended.stdout) == (2, "")
    for words in (repr(gate), "energy_per_UNIT", "duration", "grams", "kWh"):
        assert words in ended.stderr
    assert not world.db.exists()


def test_gates_are_read_as_they_are_written() -> None:
    gates = [
        parse_gate(t) for t in ("energy_per_sample +5%", " energy 2 Wh", "duration +1.5min", "grams +.5kg", "energy +1MJ", "energy +1mJ")
    ]
    assert [(g.metric, g.share, g.amount) for g in gates] == [
        ("energy_per_sample", 0.05, None), ("energy", None, 7200.0), ("duration", None, 90.0), ("grams", None, 500.0),
        ("energy", None, 1e6), ("energy", None, 1e-3),
    ]  # fmt: skip


# ---- the command


def test_usage(world: World) -> None:
    put(world.db, "aaa", NODE)
    for arguments, code, words in (
        (["aaa"], 2, "two sides or more"),
        ([], 2, "two sides or more"),
        (["aaa", "zzz"], 3, "no run 'zzz'"),
        (["aaa", "aaa", "--format", "md", "--json"], 2, "give one of them"),
        (["aaa", "aaa", "--format", "csv"], 2, "csv"),
    ):
        ended = world.call("compare", *arguments)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert words in ended.stderr


def test_long_names_of_a_sweep_can_be_told_apart(world: World) -> None:
    start, end = "resnet-50-imagenet-with-a-long-warm-up-xx/", "-on-one-node-with-eight-gpus-in-half-precision"
    for n, lr in enumerate(("0.1", "0.01", "0.001")):
        put(world.db, f"run{n}", NODE, at_s=float(n), project="sweep", name=f"{start}lr={lr}{end}", samples=1)
    shown = text(world, "--project", "sweep")
    for lr in ("/lr=0.1-", "/lr=0.01-", "/lr=0.001-"):
        assert lr in shown
    assert "\n    1 sample\n" in shown


@pytest.mark.parametrize("form", ["table", "md"])
def test_names_are_shown_as_text(world: World, form: str) -> None:
    put(world.db, "aaa", NODE, phases={HOSTILE: 2, "[bold]p": 1}, project=HOSTILE, name="[/red]")
    put(world.db, "bbb", NODE, phases={"train": 2}, at_s=1.0, name=HOSTILE)
    shown = world.call("compare", "aaa", "bbb", "--format", form)
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout
    assert "😀" in shown.stdout
    if form == "table":
        assert "<script>" in shown.stdout
        assert "\n[bold]p  " in shown.stdout
        assert [line for line in shown.stdout.splitlines() if cell_len(line.rstrip()) > 80] == []
    else:
        assert "\\<script\\>" in shown.stdout
        assert "<script>" not in shown.stdout.replace("\\<script\\>", "")
        rows = [line for line in shown.stdout.splitlines() if line.startswith("|")]
        assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def test_ten_runs_fit_80_columns(world: World) -> None:
    ids = [put(world.db, f"run{n}", more(1 + n / 50), phases=PHASES, at_s=float(n), slack=0.01 * n, edge_j=3.0) for n in range(10)]
    shown = text(world, *ids)
    assert [line.split() for line in shown.splitlines() if " − A" in line] == [["A", letter(n), letter(n), "−", "A"] for n in range(1, 10)]


def test_letters_go_on_after_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_several_processes_of_a_run_are_one_sensor(tmp_path: Path) -> None:
    """A restart adds a segment: the same GPU, whose scale error stays the same."""
    db = tmp_path / "runs.db"
    put(db, "aaa", {"gpu0": 100.0})
    put(db, "bbb", {"gpu0": 50.0}, at_s=1.0)
    put(db, "ccc", {"gpu0": 60.0}, at_s=2.0)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE segment SET run_id = 'bbb', boot_id = 'after the restart' WHERE run_id = 'ccc'")
    store = Store.open(str(db))
    try:
        runs = [store.load(run_id) for run_id in ("aaa", "bbb")]
        found = compare([Side([measured(run, view_of(store, run))]) for run in runs])
    finally:
        store.close()
    change = found[1].figures[0].change
    assert change is not None
    assert (change.difference, change.low, change.high) == pytest.approx((10.0, 9.5, 10.5))


# ---- several runs a side


def several(world: World, group: str, factors: Sequence[float], at_s: float = 0.0, **more_of: Any) -> list[str]:
    """A group of runs, ten minutes apart."""
    return [
        put(world.db, f"{group}-{n}", more(f), seconds=100 * f, at_s=at_s + 600.0 * n, group_name=group, edge_j=3.0, **more_of)
        for n, f in enumerate(factors)
    ]


EQUAL = (1.0, 1.01, 0.99, 1.005, 0.995)


def test_two_groups_are_two_sides_with_their_means(world: World) -> None:
    base, new = several(world, "base", EQUAL), several(world, "new", [0.95 * f for f in EQUAL], at_s=4000.0)
    found = compared(world, "--group", "base", "--group", "new")
    assert [(run["label"], run["name"], run["runs"]) for run in found["runs"]] == [("A", "base", base), ("B", "new", new)]
    energy = figure(found, 1, "energy")
    assert energy["values"] == pytest.approx([17_600 * 0.95 * f for f in EQUAL])
    assert energy["value"] == pytest.approx(17_600 * 0.95)
    assert (energy["change"]["ratio"], energy["verdict"]) == (pytest.approx(0.95), "less")
    # Student, two standard deviations, 8 degrees of freedom: 2.37. The scale errors leave little.
    half = 17_600 * 0.0079057 * math.sqrt((1 + 0.95**2) / 5) * 2.37
    assert energy["change"]["high"] - energy["change"]["difference"] == pytest.approx(half, rel=0.02)
    assert found["runs"][1]["verdict"] == "B used 5 % (4–6) less energy than A"
    shown = text(world, "--group", "base", "--group", "new")
    assert "B  new · 5 runs\n" in shown


def test_equal_groups_do_not_differ_and_no_gate_is_crossed_beyond_the_error(world: World) -> None:
    several(world, "base", EQUAL)
    several(world, "new", [1.004 * f for f in reversed(EQUAL)], at_s=4000.0)
    found = compared(world, "--group", "base", "--group", "new", "--gate", "energy +0.1%", "--beyond-error")
    assert figure(found, 1, "energy")["verdict"] == "no difference beyond the error"
    assert (found["gates"][0]["crossed"], found["gates"][0]["beyond_error"], found["gates"][0]["one_run_each"]) == (True, False, False)
    assert found["runs"][1]["verdict"].startswith("no difference beyond the error and the differences between runs between A and B")
    text(world, "--group", "base", "--group", "new", "--gate", "energy +0.1%", code=4)


def test_runs_of_a_side_are_named_with_commas_and_a_word_between(world: World) -> None:
    base, new = several(world, "base", EQUAL[:3]), several(world, "new", EQUAL[:3], at_s=4000.0)
    by_name = compared(world, ",".join(base), "vs", ",".join(new))
    assert [run["runs"] for run in by_name["runs"]] == [base, new]
    assert by_name["runs"][1]["figures"] == compared(world, "--group", "base", "--group", "new")["runs"][1]["figures"]


def test_a_run_with_a_comma_in_its_name_is_one_run(world: World) -> None:
    put(world.db, "aaa", NODE, name="lr=0.1,bs=8")
    put(world.db, "bbb", NODE, at_s=1.0)
    assert [run["runs"] for run in compared(world, "lr=0.1,bs=8", "bbb")["runs"]] == [["aaa"], ["bbb"]]


def test_runs_that_alternate_are_compared_in_pairs(world: World) -> None:
    warming = [1.0 + 0.05 * n for n in range(5)]
    several(world, "base", warming)
    several(world, "new", [1.02 * f for f in warming], at_s=300.0)
    found = compared(world, "--group", "base", "--group", "new")
    assert figure(found, 1, "energy")["verdict"] == "more"
    assert any("alternate" in note for note in found["runs"][1]["notes"])


def test_one_run_beside_several_is_assumed_to_vary_as_they_do(world: World) -> None:
    several(world, "base", EQUAL)
    put(world.db, "new", more(1.015), at_s=9000.0)
    found = compared(world, "--baseline", "base", "new")
    assert figure(found, 1, "energy")["verdict"] == "no difference beyond the error"
    assert any("assumed to vary" in note for note in found["runs"][1]["notes"])


def test_runs_of_a_group_that_did_not_complete_are_left_out_and_named(world: World) -> None:
    several(world, "base", EQUAL[:3])
    several(world, "new", EQUAL[:3], at_s=4000.0)
    put(world.db, "bad", more(0.1), at_s=9000.0, group_name="new", status="failed")
    ended = world.call("compare", "--group", "base", "--group", "new", "--json")
    assert [len(run["runs"]) for run in json.loads(ended.stdout)["runs"]] == [3, 3]
    assert "group new: 1 failed left out" in ended.stderr
    put(world.db, "worse", more(0.1), at_s=9999.0, group_name="broken", status="failed")
    ended = world.call("compare", "--group", "base", "--group", "broken")
    assert (ended.returncode, "--status failed compares these" in ended.stderr) == (3, True)


def test_a_run_on_two_sides_is_an_error(world: World) -> None:
    base = several(world, "base", EQUAL[:3])
    ended = world.call("compare", "--baseline", "base", base[0])
    assert (ended.returncode, "is on two sides" in ended.stderr) == (2, True)


def test_a_baseline_in_a_file_needs_no_other_database(world: World, tmp_path: Path) -> None:
    several(world, "base", EQUAL, phases=PHASES)
    new = several(world, "new", [1.05 * f for f in EQUAL], at_s=4000.0, phases=PHASES)
    direct = compared(world, "--group", "base", "--group", "new")
    file = tmp_path / "base.json"
    ended = world.call("compare", "--group", "base", "--write-baseline", str(file))
    assert (ended.returncode, ended.stdout) == (0, "")
    assert f"5 runs written to {file}" in ended.stderr
    from_file = compared(world, "--baseline", str(file), "--group", "new")
    assert from_file == direct
    with sqlite3.connect(world.db) as connection:
        connection.execute("DELETE FROM run WHERE group_name = 'base'")
    assert compared(world, "--baseline", str(file), ",".join(new), "--gate", "energy +2%", "--beyond-error", code=4)["gates"][0]["crossed"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not a baseline"),
        ("[]", "is not a baseline"),
        ('{"runs": []}', "is not a baseline"),
        ("[" * 5000, "is not a baseline"),
        ('{"trainwatt_baseline": 2, "runs": []}', "of format 2"),
        ('{"trainwatt_baseline": 1, "name": null, "runs": [{"view": {}}]}', "not complete"),
        ('{"trainwatt_baseline": 1, "name": null, "runs": []}', "not complete"),
    ],
)
def test_a_file_that_is_no_baseline_is_named_with_the_mend(world: World, tmp_path: Path, content: str, words: str) -> None:
    put(world.db, "aaa", NODE)
    file = tmp_path / "base.json"
    file.write_text(content, encoding="utf-8")
    ended = world.call("compare", "--baseline", str(file), "aaa")
    assert (ended.returncode, ended.stdout) == (2, "")
    for word in (words, str(file), "--write-baseline"):
        assert word in ended.stderr
