"""Lives that were published, from a `life.toml` through the command: each figure as it was printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.life.test_life import call, life, stage_of, stored, written
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

KWH_J = 3.6e6
SERVER_KG, PUE, US_G_PER_KWH = 2000, 1.1, 429
SERVER_W = 565
"""Derived: Wu et al. 2022, section III.A, state a server of 2,000 kg, 3 to 5 years of 30 to 60 %, a PUE of 1.1 and the result, 30:70, and
no power. With 4 years, 50 % and the mean of the United States of those years, 429 g/kWh, the server draws 565 W."""


def of_server(utilization: float | None = None, watts: float = SERVER_W, years: int | None = None) -> str:
    """1,000 hours of use of a training server."""
    terms = "".join(
        f"{key} = {value}\n" for key, value in (("lifetime_utilization", utilization), ("lifetime_years", years)) if value is not None
    )
    return f"""
    [[add]]
    stage = "training"
    name = "training"
    source = "arXiv:2111.00364"
    gpu_hours = 1000
    watts = {watts}
    gpu_kg = 0
    gpus_per_host = 1
    host_kg = {SERVER_KG}
    {terms}
    """


def of_energy(**kwh: float | str) -> str:
    """Entries of so much energy, one a stage."""
    return "".join(
        f'[[add]]\nstage = "{stage}"\nname = "{stage}"\nsource = "arXiv:2111.00364"\nenergy_kwh = {energy}\n'
        for stage, energy in kwh.items()
    )


def at(g_per_kwh: float, pue: float = PUE) -> tuple[str, ...]:
    return "--intensity", str(g_per_kwh), "--pue", str(pue)


def embodied_percent(view: Any) -> int:
    whole: dict[str, float] = view["whole"]
    return round(100 * whole["embodied_g"] / whole["total_g"])


# ---- Wu et al. 2022


def test_embodied_to_operational_is_30_to_70_and_turns_around_on_a_clean_grid(tmp_path: Path) -> None:
    """Section III.A and figure 5: 30:70 location-based; embodied grams dominate once the energy is carbon-free."""
    file = written(tmp_path, of_server())
    percents = {grid: embodied_percent(life(None, file, *at(grid))) for grid in (US_G_PER_KWH, 184, 79, 0)}
    assert percents == {US_G_PER_KWH: 30, 184: 50, 79: 70, 0: 100}


def test_the_terms_of_the_server_bound_its_share(tmp_path: Path) -> None:
    """From 60 % of 5 years to 30 % of 3, the same server has from 22 to 49 %: the range of the share."""
    share = life(None, written(tmp_path, of_server()), *at(US_G_PER_KWH))["embodied_share"]["now"]
    assert {end: round(100 * value) for end, value in share.items()} == {"value": 30, "low": 22, "high": 49}
    for end, utilization, years in (("low", 0.6, 5), ("high", 0.3, 3)):
        alone = life(None, written(tmp_path, of_server(utilization, years=years)), *at(US_G_PER_KWH))
        assert alone["embodied_share"]["now"]["value"] == pytest.approx(share[end])


def test_utilization_from_30_to_80_percent_leaves_about_a_third_and_clean_energy_half_of_it(tmp_path: Path) -> None:
    """Figure 9. Derived: the server draws the same power whether it works or waits, so an hour of work takes 1 ÷ utilization hours of its
    time. The rest is halved where the grid is at 123 g/kWh: embodied grams are 30 % of it, and 429 × (50 − 30) ÷ 70 = 123."""

    def grams(utilization: float, grid: float) -> float:
        file = written(tmp_path, of_server(utilization, SERVER_W * 0.5 / utilization))
        return float(life(None, file, *at(grid))["whole"]["total_g"])

    before, after = grams(0.3, US_G_PER_KWH), grams(0.8, US_G_PER_KWH)
    assert after / before == pytest.approx(0.3 / 0.8)
    assert grams(0.8, 123) / after == pytest.approx(0.5, abs=0.003)


@pytest.mark.parametrize(
    ("figure", "parts"),
    [
        ("3a, of the capacity", {"experimentation": 10, "training": 20, "inference": 70}),
        ("3b, of the energy of a recommendation model", {"data": 31, "training": 29, "inference": 40}),
    ],
)
def test_stages_have_the_published_shares(tmp_path: Path, figure: str, parts: dict[str, int]) -> None:
    view = life(None, written(tmp_path, of_energy(**parts)), *at(US_G_PER_KWH))
    for of in ("share", "energy_share"):
        found = {stage["stage"]: {end: round(100 * value) for end, value in stage[of].items()} for stage in view["stages"]}
        assert found == {stage: {"value": part, "low": part, "high": part} for stage, part in parts.items()}, figure


def test_training_to_planned_inference_of_a_language_model(tmp_path: Path) -> None:
    """Section III.A: 35:65. A token of 0.234 J is an example: 1e9 tokens are then 65 kWh."""
    plan = '[inference]\nunit = "tokens"\nper_day = 1e7\ndays = 100\nj_per_unit = 0.234\nsource = "arXiv:2111.00364"\n'
    view = life(None, written(tmp_path, of_energy(training=35) + plan), *at(US_G_PER_KWH))
    assert (stage_of(view, "training")["share"]["value"], view["planned"]["share"]["value"]) == pytest.approx((0.35, 0.65))
    assert view["break_even"]["energy_units"]["value"] == pytest.approx(35 / 65 * 1e9)


# ---- others


BLOOM = """
[[add]]
stage = "training"
name = "dynamic"
source = "arXiv:2211.02001"
gpu_hours = 1_082_990
watts = 400
gpu_kg = 150
host_kg = 2500
gpus_per_host = 8
lifetime_years = 6
lifetime_utilization = 0.85
intensity_g_per_kwh = 57
pue = 1
[[add]]
stage = "training"
name = "idle"
source = "arXiv:2211.02001"
energy_kwh = 256_646
intensity_g_per_kwh = 57
pue = 1
"""


def test_bloom(tmp_path: Path) -> None:
    """Luccioni et al. 2022: 24.69 t of dynamic and 14.6 t of idle power, 11.2 t of hardware, 50.5 t in all; a request takes 3.96 Wh."""
    plan = f'[inference]\nunit = "requests"\nper_day = {230_768 / 18}\ndays = 18\nwh_per_unit = {914_000 / 230_768}\nsource = "the same"\n'
    file = written(tmp_path, BLOOM + plan)
    view = life(None, file, *at(57, 1))
    training = stage_of(view, "training")
    operational = [round(one["operational_g"] / 1e6, 2) for one in training["added"]]
    assert (operational, round(training["embodied_g"] / 1e6, 1), round(training["total_g"] / 1e6, 1)) == ([24.69, 14.63], 11.2, 50.5)
    assert (view["planned"]["energy_j"] / KWH_J, view["planned"]["units"]["value"]) == pytest.approx((914, 230_768))
    assert "One request takes 3.96 Wh" in call(None, file, *at(57, 1)).stdout


def test_the_boundaries_of_a_prompt_of_gemini(tmp_path: Path) -> None:
    """Google 2025 (arXiv:2508.15734, table 1): 0.24 Wh a median prompt, of which 0.14 accelerators, 0.06 processors and memory, 0.02 idle
    machines and 0.02 the overhead of the site. A million prompts are as many megawatt-hours."""
    parts = {"accelerators": 140, "processors and memory": 60, "idle machines": 20}
    text = "".join(
        f'[[add]]\nstage = "inference"\nname = "{name}"\nsource = "arXiv:2508.15734"\nenergy_kwh = {kwh}\n' for name, kwh in parts.items()
    )
    inference = stage_of(life(None, written(tmp_path, text), *at(100, 240 / 220)), "inference")
    assert [one["energy_j"] / KWH_J for one in inference["added"]] == pytest.approx(list(parts.values()))
    assert (inference["energy_j"] / KWH_J, inference["site_energy_j"] / KWH_J) == pytest.approx((220, 240))
    plan = '[inference]\nunit = "prompts"\nper_day = 1e6\ndays = 1\nwh_per_unit = 0.22\npue = 1.0909091\nsource = "arXiv:2508.15734"\n'
    planned = life(None, written(tmp_path, plan), "--intensity", "100")["planned"]
    assert planned["site_energy_j"] / planned["units"]["value"] / 3600 == pytest.approx(0.24)
    assert planned["g_per_unit"]["value"] == pytest.approx(0.024)


OLMO = """
[[add]]
stage = "experimentation"
name = "development"
operational_kg = 159_000
source = "arXiv:2503.05804"
[[add]]
stage = "training"
name = "final runs"
operational_kg = 312_000
gpu_hours = 1_650_000
gpu_kg = 463
host_kg = 0
lifetime_years = 4
lifetime_utilization = 1
source = "arXiv:2503.05804"
"""


def test_olmo_by_the_hours_of_its_hardware(tmp_path: Path) -> None:
    """Morrison et al. 2025: 3,700 kg a node of 8 GPUs, 4 years of use: 0.013 kg a GPU-hour, 22 t in 1.65 million of them; in all 493 t, of
    which development is 32 %. The grams of the electricity are stated beside the hours of the hardware."""
    view = life(None, written(tmp_path, OLMO))
    training = stage_of(view, "training")
    assert (training["gpu_hours"], round(training["embodied_g"] / 1e6)) == (1_650_000, 22)
    assert round(training["embodied_g"] / 1.65e6 / 1000, 3) == 0.013
    assert (training["operational_g"], training["energy_lower_bound"]) == (312e6, True)
    assert not training["operational_lower_bound"]
    assert not training["embodied_lower_bound"]
    assert round(view["whole"]["total_g"] / 1e6) == 493
    assert round(100 * stage_of(view, "experimentation")["share"]["value"]) == 32
    assert view["embodied_share"] is None, "nobody says of which energy these grams are"


def test_olmo_by_the_energy_of_its_clusters(tmp_path: Path) -> None:
    """Its first cluster has a PUE of 1.2 and 332 g/kWh, so 312 t are 783 MWh before PUE (derived)."""
    text = OLMO.replace("operational_kg = 312_000", "energy_kwh = 783_000\npue = 1.2\nintensity_g_per_kwh = 332")
    text = text.replace("operational_kg = 159_000", "energy_kwh = 399_000\npue = 1.2\nintensity_g_per_kwh = 332")
    view = life(None, written(tmp_path, text))
    assert [round(stage["operational_g"] / 1e6) for stage in view["stages"]] == [159, 312]
    assert view["embodied_share"]["now_g_per_kwh"]["value"] == pytest.approx(332)
    assert round(100 * view["embodied_share"]["now"]["value"], 1) == 4.4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("watts = 400", ("operational_kg = 312000.0", "watts gives these grams too", "leave it out, or watts")),
        ('load = 1\ndevice = "H100"', ("load gives these grams too",)),
        ("energy_kwh = 5", ("energy_kwh gives these grams too",)),
        ("embodied_kg = 5", ("embodied_kg = 5.0", "the hours give these grams too")),
    ],
)
def test_grams_beside_hours_are_not_given_twice(tmp_path: Path, more: str, words: tuple[str, ...]) -> None:
    result = call(None, written(tmp_path, OLMO + more))
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("wh_per_unit = 1", ("wh_per_unit = 1.0", "it needs a source")),
        ('wh_per_unit = 1\nj_per_unit = 3600\nsource = "s"', ("wh_per_unit = 1.0", "j_per_unit says the same", "leave out one")),
        ('wh_per_unit = [3, 2, 1]\nsource = "s"', ("wh_per_unit = [3, 2, 1]", "not in order")),
        ('wh_per_unit = 1\nruns = ["serve"]\nsource = "s"', ("wh_per_unit = 1.0", "the runs give it too")),
    ],
)
def test_what_a_unit_takes_is_said_once(tmp_path: Path, more: str, words: tuple[str, ...]) -> None:
    result = call(None, written(tmp_path, '[inference]\nunit = "prompts"\nper_day = 5\ndays = 3\n' + more))
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


# ---- the share of the hardware over the grid


def test_the_curve_is_the_life_on_each_grid(tmp_path: Path) -> None:
    """Each of its points, with its range, is what the command says of the life on that grid."""
    file = written(tmp_path, of_server() + of_energy(data=100).replace("energy_kwh = 100", "energy_kwh = [80, 100, 150]\npue = 1.5"))
    curve = life(None, file, *at(US_G_PER_KWH))["embodied_share"]
    points = {point["g_per_kwh"]: point for point in curve["points"]}
    assert (min(points), max(points)) == (0.0, 800.0)
    for grid in (0.0, 25.0, 100.0, 450.0, 800.0):
        now = life(None, file, *at(grid))["embodied_share"]["now"]
        assert {end: points[grid][end] for end in ("value", "low", "high")} == pytest.approx(now)
    assert curve["now_g_per_kwh"] == pytest.approx({"value": US_G_PER_KWH, "low": US_G_PER_KWH, "high": US_G_PER_KWH})
    half = life(None, file, *at(curve["even_g_per_kwh"]["value"]))["whole"]
    assert half["embodied_g"] == pytest.approx(half["operational_g"])


def test_the_curve_of_measured_runs_counts_each_device_once(tmp_path: Path) -> None:
    db = stored(tmp_path, at_once=True)
    view = life(db, "--project", "digits", *at(100, 1.25))
    assert view["so_far"]["site_energy_j"] == pytest.approx(1.25 * KWH_J)
    share = view["embodied_share"]
    assert share["now_g_per_kwh"]["value"] == pytest.approx(100)
    assert share["now"]["value"] == pytest.approx(view["whole"]["embodied_g"] / view["whole"]["total_g"])
    assert share["even_g_per_kwh"]["value"] == pytest.approx(view["whole"]["embodied_g"] / 1.25)


def test_the_number_of_planned_units_does_not_widen_the_share(tmp_path: Path) -> None:
    """More requests take more energy and more hardware alike."""
    plan = '[inference]\nunit = "tokens"\nper_day = {}\ndays = 100\nj_per_unit = 3600\nembodied_g_per_unit = 0.2\nsource = "s"\n'
    shares = [life(None, written(tmp_path, plan.format(units)), *at(100))["embodied_share"] for units in ("50", "[1, 50, 900]")]
    assert shares[0] == shares[1]
    assert shares[0]["now"] == pytest.approx(dict.fromkeys(("value", "low", "high"), 0.2 / (0.2 + 0.11)))


def test_a_grid_beyond_the_curve_makes_it_longer(tmp_path: Path) -> None:
    file = written(tmp_path, of_server())
    for grid in (801, 1500, 2000):
        points = life(None, file, *at(grid))["embodied_share"]["points"]
        assert grid <= points[-1]["g_per_kwh"] <= 1.6 * grid


def test_a_share_that_is_next_to_nothing_is_said_so(tmp_path: Path) -> None:
    text = of_energy(data=5, training=1e9) + '[[add]]\nstage = "data"\nname = "x"\nsource = "s"\nembodied_kg = 1\n'
    page = call(None, written(tmp_path, text), *at(100)).stdout
    assert "<0.01 %" in page
    assert "hardware is <0.01 % of all grams" in " ".join(page.split())


@pytest.mark.parametrize("least", ["1e-310", "5e-324"])
def test_next_to_no_energy_makes_no_figure_without_end(tmp_path: Path, least: str) -> None:
    """JSON has no number for it."""
    text = of_energy(training=f"[{least}, {least}, 1]") + '[[add]]\nstage = "data"\nname = "x"\nsource = "s"\nembodied_kg = 5\n'
    plan = f'[inference]\nunit = "tokens"\nper_day = 5\ndays = 3\nj_per_unit = [{least}, 1, 2]\nsource = "s"\n'
    result = call(None, written(tmp_path, text + plan), *at(100), "--json")
    assert result.exception is None
    assert not any(word in result.stdout for word in ("Infinity", "NaN"))
    assert call(None, written(tmp_path, text + plan), *at(100)).exception is None


def test_what_is_whole_is_not_called_a_part(tmp_path: Path) -> None:
    """Grams that are stated have no joules, and lack nothing."""
    sign = "≥: a part of it is not known"
    assert sign not in call(None, written(tmp_path, OLMO)).stdout
    assert sign in call(None, written(tmp_path, of_energy(data=5))).stdout


@pytest.mark.parametrize(
    "text",
    [
        of_energy(data=5),
        '[[add]]\nstage = "data"\nname = "x"\nsource = "s"\nembodied_kg = 3\n',
        of_server(watts=0).replace(f"host_kg = {SERVER_KG}", "host_kg = 0"),
    ],
)
def test_there_is_no_curve_without_energy_or_hardware(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    assert life(None, file, *at(100))["embodied_share"] is None
    page = tmp_path / "life.html"
    assert call(None, file, *at(100), "-o", str(page)).exception is None
    assert "On a cleaner grid" not in page.read_text()


def test_the_page_and_the_table_say_where_the_hardware_is_half(tmp_path: Path) -> None:
    file, page = written(tmp_path, of_server()), tmp_path / "life.html"
    said = (
        "Making the hardware is 30 % (22–49) of all grams at 429 g/kWh. At 184 g/kWh (122–408) it is half of them, and on a cleaner grid"
        " more."
    )
    assert said in " ".join(call(None, file, *at(US_G_PER_KWH)).stdout.split())
    assert call(None, file, *at(US_G_PER_KWH), "-o", str(page)).exception is None
    text = page.read_text()
    assert all(words in text for words in (said, "On a cleaner grid", "30 % (22–49) of all grams at 429 g/kWh", "800 g/kWh"))


def test_an_estimate_is_told_by_its_hours_of_gpus(tmp_path: Path) -> None:
    """It has no other time."""
    db = str(tmp_path / "runs.db")
    of_run = ("--device", "A100 80GB", "--gpu-hours", "184320", "--load", "1", "--save", "--stage", "training", "--project", "llama")
    assert CliRunner().invoke(cli, ["estimate", *of_run, "--db", db]).exit_code == 0
    assert "1 run, 184320 GPU hours" in " ".join(call(Path(db), "--project", "llama").stdout.split())


def test_a_run_whose_devices_count_elsewhere_has_nothing_and_lacks_nothing(tmp_path: Path) -> None:
    """All runs read one GPU in the same hour. One has its joules, and the others none, whatever the PUE was."""
    db, page = stored(tmp_path, at_once=True), tmp_path / "life.html"
    lines = [line for line in call(db, "--project", "digits", "--format", "md").stdout.splitlines() if line.startswith("| ")]
    [inference] = [line for line in lines if line.startswith("| inference")]
    assert inference.split(" | ")[1:5] == ["–"] * 4
    assert sum("not known" in line for line in lines) == 0
    assert call(db, "--project", "digits", "-o", str(page)).exception is None
    assert ">not known" not in page.read_text()
