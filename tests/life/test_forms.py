"""What the forms have beside their validators: counted compute, methods, gaps, absurd sizes and hostile names."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_python_model import v3_0_1 as spdx

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, run, segment
from tests.life.test_disclose import MODEL, STATED, TERMS, card_of
from tests.life.test_life import HOUR_NS, stored, written
from trainwatt.cli.main import cli

FORMS = ("gpai", "huggingface", "cyclonedx", "spdx", "boamps", "sci-ai", "json")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)


def form(folder: Path, name: str, text: str, db: Path | None = None, *terms: str) -> Result:
    result = call("disclose", written(folder, text), "--form", name, *terms, *(() if db is None else ("--db", db)))
    assert result.exception is None, result.exception
    return result


def counting(folder: Path, **flops: dict[str, int]) -> Path:
    """The runs, of which some have counted units."""
    return write(stored(folder), work=[_work(name, unit, n) for name, units in flops.items() for unit, n in units.items()])


def _work(name: str, unit: str, amount: int) -> Row:
    return {"segment_id": f"s-{name}", "unit": unit, "phase": "", "amount": amount}


# ---- compute


ALL_TRAININGS = {name: {"flops": amount} for name, amount in (("first", 10**15), ("second", 2 * 10**15), ("crashed", 4 * 10**14))}


def test_the_compute_is_the_sum_of_what_the_trainings_have_counted(tmp_path: Path) -> None:
    db = counting(tmp_path, **ALL_TRAININGS, serve={"flops": 10**17})
    text = form(tmp_path, "gpai", MODEL, db, *TERMS).stdout
    assert "FLOP: 3.4e+15 (order of magnitude: 10^15)" in text
    assert re.search(r"- Method: counted by the program .*FlopCounterMode.*summed over 3 training runs", text)
    view = json.loads(form(tmp_path, "json", MODEL, db, *TERMS).stdout)
    [training] = [stage for stage in view["stages"] if stage["stage"] == "training"]
    assert training["flop_counted"] == {"flop": 34 * 10**14, "runs": 3, "of_runs": 3, "added": 0, "complete": True}
    per = next(line for line in form(tmp_path, "sci-ai", MODEL, db, *TERMS).stdout.splitlines() if "10^18 FLOP" in line)
    grams = view["life"]["before"]["total_g"] * 1e18 / 3.4e15
    assert float(re.findall(r"([\d.]+) kg", per)[0]) == pytest.approx(grams / 1000, rel=0.01)


def test_what_runs_at_the_same_time_have_counted_adds_up(tmp_path: Path) -> None:
    """Each call is of work of its own, although the device counts once."""
    stored(tmp_path, at_once=True)
    work = [_work(name, unit, n) for name, units in ALL_TRAININGS.items() for unit, n in units.items()]
    db = write(tmp_path / "runs.db", work=work)
    assert "FLOP: 3.4e+15 (order of magnitude: 10^15)" in form(tmp_path, "gpai", MODEL, db, *TERMS).stdout


def test_the_sum_of_very_large_counts_is_exact(tmp_path: Path) -> None:
    rows = [_work(name, f"flops*{power}", 3) for name in ("first", "second", "crashed") for power in ("1e18", "1e36")]
    db = write(stored(tmp_path), work=[*rows, _work("first", "flops", 7)])
    view = json.loads(form(tmp_path, "json", MODEL, db, *TERMS).stdout)
    [training] = [stage for stage in view["stages"] if stage["stage"] == "training"]
    assert training["flop_counted"]["flop"] == 9 * 10**36 + 9 * 10**18 + 7
    assert "FLOP: 9.0e+36 (order of magnitude: 10^36)" in form(tmp_path, "gpai", MODEL, db, *TERMS).stdout


ADDED = '[[add]]\nstage = "training"\nname = "more"\nsource = "s"\nenergy_kwh = 5\n'


@pytest.mark.parametrize(
    ("counted", "text", "words"),
    [
        ({"first": {"flops": 10**15}}, MODEL, "at least 1.0e+15 (order of magnitude: 10^15); 1 of 3 runs counted all of theirs"),
        (ALL_TRAININGS, MODEL + ADDED, "at least 3.4e+15 (order of magnitude: 10^15); 3 of 3 runs counted all of theirs, and nothing was"),
    ],
)
def test_a_part_of_the_compute_is_said_to_be_one(tmp_path: Path, counted: dict[str, dict[str, int]], text: str, words: str) -> None:
    """And it is missing still: a sum of some runs is not the compute of the training."""
    result = form(tmp_path, "gpai", text, counting(tmp_path, **counted), *TERMS)
    assert words in result.stdout
    assert "missing: the compute of the training in FLOP; count it with tracker.update(flops=…) in each run" in result.stderr
    assert "10^18 FLOP" not in form(tmp_path, "sci-ai", text, tmp_path / "runs.db", *TERMS).stdout


def test_what_the_file_states_wins_and_the_difference_is_said(tmp_path: Path) -> None:
    text = form(tmp_path, "gpai", MODEL + "[disclosure]\nflop = 4e15\nflop_method = '6 N D'\n", counting(tmp_path, **ALL_TRAININGS)).stdout
    assert "FLOP: 4.0e+15 (order of magnitude: 10^15)" in text
    assert "- Method: 6 N D" in text
    assert "The file states these; the runs counted 3.4e+15 (-15 %)" in text
    partial = form(tmp_path, "gpai", MODEL + "[disclosure]\nflop = 4e15\n", counting(tmp_path / "x", first={"flops": 10**15})).stdout
    assert "the runs counted 1.0e+15, and 1 of 3 runs counted all of theirs" in partial


def test_a_benchmark_of_inference_is_what_its_runs_have_counted(tmp_path: Path) -> None:
    db = counting(tmp_path, serve={"requests": 2000, "flops": 51 * 10**13})
    text = '[inference]\nunit = "requests"\nper_day = 5\ndays = 5\nruns = ["serve"]\n'
    page = form(tmp_path, "gpai", MODEL + text, db, *TERMS).stdout
    assert "FLOP of the benchmark: 5.1e+14 (order of magnitude: 10^14)" in page
    assert "Task of the benchmark: 2,000 requests" in page
    assert "Hardware of the benchmark: 1 × NVIDIA L4" in page
    stated = form(tmp_path, "gpai", MODEL + text + "[disclosure]\ninference_flop = 5.1e17\n", db, *TERMS)
    assert "FLOP of the benchmark: 5.1e+17 (order of magnitude: 10^17)" in stated.stdout
    assert "missing: the task of the benchmark; give inference_task" in stated.stderr


def test_a_unit_of_inference_is_what_the_runs_of_the_stage_have_counted(tmp_path: Path) -> None:
    """Without a plan in a file: one kilowatt-hour for 2,000 requests."""
    db = counting(tmp_path, serve={"requests": 2000, "tokens": 10**6, "flops": 51 * 10**13})
    page = form(tmp_path, "gpai", MODEL, db, *TERMS)
    assert "Energy of a request: 1800 J (1620–1980), 2,000 requests of 1 run of inference" in page.stdout
    assert "Energy of a token: 3.60 J" in page.stdout
    assert "FLOP of the benchmark: 5.1e+14 (order of magnitude: 10^14)" in page.stdout
    assert "inference" not in page.stderr
    score = form(tmp_path, "sci-ai", MODEL, db, *TERMS).stdout
    view = json.loads(form(tmp_path, "json", MODEL, db, *TERMS).stdout)
    [inference] = [stage for stage in view["stages"] if stage["stage"] == "inference"]
    assert inference["work"] == {"requests": 2000, "tokens": 10**6, "flops": 51 * 10**13}
    [grams] = re.findall(r"- ([\d.]+) mg .*CO2e per request \(1800 J\)", score)
    assert float(grams) == pytest.approx(inference["total_g"]["value"] / 2000 * 1000, rel=0.01)
    assert "per flop" not in score


@pytest.mark.parametrize("more", [ADDED.replace('"training"', '"inference"'), "[[select]]\nstage = 'inference'\nruns = ['loose']\n"])
def test_no_unit_takes_what_was_not_counted_in_it(tmp_path: Path, more: str) -> None:
    """An entry by hand, or a run, whose joules belong to the stage and whose units nobody knows."""
    db = counting(tmp_path, serve={"requests": 2000, "flops": 51 * 10**13})
    page = form(tmp_path, "gpai", MODEL + more, db, *TERMS)
    assert "Energy of a unit: missing" in page.stdout
    assert "missing: the energy of inference; count units in each run" in page.stderr
    assert "per unit of inference: missing" in form(tmp_path, "sci-ai", MODEL + more, db, *TERMS).stdout


# ---- the form of the EU


@pytest.mark.parametrize(
    "text",
    [
        MODEL,
        MODEL + ADDED,
        MODEL + "".join(ADDED.replace("more", f"a long name of what was added {i}" * 5) for i in range(9)),
        ADDED,
        ADDED + "pue = 1.1\n" + ADDED.replace("more", "second") + "pue = 1.7\n",
    ],
)
def test_the_method_has_about_100_words(tmp_path: Path, text: str) -> None:
    page = form(tmp_path, "gpai", text, stored(tmp_path)).stdout
    [method] = [line for line in page.splitlines() if line.startswith("Method: ")]
    assert 60 <= len(method.split()) - 1 <= 140
    assert "effectiveness" in method


@pytest.mark.parametrize(
    ("days", "words"),
    [(1, "less than 1 month"), (31, "1 to 3 months"), (100, "3 to 6 months"), (183, "more than 6 months"), (900, "more than 6 months")],
)
def test_the_duration_is_in_a_range_of_the_form(tmp_path: Path, days: int, words: str) -> None:
    columns: Row = {"status": "completed", "stage": "training", "started_utc_ns": 0, "duration_s": days * 86_400.0}
    db = write(tmp_path / "long.db", run=[run("long", ended_utc_ns=days * 24 * HOUR_NS, **columns)], segment=[segment("s-long", "long")])
    page = form(tmp_path, "gpai", MODEL, db).stdout
    assert f"Duration, in the ranges of the form: {words}" in page
    assert f"Wall-clock time: {days if days > 99 else float(days):.{0 if days > 99 else 2 if days < 10 else 1}f} wall-clock days" in page


def test_hardware_time_has_the_model_and_the_range_of_what_was_added(tmp_path: Path) -> None:
    more = '[[add]]\nstage = "training"\nname = "x"\nsource = "s"\ngpu_hours = [240, 480, 960]\ndevice = "H100"\nload = 0.5\n'
    page = form(tmp_path, "gpai", MODEL + more, stored(tmp_path)).stdout
    assert "Hardware time: 20.0 GPU days of H100 (480 GPU hours; 10.0–40.0 days) and 0.125 GPU days of NVIDIA L4 (3.00 GPU hours)" in page
    assert "Wall-clock time: ≥ 0.125 wall-clock days" in page  # nobody knows how long the other one took


def test_runs_at_once_hold_their_hardware_once(tmp_path: Path) -> None:
    view = json.loads(form(tmp_path, "json", MODEL, stored(tmp_path, at_once=True)).stdout)
    hours = sum(of["hours"] for stage in view["stages"] for of in stage["hardware_hours"])
    assert hours == pytest.approx(sum(stage["device_hours"] for stage in view["stages"]))
    assert hours <= 1.0


def test_each_file_says_its_boundary_and_what_was_measured(tmp_path: Path) -> None:
    db = stored(tmp_path)
    for name in FORMS[:-1]:
        page = form(tmp_path, name, MODEL, db, *TERMS).stdout
        assert re.search(r"nodes times PUE|of the nodes, before the PUE", page), name
        assert "measured" in page, name


# ---- gaps


def _without_energy(folder: Path, **runs: Row) -> Path:
    ended: Row = {"status": "completed", "ended_utc_ns": HOUR_NS, "duration_s": 3600.0}
    rows = [run(name, name=name, **{**ended, **columns}) for name, columns in runs.items()]
    return write(folder / "bare.db", run=rows, segment=[segment(f"s-{name}", name) for name in runs])


def test_a_stage_without_energy_is_missing_and_not_zero(tmp_path: Path) -> None:
    db = _without_energy(tmp_path, a={"stage": "training"}, b={"stage": "inference"})
    for name in FORMS[:-1]:
        result = form(tmp_path, name, MODEL, db)
        assert re.search(r"missing: the (energy|emissions) of the training; .*(give|measure)", result.stderr), name
        assert not any(zero in result.stdout for zero in ("0 MWh", "0.0,", "emissions: 0", "0.00 g", '"value": 0')), name
        if name == "cyclonedx":
            assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.stdout) is None
        if name == "spdx":
            spdx.JSONLDDeserializer().read(io.BytesIO(result.stdout.encode()), spdx.SHACLObjectSet())


@pytest.mark.parametrize(
    "runs", [{"a": {}}, {"a": {"stage": "data"}}, {"a": {"status": "running", "stage": "training", "ended_utc_ns": None}}]
)
def test_each_gap_says_how_to_fill_it(tmp_path: Path, runs: dict[str, Row]) -> None:
    db = _without_energy(tmp_path, **runs)
    for name in FORMS:
        missing = [line for line in form(tmp_path, name, MODEL, db).stderr.splitlines() if "missing: " in line]
        assert missing or name == "json"
        assert all(re.search(r"; .*(give|record|measure|count|select|make)", line) for line in missing)


@pytest.mark.parametrize("name", ["huggingface", "cyclonedx", "sci-ai"])
def test_where_no_grid_is_known_the_form_says_which_one_stands_in(tmp_path: Path, name: str) -> None:
    db = stored(tmp_path)
    assert "missing: the grid; give --zone or --intensity" in form(tmp_path, name, MODEL, db).stderr
    assert "missing: the grid" not in form(tmp_path, name, MODEL, db, "--zone", "FR").stderr
    assert "missing: the grid" not in form(tmp_path, name, MODEL, db, *TERMS).stderr


def test_a_run_that_still_runs_is_said(tmp_path: Path) -> None:
    db = stored(tmp_path, going={"stage": "training", "status": "running"})
    assert "missing: the rest of 1 run that still runs; make the form again after the end" in form(tmp_path, "gpai", MODEL, db).stderr


def test_grams_without_an_energy_are_not_lost(tmp_path: Path) -> None:
    """And hours by hand name their device."""
    text = '[[add]]\nstage = "training"\nname = "x"\nsource = "s"\ngpu_hours = 200\ndevice = "H100"\noperational_kg = [600, 700, 900]\n'
    shown = form(tmp_path, "cyclonedx", text).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shown) is None
    considered = json.loads(shown)["components"][0]["modelCard"]["considerations"]["environmentalConsiderations"]
    assert considered["energyConsumptions"] == []
    [emissions] = considered["properties"]
    assert emissions["name"] == "trainwatt:training:emissions"
    assert re.fullmatch(r"at least 0\.70\d+ tCO2eq \(0\.60\d+ to 0\.9\d+\)", emissions["value"])
    assert card_of(form(tmp_path, "huggingface", text).stdout)["hardware_used"] == "H100"


def test_no_quality_is_made_up_of_a_number_without_a_range(tmp_path: Path) -> None:
    result = form(tmp_path, "boamps", ADDED)
    assert "quality" not in json.loads(result.stdout)
    assert "missing: the quality; the energy has no range" in result.stderr
    ranged = form(tmp_path, "boamps", ADDED.replace("energy_kwh = 5", "energy_kwh = [4, 5, 6]"))
    assert json.loads(ranged.stdout)["quality"] == "medium"


def test_the_country_is_that_of_the_training_and_only_one(tmp_path: Path) -> None:
    data = ADDED.replace('"training"', '"data"') + 'zone = "PL"\n'
    one = json.loads(form(tmp_path, "boamps", ADDED + 'zone = "SE"\n' + data).stdout)
    assert one["environment"]["country"] == "SE"
    two = form(tmp_path, "boamps", ADDED + 'zone = "SE"\n' + ADDED.replace("more", "x") + 'zone = "PL"\n')
    assert "environment" not in json.loads(two.stdout)
    assert "missing: the country; it was trained in SE, PL" in two.stderr


def test_the_license_and_the_supplier_are_in_the_files_that_have_a_place_for_them(tmp_path: Path) -> None:
    db = stored(tmp_path)
    found = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.BytesIO(form(tmp_path, "spdx", MODEL + STATED, db).stdout.encode()), found)
    model: Any
    [model] = found.foreach_type(spdx.ai_AIPackage)
    license_: Any
    [license_] = found.foreach_type(spdx.simplelicensing_LicenseExpression)
    relation: Any
    [relation] = found.foreach_type(spdx.Relationship)
    assert license_.simplelicensing_licenseExpression == "Apache-2.0"
    assert (relation.from_, list(relation.to)) == (model, [license_])
    assert model.suppliedBy.name == "Example Labs"
    text = form(tmp_path, "cyclonedx", MODEL + STATED, db).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    [component] = json.loads(text)["components"]
    assert (component["licenses"], component["supplier"]) == ([{"license": {"name": "Apache-2.0"}}], {"name": "Example Labs"})
    activities = component["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert {provider["energySource"] for each in activities for provider in each["energyProviders"]} == {"nuclear"}


# ---- absurd sizes


def sized(kwh: str, per_day: str, days: str, joules: str, flop: str) -> str:
    plan = f'[inference]\nunit = "requests"\nper_day = {per_day}\ndays = {days}\nj_per_unit = {joules}\nsource = "s"\n'
    said = f'[disclosure]\nflop = {flop}\nflop_method = "m"\nparameters = 1e15\ntraining_tokens = 1e18\n'
    return ADDED.replace("= 5", f"= {kwh}") + ADDED.replace("= 5", "= 1e-12").replace('"training"', '"data"') + plan + said


SIZES = [
    sized("1e15", "1e15", "36500", "1e15", "1e30"),
    sized("1e-12", "1e-6", "1e-3", "1e-9", "1e-30"),
    sized("1e15", "1", "1", "1e-9", "1e40"),
    sized("[1e-12, 1, 1e15]", "[1e-6, 1, 1e15]", "1e15", "[1e-9, 1, 1e15]", "1"),
]


@pytest.mark.parametrize("text", SIZES)
@pytest.mark.parametrize("width", [60, 100, 200])
def test_absurd_sizes_fit_into_the_table(tmp_path: Path, text: str, width: int) -> None:
    result = CliRunner().invoke(cli, ["life", written(tmp_path, text)], env={"COLUMNS": str(width)}, standalone_mode=False)
    assert result.exception is None, result.exception
    assert max(map(len, result.stdout.splitlines())) <= width
    assert "training" in result.stdout
    assert not re.search(r"\d{13}|0\.0{8}", result.stdout)
    if width >= 100:
        assert "…" not in result.stdout


@pytest.mark.parametrize("text", SIZES)
def test_absurd_sizes_stay_figures_in_each_form(tmp_path: Path, text: str) -> None:
    shown = {name: form(tmp_path, name, text).stdout for name in FORMS}
    assert not any(re.search(r"\b(nan|inf|Infinity)\b", page, re.IGNORECASE) for page in shown.values())
    assert not any(re.search(r"\d{13}|0\.0{8}", shown[name]) for name in ("gpai", "sci-ai"))
    emissions = card_of(shown["huggingface"])["emissions"]
    assert isinstance(emissions, int | float)
    assert emissions > 0
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shown["cyclonedx"]) is None
    for name in ("spdx", "boamps", "json"):
        json.loads(shown[name])


# ---- hostile names


NAMES = {
    "tag": "<script>alert(1)</script>",
    "table": "a|b|c",
    "lines": "a\nb: {}\n---\n# c\r\n```",
    "escape": "\x1b[31mred\x07\x9b2J\x7f",
    "yaml": "a: b # c ' \" \\ %",
    "direction": "abc\u202egnp.exe\u2066",
    "separators": "a\u2028b\u0085c\u2029",
    "letters": "é 漢 😀 \U000e0041",
    "long": "n" * 10_000,
}


def hostile(name: str) -> str:
    quoted = json.dumps(name).replace("\\ud83d\\ude00", "😀").replace("\\udb40\\udc41", "\\U000E0041").replace("\x7f", "\\u007f")
    stated = "\n".join(
        f"{key} = {quoted}"
        for key in (
            *("provider", "location", "flop_method", "license", "download", "version", "task_family", "data_type", "supplier"),
            *("inference_task", "inference_hardware"),
        )
    )
    return (
        f'[model]\nname = {quoted}\nproject = "digits"\n[[add]]\nstage = "training"\nname = {quoted}\nsource = {quoted}\nenergy_kwh = 1\n'
        f"[inference]\nunit = {quoted}\nper_day = 5\ndays = 5\nj_per_unit = 5\nsource = {quoted}\n"
        f"[disclosure]\n{stated}\nflop = 1\ninference_flop = 1\n"
    )


def unsafe(text: str) -> set[str]:
    """Characters that a terminal obeys, or that turn the text around."""
    return {c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Cf") or c in "\u2028\u2029")}


def named_after(db: Path, text: str) -> Path:
    """Runs, groups, hosts and devices of this name."""
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE run SET name = ?, group_name = ?, command = ?", (text, text, text))
        connection.execute("UPDATE device SET model = ? WHERE segment_id = 's-second'", (text,))
    connection.close()
    return db


@pytest.mark.parametrize("kind", NAMES)
def test_a_hostile_name_is_text_in_each_form(tmp_path: Path, kind: str) -> None:
    text = NAMES[kind]
    db = named_after(stored(tmp_path), text)
    shown = {}
    for name in FORMS:
        result = form(tmp_path, name, hostile(text), db, *TERMS)
        shown[name] = result.stdout
        assert not unsafe(result.stdout), name
        assert not unsafe(result.stderr), name
    starts = ("#", "-", "|", "At least", "Method", "Emissions", "The energy", "Made by")
    for page in (shown["gpai"], shown["sci-ai"]):
        assert "<script>" not in page.replace("\\<", "")
        assert all(not line or line.startswith(starts) or line[0].isdigit() for line in page.splitlines())
        assert len(page) < 12_000
    assert card_of(shown["huggingface"])["geographical_location"] == text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shown["cyclonedx"]) is None
    assert json.loads(shown["cyclonedx"])["components"][0]["name"] == text
    assert [part["name"] for part in json.loads(shown["spdx"])["@graph"] if part["type"] == "Organization"] == [text]
    assert json.loads(shown["boamps"])["task"]["algorithms"][0]["algorithmName"] == text
    assert json.loads(shown["json"])["name"] == text


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("output", ["table", "md", "html"])
def test_a_hostile_name_is_text_in_a_life(tmp_path: Path, kind: str, output: str) -> None:
    page = tmp_path / "life.html"
    where = ("-o", page) if output == "html" else ("--format", output)
    result = call("life", written(tmp_path, hostile(NAMES[kind])), *where, *TERMS, "--db", stored(tmp_path))
    assert result.exception is None, result.exception
    text = page.read_text() if output == "html" else result.stdout
    assert output == "table" or "<script>alert" not in text.replace("\\<", "")
    assert output != "md" or "a|b|c" not in text
    shown = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not {c for c in unsafe(shown) if c not in "\t\u2028\u2029\u0085\U000e0041"}
    assert "n" * 500 not in text


@pytest.mark.parametrize("kind", ["escape", "lines", "long"])
def test_a_hostile_name_is_text_in_what_is_said_of_a_receipt(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "r.zip"
    result = call("disclose", written(tmp_path, hostile(NAMES[kind])), "--receipt", file, *TERMS, "--db", stored(tmp_path))
    assert result.exception is None, result.exception
    said = call("verify", file)
    assert "every figure holds" in said.stdout
    from tests.life.test_receipt import altered

    def change(data: bytes) -> bytes:
        found = json.loads(data)
        found["name"] = NAMES[kind] + "!"
        return json.dumps(found).encode()

    said = call("verify", altered(file, "result.json", change))
    assert "does not hold: name is" in said.stdout
    assert not unsafe(said.stdout)
    assert max(map(len, said.stdout.splitlines())) < 500
