"""Changes that change the joules: a power limit, another device, busier GPUs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from trainwatt.analysis.footprint import footprint
from trainwatt.carbon.tables.power_caps import lowest_share, published, studies
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError
from trainwatt.life.whatif.modelled.busier import idle_w
from trainwatt.life.whatif.modelled.facts import Piece

S = 10**9
TERMS = ("--intensity", "360", "--pue", "1")
A100 = "NVIDIA A100-SXM4-80GB"

Profile = Sequence[tuple[int, float, float]]
"""Until when, in seconds, how many watts, and which share of the time a GPU was busy."""


class Told:
    """A run to store: its GPUs with their profiles, the power limit that was in force, and what it counted."""

    def __init__(
        self,
        *gpus: Profile,
        model: str = A100,
        limit_w: float | None = 250.0,
        work: Row | None = None,
        cpu_w: float = 0.0,
        activity: bool = True,
        **columns: Any,
    ) -> None:
        self.gpus, self.model, self.limit_w, self.work, self.cpu_w = gpus, model, limit_w, work or {}, cpu_w
        self.activity, self.columns = activity, columns


def stored(folder: Path, **runs: Told) -> Path:
    rows: dict[str, list[Row]] = {
        name: [] for name in ("run", "segment", "device", "clock_anchor", "curve_point", "activity_point", "work", "inventory")
    }
    for number, (name, told) in enumerate(runs.items()):
        segment_id, lasts_s = f"s-{name}", max((profile[-1][0] for profile in told.gpus), default=1000)
        began = number * 10**15
        end = {"started_utc_ns": began, "ended_utc_ns": began + lasts_s * S, "duration_s": float(lasts_s), "status": "completed"}
        rows["run"].append(run(name, **{**end, **told.columns}))
        rows["segment"].append(segment(segment_id, name, status="completed", start_t_ns=0, end_t_ns=lasts_s * S))
        rows["clock_anchor"].append({"segment_id": segment_id, "monotonic_ns": 0, "utc_ns": began, "boottime_ns": 0})
        rows["work"] += [{"segment_id": segment_id, "unit": unit, "phase": "", "amount": n} for unit, n in told.work.items()]
        for n, profile in enumerate(told.gpus):
            gpu = f"gpu{n}"
            rows["device"].append(device(gpu, segment_id, uuid=f"GPU-{name}-{n}", model=told.model, gain=0.01))
            rows["inventory"].append(
                {"run_id": name, "host": "node-a", "kind": "gpu", "name": gpu, "detail": json.dumps({"model": told.model})}
            )
            joules, busy_ms, at = 0.0, 0.0, 0
            rows["curve_point"].append(point(0, 0.0, gpu, segment_id, edge_low_j=0.0, edge_high_j=0.0))
            for until, watts, busy in profile:
                for second in range(at + 10, until + 1, 10):
                    joules, busy_ms = joules + 10 * watts, busy_ms + 10_000 * busy
                    rows["curve_point"].append(point(second * S, joules, gpu, segment_id, edge_low_j=0.0, edge_high_j=0.0))
                    if told.activity:
                        sums: Row = {"seen_ms": second * 1000, "busy_ms": round(busy_ms), "busy_scatter_ms2": 0, "throttled": "{}"}
                        sums["limit_w_ms"] = None if told.limit_w is None else round(told.limit_w * second * 1000)
                        rows["activity_point"].append({"segment_id": segment_id, "device": gpu, "t_ns": second * S, **sums})
                at = until
        if told.cpu_w or not told.gpus:
            rows["device"].append(device("package-0", segment_id, kind="cpu", model="AMD EPYC 7763", gain=0.01, gain_class="rapl"))
            rows["inventory"].append({"run_id": name, "host": "node-a", "kind": "cpu", "name": "AMD EPYC 7763", "detail": '{"sockets": 1}'})
            joules = (told.cpu_w or 100.0) * lasts_s
            rows["curve_point"] += [point(t * S, j, "package-0", segment_id) for t, j in ((0, 0.0), (lasts_s, joules))]
    return write(folder / "runs.db", **rows)


def call(db: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["whatif", *arguments, *TERMS[2:], "--db", str(db)], env={"COLUMNS": "120"}, standalone_mode=False)


def outcome(db: Path, *arguments: str) -> Any:
    """The result of one modelled change; the other options set nothing that changes."""
    result = CliRunner().invoke(cli, ["whatif", *arguments, "--db", str(db), "--json"], standalone_mode=False)
    assert result.exception is None, result.exception
    view = json.loads(result.stdout)
    [found] = view["alone"]
    return {**found, "was_j": view["base"]["energy_j"], "was": view["base"]}


BUSY = [(1000, 240.0, 0.95)]


# ---- a power limit


def test_the_published_pair_lies_within_the_range(tmp_path: Path) -> None:
    """Samsi et al. 2023: four A100 of 80 GB, 250 to 175 W: 23.2 % less energy, 6.7 % more time."""
    db = stored(tmp_path, llama=Told(*[BUSY] * 4))
    found = outcome(db, "llama", "--power-cap", "175")
    energy, time = found["energy_ratio"], found["time_ratio"]
    assert energy["value"] == pytest.approx(1 - 0.232, abs=0.0005)
    assert energy["low"] < 1 - 0.232 < energy["high"]
    assert time["value"] == pytest.approx(1.067)
    assert time["low"] < 1.067 < time["high"]
    assert found["modelled"]
    assert found["energy_low_j"] < found["was_j"] * (1 - 0.232) < found["energy_high_j"]
    assert found["hours"] == pytest.approx(found["was"]["hours"] * 1.067)
    assert found["site_energy_j"] == pytest.approx(found["was"]["site_energy_j"] * energy["value"])
    assert found["models"] == [
        {"kind": "power-cap", "source": "published", "runs": [], "unit": None, "published": published(0.7).source}  # type: ignore[union-attr]
    ]


@pytest.mark.parametrize("work", [{"samples": (1000, 500)}, {"requests": (300, 900)}, {}])
@pytest.mark.parametrize("command", ["python train.py", None])
def test_between_two_runs_the_interpolation_is_exact_at_both(tmp_path: Path, work: Any, command: str | None) -> None:
    """A run at 250 W and one at 150 W did the same work, of which the second did another amount if it was counted."""
    counts: list[Row] = [{unit: amounts[i] for unit, amounts in work.items()} for i in (0, 1)]
    db = stored(
        tmp_path,
        high=Told([(1000, 240.0, 0.95)], limit_w=250.0, work=counts[0], command=command),
        low=Told([(600, 148.0, 0.99)], limit_w=150.0, work=counts[1], command=command),
    )
    times = next((a / b for a, b in work.values()), 1.0)
    there = outcome(db, "high", "--power-cap", "150")
    assert there["energy_j"] == pytest.approx(148 * 600 * times, rel=1e-12)
    assert there["hours"] == pytest.approx(600 * times / 3600, rel=1e-12)
    back = outcome(db, "low", "--power-cap", "250")
    assert back["energy_j"] == pytest.approx(240 * 1000 / times, rel=1e-12)
    middle = outcome(db, "high", "--power-cap", "200")
    assert middle["energy_j"] == pytest.approx((240 * 1000 + 148 * 600 * times) / 2, rel=1e-12)
    assert middle["models"][0]["source"] == "own-runs"
    assert middle["models"][0]["runs"] == ["low"]
    assert middle["models"][0]["unit"] == next(iter(work), None)
    assert middle["energy_low_j"] < middle["energy_j"] < middle["energy_high_j"]


def test_runs_on_another_model_or_of_other_work_are_not_compared(tmp_path: Path) -> None:
    db = stored(
        tmp_path,
        mine=Told(BUSY, work={"samples": 100}),
        other_gpu=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}, model="NVIDIA H100 80GB HBM3"),
        other_count=Told([(600, 148.0, 0.99)], [(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}),
        other_unit=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"tokens": 100}),
        other_project=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}, project="letters"),
        failed=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}, status="failed"),
    )
    assert outcome(db, "mine", "--power-cap", "175")["models"][0]["source"] == "published"
    named = outcome(db, "mine", "--power-cap", "175", "--like", "other_project")
    assert named["models"][0]["runs"] == ["other_project"]


def test_a_power_limit_asks_for_no_grams_of_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(*given: Any) -> Any:
        asked.append(given[1].run.id)
        return footprint(*given)

    monkeypatch.setattr("trainwatt.life.whatif.modelled.modelling.footprint", counted)
    db = stored(tmp_path, mine=Told(BUSY, work={"samples": 100}), other=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}))
    assert outcome(db, "mine", "--power-cap", "175")["models"][0]["source"] == "own-runs"
    assert asked == []
    there = Told([(500, 600.0, 0.99)], model="NVIDIA H100 80GB HBM3", limit_w=700.0, work={"samples": 100})
    db = stored(tmp_path / "two", mine=Told(BUSY, work={"samples": 100}), there=there)
    outcome(db, "mine", "--device", "H100")
    assert "there" in asked


@pytest.mark.parametrize("other", [{"command": "eval.py"}, {"stage": "inference"}, {"status": "interrupted"}, {"work": {"samples": 5}}])
def test_whole_runs_of_other_work_are_not_compared(tmp_path: Path, other: Any) -> None:
    mine: Any = {"command": "train.py", "stage": "training"}
    db = stored(tmp_path, mine=Told(BUSY, **mine), low=Told([(600, 148.0, 0.99)], limit_w=150.0, **{**mine, **other}))
    found = outcome(db, "mine", "--power-cap", "175")["models"][0]["source"]
    assert found == ("own-runs" if "work" in other else "published")


def test_runs_with_the_command_of_the_run_are_preferred(tmp_path: Path) -> None:
    """A project has models of several sizes, whose samples are not alike."""
    db = stored(
        tmp_path,
        mine=Told(BUSY, work={"samples": 100}, command="train.py --size small"),
        large=Told([(9000, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}, command="train.py --size large"),
        small=Told([(1200, 148.0, 0.99)], limit_w=150.0, work={"samples": 100}, command="train.py --size small"),
    )
    assert outcome(db, "mine", "--power-cap", "150")["models"][0]["runs"] == ["small"]


def test_named_runs_that_tell_nothing_of_the_limit_are_refused(tmp_path: Path) -> None:
    """The one is at the limit of the run, the other on another GPU: neither is left for published figures without a word."""
    db = stored(
        tmp_path,
        mine=Told(BUSY, work={"samples": 1}),
        same=Told(BUSY, work={"samples": 1}),
        other=Told([(600, 148.0, 0.99)], limit_w=150.0, work={"samples": 1}, model="NVIDIA H100 80GB HBM3"),
        none=Told(BUSY),
    )
    for like in ("same", "other", "none"):
        result = call(db, "mine", "--power-cap", "175", "--like", like)
        assert isinstance(result.exception, ConfigurationError)
        assert all(word in str(result.exception) for word in ("--power-cap 175", "--like", "run mine", "published")), result.exception


def test_runs_that_were_faster_at_a_lower_limit_are_doubted(tmp_path: Path) -> None:
    db = stored(
        tmp_path,
        mine=Told(BUSY, work={"samples": 1}),
        half=Told([(500, 148.0, 0.99)], limit_w=150.0, work={"samples": 1}),
    )
    doubted = " ".join(call(db, "mine", "--power-cap", "150").stdout.split())
    assert "from your run half, compared per sample. A lower power limit makes no GPU faster" in doubted
    back = call(db, "half", "--device", "H100", "--energy-ratio", "1", "--time-ratio", "0.5")
    assert "makes no GPU faster" not in back.stdout


def test_beyond_the_limits_of_the_runs_published_figures_are_used(tmp_path: Path) -> None:
    db = stored(tmp_path, high=Told(BUSY, work={"samples": 1}), low=Told([(1000, 198.0, 0.9)], limit_w=200.0, work={"samples": 1}))
    assert outcome(db, "high", "--power-cap", "175")["models"][0]["source"] == "published"
    assert outcome(db, "high", "--power-cap", "225")["models"][0]["source"] == "own-runs"


def test_only_what_was_drawn_above_the_limit_is_affected(tmp_path: Path) -> None:
    """Half of the time at 240 W, half at 100 W, which no limit of 175 W touches; but the mean of ten seconds may hide some of it."""
    db = stored(tmp_path, half=Told([(500, 240.0, 0.95), (1000, 100.0, 0.3)]))
    found = outcome(db, "half", "--power-cap", "175")
    cap = published(0.7)
    assert cap is not None
    assert found["energy_ratio"]["value"] == pytest.approx(1 - 240 / 340 * (1 - cap.energy.central))
    assert found["energy_ratio"]["low"] == pytest.approx(cap.energy.low)
    assert found["time_ratio"]["value"] == pytest.approx(1 + 0.5 * (cap.time.central - 1))


def test_an_idle_gpu_beside_busy_ones_is_idle_for_longer(tmp_path: Path) -> None:
    db = stored(tmp_path, mine=Told(BUSY, [(1000, 60.0, 0.0)], cpu_w=100.0))
    found = outcome(db, "mine", "--power-cap", "175")
    cap = published(0.7)
    assert cap is not None
    longer = (1 + cap.time.central) / 2
    assert found["energy_j"] == pytest.approx(240_000 * cap.energy.central + 60_000 + 100_000 * longer, rel=1e-9)


def test_without_a_recorded_limit_the_rated_power_stands_for_it(tmp_path: Path) -> None:
    """An A100 SXM4 of 80 GB is rated at 400 W: 280 W are 70 %."""
    db = stored(tmp_path, old=Told([(1000, 390.0, 0.9)], activity=False))
    assert outcome(db, "old", "--power-cap", "280")["energy_ratio"]["value"] == pytest.approx(0.7679)


@given(st.floats(0.0, 1.0))
def test_published_figures_are_in_order_and_meet_the_points(share: float) -> None:
    share = lowest_share() + share * (1.0 - lowest_share())
    found = published(share)
    assert found is not None
    assert found.energy.low <= found.energy.central <= found.energy.high <= 1.0
    assert 1.0 <= found.time.low <= found.time.central <= found.time.high
    for study in studies():
        for cap in study:
            at = published(cap.share)
            if at is not None:
                assert at.energy.low <= cap.energy.central <= at.energy.high
                assert at.time.low <= cap.time.central <= at.time.high


# ---- busier GPUs


def test_busier_gpus_take_less_time_and_leave_idle_power_out(tmp_path: Path) -> None:
    """30 % busy at 300 W, else 80 W: at 60 % the same work takes half of the time, and 500 s of idle power are saved."""
    profile = [(t, *((300.0, 1.0) if t % 100 <= 30 and t % 100 else (80.0, 0.0))) for t in range(10, 1001, 10)]
    db = stored(tmp_path, mine=Told(profile))
    found = outcome(db, "mine", "--gpu-utilization", "0.6")
    was_j = 1000 * (0.3 * 300 + 0.7 * 80)
    assert found["was_j"] == pytest.approx(was_j)
    assert found["energy_j"] == pytest.approx(was_j - 500 * 80)
    assert found["hours"] == pytest.approx(500 / 3600)
    assert found["embodied_g"] == pytest.approx(found["was"]["embodied_g"] / 2)
    assert found["models"][0]["source"] == "activity"
    whole = outcome(db, "mine", "--gpu-utilization", "1")
    assert whole["energy_j"] == pytest.approx(300 * 300)


def test_utilisation_from_30_to_80_percent_is_about_a_third(tmp_path: Path) -> None:
    """Wu et al. 2022, Fig. 9, for a GPU whose power hardly depends on its use: 0.375 of the time, of the hardware, and of most energy."""
    db = stored(tmp_path, mine=Told([(t, *((110.0, 1.0) if t % 100 <= 30 and t % 100 else (100.0, 0.0))) for t in range(10, 1001, 10)]))
    found = outcome(db, "mine", "--gpu-utilization", "0.8")
    assert 0.33 < found["ratio"] < 0.40


def test_a_gpu_that_was_never_idle_has_a_wide_range(tmp_path: Path) -> None:
    """200 W at 60 % and 140 W at 30 %: the line through both meets 80 W at 0; but it may be anything between 0 and 140 W."""
    db = stored(tmp_path, mine=Told([(500, 200.0, 0.6), (1000, 140.0, 0.3)]))
    found = outcome(db, "mine", "--gpu-utilization", "0.9")
    assert found["energy_ratio"]["value"] == pytest.approx(1 - 80 * 500 / 170_000, rel=1e-6)
    assert found["energy_ratio"]["high"] == pytest.approx(1.0)
    assert found["energy_ratio"]["low"] == pytest.approx(1 - 140 * 500 / 170_000, rel=1e-6)


def test_an_idle_gpu_beside_a_busy_one_gets_no_work(tmp_path: Path) -> None:
    """One GPU computes for half of 1,000 s. At 100 % it takes 500 s, not less, and both GPUs leave out 500 s of their idle power."""
    half = [(t, *((300.0, 1.0) if t % 20 else (80.0, 0.0))) for t in range(10, 1001, 10)]
    db = stored(tmp_path, mine=Told(half, [(1000, 60.0, 0.0)]))
    found = outcome(db, "mine", "--gpu-utilization", "1")
    assert found["time_ratio"]["value"] == pytest.approx(0.5)
    assert found["energy_j"] == pytest.approx(found["was_j"] - 500 * 80 - 500 * 60)


def test_the_time_is_at_least_that_in_which_the_busiest_gpu_computed(tmp_path: Path) -> None:
    """90 % and 40 % are 65 % on average: at 72 % the first one computes all the time. Equally busy ones can both reach 100 %."""
    db = stored(
        tmp_path,
        uneven=Told([(1000, 240.0, 0.9)], [(1000, 140.0, 0.4)]),
        even=Told(*[[(500, 240.0, 0.1 + share), (1000, 240.0, 0.7 - share)] for share in (0.1, 0.2, 0.3)], command="other.py"),
    )
    assert outcome(db, "uneven", "--gpu-utilization", "0.72")["time_ratio"]["value"] == pytest.approx(0.65 / 0.72)
    assert outcome(db, "even", "--gpu-utilization", "1")["time_ratio"]["value"] == pytest.approx(0.4)
    printed = " ".join(call(db, "uneven", "even", "--gpu-utilization", "0.8").stdout.split())
    assert "Left as recorded (one of their GPUs computed for longer than the others): uneven." in printed


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 700.0), st.floats(0.1, 100.0)), min_size=1, max_size=12))
def test_idle_power_lies_within_its_range(pieces: list[tuple[float, float, float]]) -> None:
    found = idle_w([Piece(busy, watts * seconds, seconds) for busy, watts, seconds in pieces])
    assert 0.0 <= found.low <= found.central <= found.high <= max(watts for _, watts, _ in pieces) * (1 + 1e-9)


# ---- another device


def runs_on_two(tmp_path: Path) -> Path:
    return stored(
        tmp_path,
        mine=Told([(1000, 240.0, 0.95)], work={"tokens": 1000}),
        there=Told([(600, 500.0, 0.95)], limit_w=700.0, work={"tokens": 2000}, model="NVIDIA H100 80GB HBM3"),
    )


def test_another_device_takes_what_the_own_runs_took_there(tmp_path: Path) -> None:
    """Half of the work of the run on the other device, with its energy, its time and its hardware."""
    db = runs_on_two(tmp_path)
    found = outcome(db, "mine", "--device", "H100")
    there = outcome(db, "there", "--device", "A100")["was"]
    assert found["energy_j"] == pytest.approx(150_000)
    assert found["hours"] == pytest.approx(300 / 3600)
    for bound in ("embodied_g", "embodied_low_g", "embodied_high_g"):
        assert found[bound] == pytest.approx(there[bound] / 2)
    assert found["models"] == [{"kind": "device", "source": "own-runs", "runs": ["there"], "unit": "tokens", "published": None}]


def test_declared_ratios_replace_each_gpu(tmp_path: Path) -> None:
    """The making of the GPU is that of the other model; the host is held for the other time."""
    db = stored(tmp_path, mine=Told(BUSY, BUSY, cpu_w=100.0))
    found = outcome(db, "mine", "--device", "H100", "--energy-ratio", "0.5,0.6,0.8", "--time-ratio", "0.4")
    shown = CliRunner().invoke(cli, ["show", "mine", "--db", str(db), "--json"], standalone_mode=False).stdout
    carbon = json.loads(shown)["carbon"]
    was, held = carbon["embodied_gpu_g"], carbon["embodied_host_g"]
    kg = next(line["footprint_kg"] for line in carbon["embodied_lines"] if line["part"] == "gpu")
    assert found["energy_ratio"] == pytest.approx({"value": 0.6, "low": 0.5, "high": 0.8})
    assert found["embodied_g"] == pytest.approx(0.4 * (held + was * 164 / kg), rel=0.01)
    assert found["models"][0]["source"] == "declared"


def test_an_unknown_device_is_a_lower_bound(tmp_path: Path) -> None:
    db = stored(tmp_path, mine=Told(BUSY))
    found = outcome(db, "mine", "--device", "Abacus 9000", "--energy-ratio", "0.5", "--time-ratio", "1")
    assert found["embodied_lower_bound"]


# ---- several changes and several runs


def test_changes_compose(tmp_path: Path) -> None:
    db = stored(tmp_path, mine=Told([(t, *((240.0, 1.0) if t % 20 else (80.0, 0.0))) for t in range(10, 1001, 10)]))
    arguments = ["whatif", "mine", "--power-cap", "175", "--gpu-utilization", "0.9", "--pue", "1.5", "--db", str(db), "--json"]
    view = json.loads(CliRunner().invoke(cli, arguments, standalone_mode=False).stdout)
    pue, cap, busier = view["alone"]
    assert [o["modelled"] for o in (pue, cap, busier, view["together"])] == [False, True, True, True]
    assert view["together"]["energy_j"] == pytest.approx(
        view["base"]["energy_j"] * cap["energy_ratio"]["value"] * busier["energy_ratio"]["value"]
    )
    assert view["together"]["operational_g"] == pytest.approx(
        pue["operational_g"] * cap["energy_ratio"]["value"] * busier["energy_ratio"]["value"]
    )
    assert [m["kind"] for m in view["together"]["models"]] == ["power-cap", "gpu-utilization"]


def test_runs_that_a_change_does_not_touch_stay_and_are_named(tmp_path: Path) -> None:
    db = stored(tmp_path, gpu=Told(BUSY), cpu=Told(), low=Told([(1000, 140.0, 0.9)], limit_w=150.0, command="other.py"))
    found = outcome(db, "gpu", "cpu", "low", "--power-cap", "175")
    assert [(u["run"], u["reason"]) for u in found["unchanged"]] == [("cpu", "no-gpu"), ("low", "not-lower")]
    alone = outcome(db, "gpu", "--power-cap", "175")
    assert found["was_j"] - found["energy_j"] == pytest.approx(alone["was_j"] - alone["energy_j"])
    printed = " ".join(call(db, "gpu", "cpu", "low", "--power-cap", "175").stdout.split())
    assert "Left as recorded (no GPU): cpu." in printed
    assert "(modelled)" in printed
    assert "Samsi et al. 2023" in printed


def test_an_estimate_has_the_same_models_as_a_run(tmp_path: Path) -> None:
    """Its time is that of its GPUs, and the limit is the rated power: 700 W."""
    db = stored(tmp_path, mine=Told(BUSY))
    made = ["estimate", "--gpu-hours", "100", "--device", "H100", "--watts", "600", "--save", "--name", "guess", "--db", str(db)]
    assert CliRunner().invoke(cli, made, standalone_mode=False).exception is None
    capped = outcome(db, "guess", "--power-cap", "490")
    assert capped["energy_ratio"]["value"] == pytest.approx(0.7679)
    assert capped["time_ratio"]["value"] == pytest.approx(1.067)
    assert capped["gpu_hours"] == pytest.approx(106.7)
    slower = outcome(db, "guess", "--device", "A100", "--energy-ratio", "1.5", "--time-ratio", "2")
    assert (slower["energy_j"], slower["gpu_hours"]) == (pytest.approx(1.5 * 100 * 600 * 3600), pytest.approx(200))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mine", "--power-cap", "0"), ("--power-cap 0", "250")),
        (("mine", "--power-cap", "nan"), ("--power-cap nan",)),
        (("mine", "--power-cap", "260"), ("--power-cap 260", "250 W", "lower")),
        (("mine", "--power-cap", "100"), ("--power-cap 100", "40 %", "60 %", "150 W")),
        (("cpu", "--power-cap", "100"), ("run cpu", "no GPU")),
        (("odd", "--power-cap", "100"), ("run odd", "Abacus", "tdp_w")),
        (("mine", "--gpu-utilization", "80"), ("--gpu-utilization 80", "0.8")),
        (("mine", "--gpu-utilization", "0.5"), ("0.5", "0.95")),
        (("old", "--gpu-utilization", "0.5"), ("run old", "earlier version")),
        (("mine", "--device", "H200"), ("--device H200", "run mine", "--like", "--energy-ratio")),
        (("mine", "--device", "A100"), ("--device A100", "was on it")),
        (("mine", "--device", " "), ("no device is named",)),
        (("mine", "--energy-ratio", "0.5"), ("--energy-ratio 0.5", "--device")),
        (("mine", "--device", "H100", "--energy-ratio", "0.5"), ("--energy-ratio 0.5", "--time-ratio", "both")),
        (("mine", "--device", "H100", "--energy-ratio", "x", "--time-ratio", "1"), ("--energy-ratio x", "0.6,0.7,0.9")),
        (("mine", "--device", "H100", "--energy-ratio", "1", "--time-ratio", "3,2,1"), ("--time-ratio 3,2,1", "order")),
        (("mine", "--device", "H100", "--energy-ratio", "0", "--time-ratio", "1"), ("--energy-ratio 0", "above 0")),
        (
            ("mine", "--device", "H100", "--energy-ratio", "0.5,0.6", "--time-ratio", "1"),
            ("--energy-ratio 0.5,0.6", "2 numbers", "0.6,0.7,0.9"),
        ),
        (("mine", "--power-cap", "175", "--like", "mine"), ("--like mine", "the run itself", "another run")),
        (("rests", "--gpu-utilization", "0.5"), ("--gpu-utilization 0.5", "run rests", "idle")),
        (("uneven", "--gpu-utilization", "0.8"), ("--gpu-utilization 0.8", "0.65", "gpu0 for 0.90", "0.72 at most")),
        (("mine", "--pue", "1.2", "--like", "mine"), ("--like mine", "--power-cap")),
        (("mine", "--power-cap", "175", "--per", "letters"), ("--per letters", "samples")),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    db = stored(
        tmp_path,
        mine=Told(BUSY, work={"samples": 5}),
        cpu=Told(),
        old=Told(BUSY, activity=False),
        odd=Told(BUSY, limit_w=None, model="Abacus 9000"),
        rests=Told([(1000, 60.0, 0.01)]),
        uneven=Told([(1000, 240.0, 0.9)], [(1000, 140.0, 0.4)]),
    )
    result = CliRunner().invoke(cli, ["whatif", *arguments, "--db", str(db)], standalone_mode=False)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception
