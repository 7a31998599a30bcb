"""Logs of power: nvidia-smi and dcgmi dmon."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.imported import Shelf
from trainwatt.core.units import NS_PER_S
from trainwatt.errors import ConfigurationError
from trainwatt.importing.power import MOST_POINTS, PowerLog

START = datetime(2024, 3, 1, 10, tzinfo=UTC)


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]


def smi(seconds: Sequence[float], watts: Callable[[float, int], float], gpus: int = 1, named: bool = False, units: bool = True) -> str:
    """A log as nvidia-smi writes it: a line for each GPU, 3 ms apart."""
    lines = ["timestamp, index, uuid, name, power.draw [W]" if named else "timestamp, power.draw [W]"]
    for t in seconds:
        for gpu in range(gpus):
            about = f"{gpu}, GPU-{gpu:08d}, NVIDIA A100-SXM4-80GB, " if named else ""
            lines.append(f"{stamp(t + 0.003 * gpu)}, {about}{watts(t, gpu):.2f}{' W' if units else ''}")
    return "\n".join(lines) + "\n"


def test_a_log_of_one_gpu_is_integrated_over_time(shelf: Shelf) -> None:
    """A ramp from 100 to 400 W in 300 s, read at uneven times: 75 kJ."""
    seconds = [*range(0, 100), *range(100, 200, 2), *range(200, 301)]
    shelf.imports(shelf.file("power.csv", smi(seconds, lambda t, _: 100 + t)))
    run = shelf.only()
    assert run["energy"]["total_j"] == pytest.approx(75_000)
    assert run["run"]["duration_s"] == pytest.approx(300)
    assert run["run"]["started_at"] == "2024-03-01T10:00:00.000Z"
    assert 0.9 < run["energy"]["low_j"] / 75_000 < 0.97
    assert (run["run"]["name"], run["run"]["source"]) == ("power", "nvidia-smi")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("gpus", [2, 3, 8])
def test_several_gpus_are_told_apart(shelf: Shelf, gpus: int, named: bool) -> None:
    shelf.imports(shelf.file("power.csv", smi(range(61), lambda _, gpu: 100.0 * (gpu + 1), gpus, named)))
    devices = shelf.only()["energy"]["devices"]
    assert {d["device"]: round(d["energy_j"], 1) for d in devices} == {f"gpu{i}": 6000.0 * (i + 1) for i in range(gpus)}
    assert [d["uuid"] for d in devices] == [f"GPU-{i:08d}" if named else None for i in range(gpus)]


def test_one_gpu_is_not_taken_for_several(shelf: Shelf) -> None:
    shelf.imports(shelf.file("power.csv", smi(range(120), lambda t, _: 100 + 50 * (t % 2))))
    assert len(shelf.only()["energy"]["devices"]) == 1


def test_a_gap_is_imputed_between_the_lowest_and_the_highest_power(shelf: Shelf) -> None:
    seconds = [*range(0, 61), *range(360, 421)]
    shelf.imports(shelf.file("power.csv", smi(seconds, lambda t, _: 100 if t <= 60 else 300)))
    [gpu] = shelf.only()["energy"]["devices"]
    assert gpu["provenance"]["imputed"] == pytest.approx(300 * 200)
    assert gpu["provenance"]["measured-power"] == pytest.approx(60 * 100 + 60 * 300)
    assert gpu["coverage"] == pytest.approx(120 / 420)
    assert gpu["low_j"] < 24_000 + 300 * 105 < 24_000 + 300 * 295 < gpu["high_j"]


def test_slow_sampling_of_an_uneven_load_has_a_wider_range(shelf: Shelf) -> None:
    """The truth of a load that nobody sees between two readings is in the range."""
    shelf.imports(shelf.file("steady.csv", smi(range(0, 600, 30), lambda *_: 300)))
    shelf.imports(shelf.file("uneven.csv", smi(range(0, 600, 30), lambda t, _: 100 if t % 60 else 500)))
    widths = {e["run"]["name"]: (e["energy"]["high_j"] - e["energy"]["low_j"]) / e["energy"]["total_j"] for e in shelf.runs()}
    assert widths["uneven"] > 2 * widths["steady"]


def test_values_that_are_missing_or_cut_off_are_named(shelf: Shelf) -> None:
    text = smi(range(60), lambda *_: 200.0) + f"{stamp(60)}, [N/A]\n{stamp(61)}, [Unknown Error]\n{stamp(62)}, 20"
    result = shelf.call("import", shelf.file("power.csv", text))
    assert result.exit_code == 1
    assert "line 64: power.draw [W] '20': it was cut off before its unit" in result.stderr
    assert "2 readings have no value" in result.stderr
    assert shelf.only()["energy"]["total_j"] == pytest.approx(59 * 200)


def test_a_log_of_powershell_and_one_without_units_are_read(shelf: Shelf) -> None:
    shelf.imports(shelf.file("windows.csv", smi(range(11), lambda *_: 200.0).replace("\n", "\r\n"), "utf-16"))
    shelf.imports(shelf.file("nounits.csv", smi(range(11), lambda *_: 201.0, units=False), "utf-8-sig"))
    assert sorted(e["energy"]["total_j"] for e in shelf.runs()) == pytest.approx([2000, 2010])


def test_the_hour_that_occurs_twice_is_no_step_back(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    text = "timestamp, power.draw [W]\n"
    for t in range(0, 7201, 60):  # from 2:00 in summer time to 3:00 in winter time
        moment = datetime(2024, 10, 27, 0, tzinfo=UTC) + timedelta(seconds=t)
        text += f"{moment.astimezone():%Y/%m/%d %H:%M:%S}.000, 100.00 W\n"
    shelf.imports(shelf.file("power.csv", text))
    run = shelf.only()
    assert run["run"]["duration_s"] == pytest.approx(7200)
    assert run["energy"]["total_j"] == pytest.approx(720_000)


def test_two_logs_in_one_file_are_refused(shelf: Shelf) -> None:
    text = smi(range(100, 160), lambda *_: 200) + smi(range(60), lambda *_: 200)
    with pytest.raises(ConfigurationError, match=r"line 63: timestamp .* is before that of the line above"):
        shelf.call("import", shelf.file("power.csv", text))


@pytest.mark.parametrize("named", [True, False])
def test_a_gpu_whose_power_is_never_known_makes_the_energy_a_lower_bound(shelf: Shelf, named: bool) -> None:
    lines = smi(range(60), lambda _, gpu: 100.0 * (gpu + 1), 3, named).splitlines()
    text = "\n".join(line.replace("200.00 W", "[N/A]") for line in lines)
    result = shelf.call("import", shelf.file("power.csv", text))
    assert "lower bound without gpu1" in result.stderr
    energy = shelf.only()["energy"]
    assert energy["lower_bound"] is True
    assert [d["device"] for d in energy["unmeasured"]] == ["gpu1"]
    assert energy["total_j"] == pytest.approx(59 * 400)


def test_a_log_that_has_grown_renews_its_run(shelf: Shelf) -> None:
    for length in (60, 180, 180):
        shelf.imports(shelf.file("power.csv", smi(range(length), lambda *_: 200)))
    run = shelf.only()
    assert run["energy"]["total_j"] == pytest.approx(179 * 200)
    assert shelf.imports(shelf.file("power.csv", smi(range(60), lambda *_: 200)))["unchanged"] == 1


def dmon(watts: Sequence[object], total_mj: Sequence[object] | None, time_of: Callable[[int], str] = lambda _: "") -> str:
    lines = []
    for i, power in enumerate(watts):
        if i % 20 == 0:
            lines += ["#Entity   POWER" + ("         TOTEC" if total_mj else ""), "ID        W" + ("             mJ" if total_mj else "")]
        lines.append(f"{time_of(i)}GPU 0     {power}" + (f"     {total_mj[i]}" if total_mj else ""))
    return "\n".join(lines) + "\n"


def test_dcgm_power_is_integrated_at_the_interval_that_is_said(shelf: Shelf) -> None:
    result = shelf.call("import", shelf.file("dmon.txt", dmon([200.0] * 61, None)), "--started", "2024-03-01")
    assert "1 s apart" in result.stderr
    assert shelf.only()["energy"]["total_j"] == pytest.approx(60 * 200)
    shelf.call("import", shelf.file("slow.txt", dmon([201.0] * 61, None)), "--every", "10", "--started", "2024-03-01")
    assert sorted(e["energy"]["total_j"] for e in shelf.runs()) == pytest.approx([60 * 200, 600 * 201])


def test_dcgms_counter_gives_the_energy_whatever_the_interval(shelf: Shelf) -> None:
    shelf.imports(shelf.file("dmon.txt", dmon([200.0] * 61, [5_000_000 + 350_000 * i for i in range(61)])))
    run = shelf.only()
    assert run["energy"]["total_j"] == pytest.approx(60 * 350)
    assert run["energy"]["devices"][0]["provenance"]["measured-counter"] == pytest.approx(60 * 350)


def test_dcgm_with_times_before_its_lines(shelf: Shelf) -> None:
    text = dmon([200.0] * 61, None, lambda i: f"{(START + timedelta(seconds=5 * i)):%Y-%m-%dT%H:%M:%S} ")
    shelf.imports(shelf.file("dmon.txt", text))
    run = shelf.only()
    assert (run["run"]["started_at"], run["energy"]["total_j"]) == ("2024-03-01T10:00:00.000Z", pytest.approx(300 * 200))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("a,b,c\n1,2,3\n", "header of no known format"),
        ("timestamp;duration;energy_consumed\n", "semicolons"),
        ("# gpu   pwr\n0 200\n", "no known format"),
        ("# HELP DCGM_FI_DEV_POWER_USAGE Power draw\n", "dcgmi dmon"),
        ("timestamp, power.draw [mW]\n", "not in W"),
        ("index, power.draw [W]\n0, 1 W\n", "without the column timestamp"),
        ("timestamp, power.draw [W]\n2024/03/01 10:00:00.000, 5 W\n", "no GPU has two readings"),
        ("timestamp, power.draw [W]\n2024/03/01 10:00:00.000, [N/A]\n", "1 readings have no value"),
        ("#Entity   TMPTR\nID        C\nGPU 0   40\n", "neither POWER nor TOTEC"),
        (dmon([1, 1, 1], [3000, 2000, 4000]), "is less than before"),
        ("x" * 100_000, "65,536 characters"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(shelf: Shelf, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        shelf.call("import", shelf.file("file", text))


@given(st.lists(st.tuples(st.floats(0.1, 3), st.floats(0, 1000)), min_size=2, max_size=200))
def test_the_energy_of_any_log_is_the_sum_of_its_trapezoids(steps: list[tuple[float, float]]) -> None:
    log, t_ns, expected_j, before = PowerLog(0), 0, 0.0, None
    for dt_s, watts in steps:
        t_ns += round(dt_s * NS_PER_S)
        if before is not None:
            expected_j += (t_ns - before[0]) / NS_PER_S * (watts + before[1]) / 2
        log.add(t_ns, watts)
        before = t_ns, watts
    points, covered_ns = log.finish()
    last = points[-1]
    assert last.energy_j == pytest.approx(expected_j, abs=1e-6)
    assert last.slack_low_j <= last.imputed_j + 1e-6
    assert 0 <= covered_ns <= t_ns


def test_a_year_of_readings_keeps_a_bounded_number_of_points() -> None:
    log = PowerLog(0)
    for minute in range(60 * 24 * 30):
        log.add(minute * 60 * NS_PER_S, 200.0)
    points, _ = log.finish()
    assert len(points) <= MOST_POINTS + 1
    assert points[-1].energy_j == pytest.approx((60 * 24 * 30 - 1) * 60 * 200)
