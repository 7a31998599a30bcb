"""Disclosures, held against the validators of their standards."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from huggingface_hub import ModelCard
from spdx_python_model import v3_0_1 as spdx

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from tests.life.test_life import HOUR_NS, KWH_J, stored, written
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError

TERMS = ("--intensity", "100", "--pue", "1.25")
STATED = """
[disclosure]
provider = "EDF"
location = "Paris, France"
training_type = "fine-tuning"
flop = 3.8e25
flop_method = "6 × parameters × tokens"
parameters = 7e9
training_tokens = 2e12
license = "Apache-2.0"
released = 2026-03-01
download = "https://example.org/model"
version = "1.0"
task_family = "image classification"
data_type = "image"
infrastructure = "onPremise"
energy_source = "nuclear"
supplier = "Example Labs"
inference_flop = 5.1e17
inference_task = "generating 100,000 tokens"
inference_hardware = "64 NVIDIA A100"
"""
INFERENCE = """
[inference]
unit = "requests"
per_day = 1000
days = 10
j_per_unit = [3600, 3600, 7200]
source = "a benchmark"
"""
MODEL = '[model]\nname = "digits-cnn"\nproject = "digits"\n'


def call(db: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["disclose", *arguments, *TERMS, "--db", str(db)], standalone_mode=False)


def filled(folder: Path, form: str, text: str = MODEL + STATED + INFERENCE) -> Result:
    result = call(stored(folder), written(folder, text), "--form", form)
    assert result.exception is None, result.exception
    return result


def card_of(block: str) -> Any:
    """What a model card with this block says of emissions."""
    data: Any = ModelCard(f"---\n{block}---\n# digits\n").data
    return data.to_dict()["co2_eq_emissions"]


def test_all_that_the_forms_are_made_of(tmp_path: Path) -> None:
    view = json.loads(filled(tmp_path, "json").stdout)
    [training] = [stage for stage in view["stages"] if stage["stage"] == "training"]
    joules = {b["boundary"]: (b["energy_j"], b["lower_bound"]) for b in training["boundaries"]}
    assert joules["accelerators"] == (pytest.approx(3 * KWH_J), False)
    assert joules["node"] == (pytest.approx(3 * KWH_J), False)  # the machines have nothing but a GPU
    assert joules["site"] == (pytest.approx(1.25 * 3 * KWH_J), False)
    assert all(b["low_j"] < b["energy_j"] < b["high_j"] for b in training["boundaries"])
    assert (training["wall_clock_s"], training["device_hours"], training["runs"]) == (3 * 3600.0, 3.0, 3)
    assert training["hardware"] == [{"kind": "gpu", "model": "NVIDIA L4", "count": 1}]
    assert training["measured_share"] == pytest.approx(1.0)
    assert training["operational_g"]["value"] == pytest.approx(375.0)
    assert view["pues"] == [1.25]
    assert view["stated"]["flop"] == 3.8e25


def test_runs_at_once_are_disclosed_once(tmp_path: Path) -> None:
    db = stored(tmp_path, at_once=True)
    view = json.loads(call(db, "--project", "digits", "--form", "json").stdout)
    for boundary in ("accelerators", "node"):
        whole = sum(b["energy_j"] for stage in view["stages"] for b in stage["boundaries"] if b["boundary"] == boundary)
        assert whole <= KWH_J * (1 + 1e-9)
    assert all(stage["wall_clock_s"] == 3600.0 for stage in view["stages"])


def at_once(folder: Path, *runs: tuple[str, ...]) -> Path:
    """Runs in the same hour, each of which reads some of the devices of one machine; each device uses a kilowatt-hour, memory nothing."""
    rows: dict[str, list[Row]] = {name: [] for name in ("run", "segment", "device", "curve_point", "clock_anchor")}
    for number, devices in enumerate(runs):
        id_ = f"run-{number}"
        rows["run"].append(run(id_, stage="training", status="completed", started_utc_ns=number, ended_utc_ns=HOUR_NS, duration_s=3600.0))
        rows["segment"].append(segment(f"s{number}", id_))
        rows["clock_anchor"].append({"segment_id": f"s{number}", "monotonic_ns": 0, "utc_ns": number, "boottime_ns": 0})
        for name in devices:
            kind = name.rstrip("0123456789")
            rows["device"].append(device(name, f"s{number}", gain=0.1, gain_class=kind, kind=kind, uuid=name if kind == "gpu" else None))
            rows["curve_point"] += [point(0, 0.0, name, f"s{number}"), point(HOUR_NS, 0.0 if kind == "dram" else KWH_J, name, f"s{number}")]
    return write(folder / "runs.db", **rows)


@pytest.mark.parametrize(
    ("runs", "gpus", "all_"),
    [
        ((("gpu0",), ("gpu0", "cpu0")), 1, 2),  # all that counts of the second run is its processor
        ((("gpu0", "cpu0"), ("gpu0", "gpu1")), 2, 3),
        ((("cpu0",), ("gpu0", "cpu0"), ("gpu0", "gpu1", "cpu0")), 2, 3),
    ],
)
def test_accelerators_count_once_and_lie_within_the_node_and_the_site(
    tmp_path: Path, runs: tuple[tuple[str, ...], ...], gpus: int, all_: int
) -> None:
    view = json.loads(call(at_once(tmp_path, *runs), "--project", "digits", "--form", "json").stdout)
    [training] = view["stages"]
    accelerators, node, site = training["boundaries"]
    joules = [b["energy_j"] for b in (accelerators, node, site)]
    assert joules == pytest.approx([gpus * KWH_J, all_ * KWH_J, 1.25 * all_ * KWH_J], rel=1e-6)
    for end in ("low_j", "high_j"):
        assert accelerators[end] <= node[end]
        assert site[end] == pytest.approx(1.25 * node[end])


def test_a_device_that_used_nothing_lowers_no_bound(tmp_path: Path) -> None:
    view = json.loads(call(at_once(tmp_path, ("gpu0", "dram0")), "--project", "digits", "--form", "json").stdout)
    accelerators, node, site = view["stages"][0]["boundaries"]
    assert accelerators["low_j"] <= node["low_j"] <= site["low_j"]
    assert accelerators["high_j"] <= node["high_j"] <= site["high_j"]


def test_bounds_of_runs_with_different_devices_stay_within_those_of_the_whole(tmp_path: Path) -> None:
    """Errors of different GPUs are partly independent; the bounds of sums of runs must not be wider for a part than for the whole."""
    view = json.loads(call(at_once(tmp_path, *((f"gpu{i}",) for i in range(6))), "--project", "digits", "--form", "json").stdout)
    accelerators, node, site = view["stages"][0]["boundaries"]
    assert {key: accelerators[key] for key in ("energy_j", "low_j", "high_j")} == pytest.approx(
        {key: node[key] for key in ("energy_j", "low_j", "high_j")}
    )
    assert site["low_j"] == pytest.approx(1.25 * node["low_j"])


def test_the_place_and_the_pue_are_those_of_the_stage_and_of_what_was_added(tmp_path: Path) -> None:
    """The region of a cloud has a PUE of its own."""
    text = """
    [[add]]
    stage = "training"
    name = "cloud"
    source = "a bill"
    energy_kwh = 1
    zone = "aws:eu-north-1"
    [[add]]
    stage = "inference"
    name = "service"
    source = "a bill"
    energy_kwh = 1
    zone = "DE"
    pue = 1.5
    """
    arguments = ["disclose", written(tmp_path, text), "--form"]
    view = json.loads(CliRunner().invoke(cli, [*arguments, "json"]).stdout)
    training, inference = view["stages"]
    [pue] = training["pues"]
    assert 1 < pue < 1.5
    assert inference["pues"] == [1.5]
    assert training["zones"] != inference["zones"]
    assert [b["energy_j"] for b in training["boundaries"]] == pytest.approx([0.0, KWH_J, pue * KWH_J])
    assert f"PUE: {pue:g}." in CliRunner().invoke(cli, [*arguments, "gpai"]).stdout
    block = CliRunner().invoke(cli, [*arguments, "huggingface"]).stdout
    assert card_of(block)["geographical_location"] == ", ".join(training["zones"])


def test_the_bill_of_materials_is_valid(tmp_path: Path) -> None:
    text = filled(tmp_path, "cyclonedx").stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    [model] = json.loads(text)["components"]
    activities = model["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert [a["activity"] for a in activities] == ["data-preparation", "design", "fine-tuning", "inference"]
    assert activities[2]["activityEnergyCost"] == {"value": 3.75, "unit": "kWh"}
    assert activities[2]["co2CostEquivalent"]["value"] > 375e-6  # tonnes, with the making of the hardware


def test_the_document_of_spdx_is_valid(tmp_path: Path) -> None:
    text = filled(tmp_path, "spdx").stdout
    found = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.BytesIO(text.encode()), found)
    model: Any
    [model] = found.foreach_type(spdx.ai_AIPackage)
    [training] = model.ai_energyConsumption.ai_finetuningEnergyConsumption
    assert (float(training.ai_energyQuantity), training.ai_energyUnit) == (3.75, spdx.ai_EnergyUnitType.kilowattHour)
    assert float(model.ai_energyConsumption.ai_inferenceEnergyConsumption[0].ai_energyQuantity) == 1.25
    assert model.software_packageVersion == "1.0"
    assert not [agent for agent in found.foreach_type(spdx.Agent) if "EDF" in str(agent.name)]  # it provides energy, and wrote nothing
    [document] = found.foreach_type(spdx.SpdxDocument)
    assert list(document.rootElement) == [model]


def test_the_block_of_a_model_card_is_read(tmp_path: Path) -> None:
    block = filled(tmp_path, "huggingface").stdout
    data = card_of(block)
    assert data["emissions"] > 5 * 125.0
    assert (data["training_type"], data["geographical_location"]) == ("fine-tuning", "Paris, France")
    assert data["hardware_used"] == "1 x NVIDIA L4"
    assert "trainwatt" in data["source"]
    assert "5 runs" in data["source"]  # those whose grams these are


def test_the_report_of_boamps_has_what_its_schema_requires(tmp_path: Path) -> None:
    """The required keys of report_schema.json, hardware_schema.json, dataset_schema.json and measure_schema.json (Boavizta/BoAmps)."""
    result = filled(tmp_path, "boamps")
    report = json.loads(result.stdout)
    assert "[disclosure]" not in result.stderr
    assert {"task", "measures", "infrastructure"} <= report.keys()
    assert {"taskStage", "taskFamily", "algorithms", "dataset"} <= report["task"].keys()
    assert report["task"]["taskStage"] == "finetuning"
    assert report["task"]["algorithms"][0]["parametersNumber"] == 7
    assert report["task"]["dataset"] == [{"dataUsage": "input", "dataType": "image"}]
    [measure] = report["measures"]
    assert (measure["powerConsumption"], measure["measurementDuration"]) == (3.0, 3 * 3600.0)
    assert "measured" in measure["measurementMethod"]
    [component] = report["infrastructure"]["components"]
    assert component == {"componentName": "NVIDIA L4", "componentType": "gpu", "nbComponent": 1}
    assert report["quality"] == "medium"  # the sensor may be off by 10 %, and the ends of the run by a little more
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", report["header"]["reportDatetime"])


def test_the_form_of_the_eu(tmp_path: Path) -> None:
    text = filled(tmp_path, "gpai").stdout
    assert "Wall-clock time: 0.125 wall-clock days (3 h 00 min)" in text
    assert "Hardware time: 0.125 GPU days of NVIDIA L4 (3.00 GPU hours)" in text
    assert re.search(r"accelerators alone \| 0\.00300 MWh \(\d", text)
    assert re.search(r"site \(nodes times PUE\) \| 0\.00375 MWh \(\d", text)
    assert "FLOP: 3.8e+25 (order of magnitude: 10^25)" in text
    assert "6 × parameters × tokens" in text
    assert "Energy of a request: 3600 J (3600–7200)" in text
    assert "## Missing" not in text


def test_the_scores_of_provider_and_consumer(tmp_path: Path) -> None:
    text = filled(tmp_path, "sci-ai").stdout
    arguments = ["life", "--project", "digits", *TERMS, "--json", "--db", str(tmp_path / "runs.db")]
    whole = json.loads(CliRunner().invoke(cli, arguments).stdout)
    per_token = next(line for line in text.splitlines() if "million training tokens" in line)
    assert float(re.findall(r"([\d.]+) mg", per_token)[0]) == pytest.approx(1000 * whole["before"]["total_g"] * 1e6 / 2e12, rel=0.01)
    assert "0.125 g (0.125–0.250) CO2e per request (3600 J)" in text


@pytest.mark.parametrize("form", ["gpai", "huggingface", "cyclonedx", "spdx", "boamps", "sci-ai"])
def test_what_is_not_known_is_missing_and_never_invented(tmp_path: Path, form: str) -> None:
    """An entry by hand, and nothing else."""
    text = '[[add]]\nstage = "data"\nname = "x"\nsource = "s"\nenergy_kwh = 1'
    result = call(stored(tmp_path), written(tmp_path, text), "--form", form)
    assert result.exception is None, result.exception
    missing = [line for line in result.stderr.splitlines() if line.startswith("trainwatt: missing: ")]
    assert missing
    assert all("; " in line for line in missing)
    assert "2e12" not in result.stdout.replace("training_tokens = 2e12", "")
    assert "Paris" not in result.stdout
    assert "EDF" not in result.stdout


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "new\nline: {}", "émoji 😀", "--- x", "# y"])
@pytest.mark.parametrize("form", ["huggingface", "cyclonedx", "spdx"])
def test_hostile_names_break_no_form(tmp_path: Path, form: str, name: str) -> None:
    quoted = json.dumps(name, ensure_ascii=False)
    printed = filled(tmp_path, form, f'[model]\nname = {quoted}\nproject = "digits"\n[disclosure]\nlocation = {quoted}').stdout
    if form == "huggingface":
        assert card_of(printed)["geographical_location"] == name
    elif form == "cyclonedx":
        assert json.loads(printed)["components"][0]["name"] == name
    else:
        assert [part["name"] for part in json.loads(printed)["@graph"] if part["type"] == "ai_AIPackage"] == [name]


@pytest.mark.parametrize("form", ["gpai", "sci-ai"])
def test_hostile_names_stay_text_in_markdown(tmp_path: Path, form: str) -> None:
    name = r'"a\u001b[31m|<b>*\n# x"'
    text = (
        f"[model]\nname = {name}\nproject = 'digits'\n[disclosure]\nflop = 1e20\nflop_method = {name}\n[inference]\nunit = {name}\n"
        f"per_day = 5\ndays = 5\nj_per_unit = 5\nsource = {name}"
    )
    page = filled(tmp_path, form, text).stdout
    assert "\x1b" not in page
    assert not any(line.startswith("# x") for line in page.splitlines())
    assert "<b>" not in page.replace("\\<b\\>", "")


@pytest.mark.parametrize(
    ("flop", "shown"), [("9.99e25", "1.0e+26 (order of magnitude: 10^26)"), ("0.5", "5.0e-01 (order of magnitude: 10^-1)")]
)
def test_the_order_of_magnitude_is_that_of_what_is_shown(tmp_path: Path, flop: str, shown: str) -> None:
    assert f"FLOP: {shown}" in filled(tmp_path, "gpai", MODEL + f"[disclosure]\nflop = {flop}").stdout


def test_times_that_nobody_measured_are_missing(tmp_path: Path) -> None:
    add = '[[add]]\nstage = "training"\nname = "x"\nsource = "s"\n'
    db = stored(tmp_path)
    result = call(db, written(tmp_path, add + "energy_kwh = 1"), "--form", "gpai")
    assert "Wall-clock time: missing" in result.stdout
    assert "Hardware time: missing" in result.stdout
    assert "accelerators alone | not known |" in result.stdout
    assert "The energy was not measured; it was added by hand. PUE: 1.25." in result.stdout
    assert "missing: the wall-clock time of the training" in result.stderr
    result = call(db, written(tmp_path, add + "gpu_hours = 24\nwatts = 500"), "--form", "gpai")
    assert "Hardware time: 1.00 GPU days (24.0 GPU hours)" in result.stdout


def test_runs_without_a_stage_are_missing(tmp_path: Path) -> None:
    """They are in no stage of a form."""
    assert "missing: 1 run without a stage; give --stage" in filled(tmp_path, "cyclonedx").stderr


def test_a_form_is_written_to_a_file(tmp_path: Path) -> None:
    db = stored(tmp_path)
    result = call(db, "--project", "digits", "--form", "cyclonedx", "-o", str(tmp_path / "bom.json"))
    assert (result.exception, result.stdout) == (None, "")
    assert json.loads((tmp_path / "bom.json").read_text())["bomFormat"] == "CycloneDX"
    assert "there is no folder" in str(call(db, "--project", "digits", "--form", "spdx", "-o", str(tmp_path / "no/x.json")).exception)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[disclosure]\ntraining_type = "guess"', ("disclosure.training_type = 'guess'", "pre-training")),
        ('[disclosure]\ninfrastructure = "moon"', ("disclosure.infrastructure = 'moon'", "onPremise")),
        ("[disclosure]\nflop = 0", ("disclosure.flop = 0", "above 0")),
        ('[disclosure]\nreleased = "soon"', ("disclosure.released = 'soon'", "2026-03-01")),
        ("[disclosure]\nweights = 5", ("disclosure.weights", "no such key")),
    ],
)
def test_bad_statements_are_refused(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    result = call(stored(tmp_path), written(tmp_path, MODEL + text), "--form", "gpai")
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception
