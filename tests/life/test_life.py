"""A model's life: stages, fates, what was added by hand, and the inference that is planned."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.browser.runs import write
from tests.fakes.stored_rows import Row, device, point, run, segment
from tests.fakes.world import ROOT
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError, RunNotFoundError, TrainwattError
from trainwatt.life.reading import read_life

S = 10**9
HOUR_NS = 3600 * S
KWH_J = 3.6e6
TERMS = ("--intensity", "100", "--pue", "1.25")

RUNS: dict[str, Row] = {
    "prepare": {"stage": "data"},
    "try-1": {"stage": "experimentation", "group_name": "sweep"},
    "try-2": {"stage": "experimentation", "group_name": "sweep", "status": "interrupted"},
    "first": {"stage": "training"},
    "second": {"stage": "training", "tags": '{"final": "yes"}'},
    "crashed": {"stage": "training", "status": "failed"},
    "serve": {"stage": "inference"},
    "loose": {},
}
"""Each has used one kilowatt-hour of one GPU in an hour of its own."""


def stored(folder: Path, *, at_once: bool = False, work: Row | None = None, **more: Row) -> Path:
    """The runs; `at_once`: all in the same hour, on the same GPU."""
    rows: dict[str, list[Row]] = {
        "run": [],
        "segment": [],
        "device": [],
        "curve_point": [],
        "clock_anchor": [],
        "work": [],
        "inventory": [],
    }
    for number, (name, columns) in enumerate({**RUNS, **more}.items()):
        began = 0 if at_once else number * 2 * HOUR_NS
        end = {"started_utc_ns": began, "ended_utc_ns": began + HOUR_NS, "duration_s": 3600.0}
        rows["run"].append(run(name, name=name, **{"status": "completed", **end, **columns}))
        rows["segment"].append(segment(f"s-{name}", name))
        rows["inventory"].append({"run_id": name, "host": "node-a", "kind": "gpu", "name": "gpu0", "detail": '{"model": "NVIDIA L4"}'})
        rows["device"].append(device("gpu0", f"s-{name}", gain=0.1, uuid="GPU-1", model="NVIDIA L4"))
        rows["clock_anchor"].append({"segment_id": f"s-{name}", "monotonic_ns": 0, "utc_ns": began, "boottime_ns": 0})
        rows["curve_point"] += [point(0, 0.0, "gpu0", f"s-{name}"), point(HOUR_NS, KWH_J, "gpu0", f"s-{name}")]
    rows["work"] += [{"segment_id": "s-serve", "unit": unit, "phase": "", "amount": amount} for unit, amount in (work or {}).items()]
    return write(folder / "runs.db", **rows)


def call(db: Path | None, *arguments: str, **env: str) -> Result:
    place = () if db is None else ("--db", str(db))
    return CliRunner().invoke(cli, ["life", *arguments, *place], env={"COLUMNS": "100", **env}, standalone_mode=False)


def life(db: Path | None, *arguments: str) -> Any:
    result = call(db, *arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def written(folder: Path, text: str) -> str:
    file = folder / "life.toml"
    file.write_text(text)
    return str(file)


def stage_of(view: Any, name: str | None) -> Any:
    [found] = [stage for stage in view["stages"] if stage["stage"] == name]
    return found


# ---- runs


def test_runs_count_in_their_stages_and_by_what_became_of_them(tmp_path: Path) -> None:
    view = life(stored(tmp_path), "--project", "digits", *TERMS)
    assert [stage["stage"] for stage in view["stages"]] == ["data", "experimentation", "training", "inference", None]
    fates = {stage["stage"]: {line["fate"]: line["runs"] for line in stage["lines"]} for stage in view["stages"]}
    assert fates == {
        "data": {"used": 1},
        "experimentation": {"used": 1, "interrupted": 1},
        "training": {"used": 1, "unused": 1, "failed": 1},
        "inference": {"used": 1},
        None: {"used": 1},
    }
    assert view["final"] == ["second"]
    assert (view["lost"]["runs"], view["lost"]["energy_j"]) == (3, pytest.approx(3 * KWH_J))
    training = stage_of(view, "training")
    assert (training["energy_j"], training["operational_g"], training["hours"]) == pytest.approx((3 * KWH_J, 3 * 125.0, 3.0))
    assert training["embodied_g"] > 0


@pytest.mark.parametrize("key", ["energy_j", "operational_g", "embodied_g", "total_g", "hours", "gpu_hours", "runs"])
@pytest.mark.parametrize("at_once", [False, True])
def test_the_parts_are_the_whole(tmp_path: Path, key: str, at_once: bool) -> None:
    """Also where all runs read one device at the same time: it counts once, in energy, in hours, and in the grams of its making."""
    view = life(stored(tmp_path, at_once=at_once), "--project", "digits", *TERMS)
    whole = view["so_far"][key]
    assert sum(stage[key] for stage in view["stages"]) == pytest.approx(whole)
    assert sum(line[key] for stage in view["stages"] for line in stage["lines"]) == pytest.approx(whole)
    if at_once:
        assert view["runs_at_once"] == len(RUNS)
        assert view["so_far"]["energy_j"] == pytest.approx(KWH_J)
        assert view["so_far"]["hours"] == pytest.approx(1.0)


def test_shares_have_ranges_and_add_up(tmp_path: Path) -> None:
    view = life(stored(tmp_path), "--project", "digits", *TERMS)
    shares = [stage["share"] for stage in view["stages"]]
    assert sum(share["value"] for share in shares) == pytest.approx(1.0)
    assert all(0 < share["low"] <= share["value"] <= share["high"] < 1 for share in shares)


def test_a_file_selects_runs_and_names_the_model(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        model = {name = "digits-cnn", project = "digits", final = ["first"]}
        [[select]]
        stage = "experimentation"
        group = "sweep"
        [[select]]
        stage = "data"
        runs = ["loose", "prepare"]
        """,
    )
    view = life(stored(tmp_path), file, *TERMS)
    assert view["name"] == "digits-cnn"
    assert view["final"] == ["first"]
    assert {stage["stage"]: stage["runs"] for stage in view["stages"]} == {"data": 2, "experimentation": 2, "training": 3, "inference": 1}
    assert {line["fate"]: line["runs"] for line in stage_of(view, "training")["lines"]} == {"used": 1, "unused": 1, "failed": 1}


def test_runs_are_selected_by_tag_and_by_the_stage_that_they_recorded(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [[select]]
        stage = "training"
        project = "digits"
        tags = ["final"]
        [[select]]
        stage = "experimentation"
        project = "digits"
        recorded_stage = "data"
        """,
    )
    view = life(stored(tmp_path), file, *TERMS)
    assert {stage["stage"]: stage["runs"] for stage in view["stages"]} == {"experimentation": 1, "training": 1}


@pytest.mark.parametrize("at_once", [False, True])
def test_a_list_has_the_grams_of_runs_and_of_sums(tmp_path: Path, at_once: bool) -> None:
    db = stored(tmp_path, at_once=at_once)

    def answer(*arguments: str) -> Any:
        result = CliRunner().invoke(cli, ["list", *arguments, "--db", str(db)], env={"COLUMNS": "80"}, standalone_mode=False)
        assert result.exception is None, result.exception
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    whole = life(db, "--project", "digits")
    groups = {group["stage"]: group["grams"]["total_g"] for group in answer("--by", "stage", "--grams", "--json")["groups"]}
    assert groups == pytest.approx({stage["stage"]: stage["total_g"] for stage in whole["stages"]})
    assert answer("--by", "month", "--grams", "--json")["total"]["grams"]["total_g"] == pytest.approx(whole["so_far"]["total_g"])
    runs = answer("--grams", "--json")["runs"]
    assert all(entry["grams"]["low_g"] < entry["grams"]["total_g"] < entry["grams"]["high_g"] for entry in runs)
    assert "grams" not in answer("--json")["runs"][0]
    for arguments in ((), ("--by", "stage")):
        assert "CO2e" in answer("--grams", *arguments).splitlines()[0]
    head, *lines = csv.reader(io.StringIO(answer("--grams", "--format", "csv")))
    assert [float(line[head.index("grams")]) for line in lines] == pytest.approx([entry["grams"]["total_g"] for entry in runs])


# ---- by hand


def test_the_published_life_of_olmo(tmp_path: Path) -> None:
    """Morrison et al. 2025 (arXiv:2503.05804): 159 t of development, 312 t of final runs, 22 t of hardware: 32 % is development."""
    source = 'source = "arXiv:2503.05804"'
    file = written(
        tmp_path,
        f"""
        [[add]]
        stage = "experimentation"
        name = "development"
        operational_kg = 159_000
        {source}
        [[add]]
        stage = "training"
        name = "final runs"
        operational_kg = 312_000
        {source}
        [[add]]
        stage = "training"
        name = "hardware"
        embodied_kg = 22_000
        {source}
        """,
    )
    view = life(None, file)
    assert view["whole"]["total_g"] == pytest.approx(493e6)
    assert round(100 * stage_of(view, "experimentation")["share"]["value"]) == 32
    assert not view["whole"]["operational_lower_bound"]
    assert not view["whole"]["embodied_lower_bound"]


def test_energy_and_device_hours_become_grams_as_in_an_estimate(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [[add]]
        stage = "data"
        name = "storage"
        energy_kwh = [8, 10, 15]
        source = "a meter"
        [[add]]
        stage = "training"
        name = "another cluster"
        gpu_hours = [900, 1000, 1200]
        device = "H100"
        watts = 500
        gpus_per_host = 8
        host_kg = 1000
        zone = "SE"
        pue = 1.1
        source = "its accounting"
        """,
    )
    view = life(None, file, *TERMS)
    data, training = stage_of(view, "data"), stage_of(view, "training")
    assert (data["operational_low_g"], data["operational_g"], data["operational_high_g"]) == pytest.approx((1000, 1250, 1875))
    assert data["embodied_lower_bound"]
    estimated = json.loads(
        CliRunner()
        .invoke(
            cli,
            [
                *("estimate", "--gpu-hours", "1000", "--device", "H100", "--watts", "500", "--gpus-per-host", "8"),
                *("--host-kg", "1000", "--zone", "SE", "--pue", "1.1", "--json"),
            ],
        )
        .stdout
    )["carbon"]
    assert training["total_g"] == pytest.approx(estimated["total_g"])
    assert training["operational_high_g"] == pytest.approx(1.2 * estimated["operational_high_g"])
    assert training["embodied_low_g"] == pytest.approx(0.9 * estimated["embodied_low_g"])


# ---- bases


def stored_as_direct(folder: Path) -> Path:
    """The runs in France on the direct basis, and one of another project on the life-cycle basis."""
    db = stored(folder, work={"tokens": 1000}, serve={"project": "other", "zone": "FR"})
    with sqlite3.connect(db) as connection:
        connection.execute("""UPDATE run SET zone = 'FR', settings = '{"basis": "direct"}' WHERE project != 'other'""")
    connection.close()
    return db


def test_what_is_added_is_on_the_basis_of_the_runs(tmp_path: Path) -> None:
    """Life-cycle grams and direct ones are never added."""
    db = stored_as_direct(tmp_path)
    file = written(tmp_path, '[model]\nproject = "digits"\n' + ADD + 'energy_kwh = 1\nzone = "FR"')

    def grams(*terms: str) -> tuple[float, float]:
        data = stage_of(life(db, file, *terms), "data")
        return data["lines"][0]["operational_g"], data["added"][0]["operational_g"]

    direct, lifecycle = grams(), grams("--basis", "lifecycle")
    assert direct[0] == pytest.approx(direct[1])
    assert lifecycle[0] == pytest.approx(lifecycle[1])
    assert lifecycle[0] > direct[0]


def test_a_unit_on_another_basis_is_refused(tmp_path: Path) -> None:
    db = stored_as_direct(tmp_path)
    file = written(tmp_path, '[model]\nproject = "digits"\n' + INFERENCE + 'runs = ["serve"]')
    assert "different bases" in str(call(db, file).exception)
    assert life(db, file, "--basis", "direct")["planned"]["g_per_unit"]["value"] > 0


# ---- inference


def test_inference_equals_the_past_where_the_units_say_so(tmp_path: Path) -> None:
    """1 kWh and 125 g a run; four runs of 125 g and their hardware came before a service of 0.36 J, 0.0125 mg a request."""
    file = written(
        tmp_path,
        """
        [[add]]
        stage = "training"
        name = "training"
        operational_kg = 1.0
        source = "a paper"
        [[add]]
        stage = "training"
        name = "its energy"
        energy_kwh = 8
        intensity_g_per_kwh = 0
        pue = 1
        source = "a paper"
        [inference]
        unit = "requests"
        per_day = [500, 1000, 2000]
        days = 100
        j_per_unit = [1800, 3600, 7200]
        source = "a benchmark"
        """,
    )
    view = life(None, file, *TERMS)
    planned, even = view["planned"], view["break_even"]
    assert planned["g_per_unit"] == pytest.approx({"value": 0.125, "low": 0.0625, "high": 0.25})
    assert planned["units"] == pytest.approx({"value": 1e5, "low": 5e4, "high": 2e5})
    assert planned["g_per_unit_with_past"] == pytest.approx({"value": 0.135, "low": 0.0675, "high": 0.27})
    assert even["grams_units"] == pytest.approx({"value": 8000, "low": 4000, "high": 16000})
    assert even["grams_days"] == pytest.approx({"value": 8, "low": 2, "high": 32})
    assert even["energy_units"] == pytest.approx({"value": 8000, "low": 4000, "high": 16000})
    assert view["whole"]["total_g"] == pytest.approx(1000 + 12500)
    assert planned["share"]["value"] == pytest.approx(12500 / 13500)


def test_a_unit_is_taken_from_a_measured_run(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        model = {project = "digits"}
        [inference]
        unit = "tokens"
        per_day = 1000
        days = 10
        runs = ["serve"]
        """,
    )
    view = life(stored(tmp_path, work={"tokens": 1000}), file, *TERMS)
    serve = stage_of(view, "inference")
    assert view["planned"]["j_per_unit"]["value"] == pytest.approx(KWH_J / 1000)
    assert view["planned"]["g_per_unit"]["value"] == pytest.approx(serve["total_g"] / 1000)
    assert "run serve" in view["planned"]["source"]
    before = view["so_far"]["total_g"] - serve["total_g"]
    assert view["break_even"]["grams_units"]["value"] == pytest.approx(before / (serve["total_g"] / 1000))


def test_a_unit_is_not_taken_from_a_run_without_energy(tmp_path: Path) -> None:
    db = stored(tmp_path, work={"tokens": 1000})
    with sqlite3.connect(db) as connection:
        for table in ("curve_point", "device"):
            connection.execute(f"DELETE FROM {table} WHERE segment_id = 's-serve'")
    connection.close()
    result = call(db, written(tmp_path, '[model]\nproject = "digits"\n' + INFERENCE + 'runs = ["serve"]'), *TERMS)
    assert isinstance(result.exception, ConfigurationError)
    assert all(words in str(result.exception) for words in ("inference.runs", "run serve has no energy", "j_per_unit"))


@pytest.mark.parametrize(("value", "final"), [("yes", True), ("", True), ("v2", True), ("no", False), ("False", False), ("0", False)])
def test_a_tag_that_says_no_makes_no_model(tmp_path: Path, value: str, final: bool) -> None:
    view = life(stored(tmp_path, second={"stage": "training", "tags": json.dumps({"final": value})}), "--project", "digits", *TERMS)
    assert view["final"] == (["second"] if final else [])


def test_a_server_that_lasts_three_to_five_years(tmp_path: Path) -> None:
    """Wu et al. 2022: 2,000 kg, kept for 3 to 5 years and in use for 30 to 60 % of them: 0.076 to 0.254 kg for each hour of use."""

    def kg(years: int, share: float) -> float:
        entry = f"""
        [[add]]
        stage = "training"
        name = "one hour"
        source = "arXiv:2111.00364"
        gpu_hours = 1
        watts = 0
        gpu_kg = 0
        gpus_per_host = 1
        host_kg = 2000
        lifetime_years = {years}
        lifetime_utilization = {share}
        """
        [training] = life(None, written(tmp_path, entry), "--intensity", "0", "--pue", "1")["stages"]
        assert (training["operational_g"], training["embodied_lower_bound"]) == (0.0, False)
        return float(training["total_g"]) / 1000

    assert [round(kg(5, 0.6), 3), round(kg(3, 0.3), 3)] == [0.076, 0.254]
    assert kg(4, 0.5) == pytest.approx(2000 / (4 * 8760 * 0.5))


def grams_of(*energies_kwh: float) -> list[float]:
    """The grams of entries by hand of so many kilowatt-hours, one after the other."""
    entries = "".join(ADD.replace('"x"', f'"entry {i}"') + f"energy_kwh = {kwh!r}\n" for i, kwh in enumerate(energies_kwh))
    with TemporaryDirectory() as folder:
        [stage] = life(None, written(Path(folder), entries), "--intensity", "100", "--pue", "1.1")["stages"]
    return [added["total_g"] for added in stage["added"]]


def test_reductions_against_growth() -> None:
    """Wu et al. 2022, figs. 6 to 8: 20 % less in each of four half-years is 59 % less, and 28.5 % less where the use grows by 1.75 (28.3 %
    of rounded figures); optimizations by 6.7, 10.1, 2.4 and 5 multiply to 812."""
    before, after, grown, unoptimized = grams_of(1000, 1000 * 0.8**4, 1000 * 0.8**4 * 1.75, 1000 * 6.7 * 10.1 * 2.4 * 5)
    assert round(100 * (after / before - 1)) == -59
    assert 100 * (grown / before - 1) == pytest.approx(-28.5, abs=0.25)
    assert round(unoptimized / before) == 812


# ---- what is printed


def test_what_is_planned_is_said_as_it_is_known(tmp_path: Path) -> None:
    text = ADD.replace('"data"', '"training"') + "energy_kwh = 1\n" + INFERENCE + 'j_per_unit = 7\nsource = "a paper"'
    page = " ".join(call(None, written(tmp_path, text), "--intensity", "100").stdout.split())
    assert "1.00 kWh (1.00–1.00)" not in page
    assert "One token takes 7.00 J and emits ≥ 0.194 mg (0.194–0.194) CO2e (a paper)." not in page
    assert "One token takes 7.00 J and emits ≥" in page
    assert "shared by the 15 tokens of 3 days" in page
    assert "used as much energy as all that came before after 514,000 tokens, or 103,000 days of the plan." in page


@pytest.mark.parametrize("form", ["table", "md"])
def test_hostile_names_are_shown_as_text(tmp_path: Path, form: str) -> None:
    name = '"a\\u001b[31m|<b>*\\n# x"'.replace("\\\\", "\\")
    text = f"[model]\nname = {name}\n" + ADD.replace('"x"', name).replace('"s"', name) + "energy_kwh = 1\n"
    page = call(None, written(tmp_path, text), "--format", form).stdout
    assert "\x1b[31m" not in page
    assert not any(line.startswith("#") for line in page.splitlines())
    assert form == "table" or "<b>" not in page.replace("\\<b\\>", "")


@pytest.mark.parametrize("form", ["table", "md"])
def test_every_figure_is_printed_whole(tmp_path: Path, form: str) -> None:
    db = stored(tmp_path)
    for width in ("60", "80", "120", "200"):
        text = call(db, "--project", "digits", *TERMS, "--format", form, COLUMNS=width).stdout
        assert "…" not in text
        assert all(
            word in text
            for word in ("experimentation", "not the model", "interrupted", "no stage", "The model is the result of run second.")
        )
        assert form == "md" or max(map(len, text.splitlines())) <= int(width)


def test_a_page_is_written_that_loads_nothing(tmp_path: Path) -> None:
    db, page = stored(tmp_path), tmp_path / "life.html"
    result = call(db, "--project", "digits", *TERMS, "-o", str(page))
    assert (result.exception, result.stdout.strip()) == (None, str(page))
    text = page.read_text()
    assert "The life of digits" in text
    assert all(word in text for word in ("experimentation", "not the model", "operational", "embodied"))
    assert not re.findall(r"(?:src|href)=", text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "md", "--json"), ("--format md", "--json")),
        (("--format", "html"), ("--format html", "-o life.html")),
        (("--format", "table", "-o", "x.md"), ("--format table", "-o x.md")),
        (("-o", "x.pdf"), ("-o x.pdf", ".html")),
        (("-o", "no/x.html"), ("no folder",)),
    ],
)
def test_formats_that_contradict_are_refused(tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = call(stored(tmp_path), "--project", "digits", *arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception


def test_the_files_of_the_documentation_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/life.md").read_text(), re.DOTALL)
    [whole, disclosed, olmo] = [read_life(Path(written(tmp_path, block))) for block in blocks]
    assert whole.inference is not None
    assert None not in disclosed.stated
    assert [len(whole.selections), len(whole.added)] == [1, 2]
    assert [added.name for added in olmo.added] == ["development", "final runs", "making of the hardware"]


# ---- bad input

ADD = '[[add]]\nstage = "data"\nname = "x"\nsource = "s"\n'
INFERENCE = '[inference]\nunit = "tokens"\nper_day = 5\ndays = 3\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("= 3", ("is no TOML", "docs/life.md")),
        ("", ("nothing belongs to this life", "[[add]]")),
        ('[model]\nname = "x"', ("nothing belongs to this life", "[model]")),
        ("[modle]", ("modle", "no such key", "model")),
        (ADD, ("add[1].name = 'x'", "adds nothing", "energy_kwh")),
        (ADD.replace('source = "s"\n', "energy_kwh = 1"), ("add[1].source is missing", "nobody measured")),
        (ADD.replace('"data"', '"daat"') + "energy_kwh = 1", ("stage = 'daat'", "experimentation")),
        (ADD + "energy_kwh = -1", ("energy_kwh = -1", "0 or more")),
        (ADD + "energy_kwh = nan", ("energy_kwh = nan", "out of range")),
        (ADD + "energy_kwh = 2e15", ("energy_kwh = 2", "1e+15 at most")),
        (ADD + f"energy_kwh = {'9' * 400}", ("energy_kwh = 999", "9…: it is out of range")),
        (ADD + f"energy_kwh = 0x{'f' * 5000}", ("energy_kwh = a number of many digits",)),
        (ADD + f"energy_kwh = {'9' * 5000}", ("is no TOML",)),
        (f"x = {'[' * 100_000}", ("is no TOML",)),
        (ADD + 'energy_kwh = "5"', ("energy_kwh = '5'", "without quotes")),
        (ADD + "energy_kwh = [1, 2]", ("energy_kwh = [1, 2]", "three values")),
        (ADD + "energy_kwh = [3, 2, 5]", ("not in order",)),
        (ADD + "energy_kwh = 1\nenergy = 2", ("add[1].energy", "no such key")),
        (ADD + "energy_kwh = 1\noperational_kg = 2", ("operational_kg = 2.0", "too")),
        (ADD + "gpu_hours = 5", ("gpu_hours = 5.0", "watts")),
        (ADD + "gpu_hours = 5\nload = 1", ("load = 1.0", "name the device")),
        (ADD + "gpu_hours = 5\nload = 2\ndevice = 'H100'", ("load = 2", "1 at most")),
        (ADD + 'energy_kwh = 1\ndevice = "H100"', ("device = 'H100'", "gpu_hours")),
        (ADD + 'gpu_hours = 5\nwatts = 9\ndevice = "H1000"', ("add[1] (x)", "H1000")),
        (ADD + "energy_kwh = 1\nzone = 'Atlantis'", ("add[1].zone = 'Atlantis' is not known",)),
        (ADD + "energy_kwh = 1\npue = 0.5", ("add[1].pue = 0.5: a site", "1 or more")),
        (ADD + "energy_kwh = 1\nintensity_g_per_kwh = 429000", ("add[1].intensity_g_per_kwh = 429000.0:", "grams of CO2e per kWh")),
        (ADD + "energy_kwh = 1\nlifetime_utilization = 50", ("add[1].lifetime_utilization = 50.0:", "0.5 for 50 %")),
        (ADD + "energy_kwh = 1\nzone = 'XX'", ("add[1].zone = 'XX' is not known", "trainwatt zones")),
        (ADD + "energy_kwh = 1\n" + ADD + "energy_kwh = 1", ("add[2].name = 'x'", "add[1]", "twice", "from and to")),
        (
            "\n".join(ADD + f"energy_kwh = 1\nfrom = 2026-0{m}-01\nto = 2026-0{m + 1}-01" for m in (1, 2)).replace("\n[[", "\n\n[["),
            ("add[2].name", "twice"),
        ),
        (ADD + "energy_kwh = 1\nfrom = 2026-03-01\nto = 2026-02-01", ("to = 2026-02-01:", "before from")),
        (ADD + "energy_kwh = 1\nfrom = '2026-03-01'", ("from = '2026-03-01'", "without quotes")),
        (INFERENCE, ("inference.unit = 'tokens'", "j_per_unit")),
        (INFERENCE.replace("tokens", "Tokens!") + 'runs = ["serve"]', ("inference.unit = 'Tokens!'", "a-z", "as in requests")),
        (INFERENCE + "j_per_unit = 5", ("j_per_unit = 5.0", "source")),
        (INFERENCE.replace("3", "-3") + 'j_per_unit = 5\nsource = "s"', ("days = -3", "above 0")),
        (INFERENCE.replace("days = 3\n", "") + 'j_per_unit = 5\nsource = "s"', ("days is missing", "365")),
        (INFERENCE.replace("per_day = 5", "per_day = 0") + 'j_per_unit = 5\nsource = "s"', ("per_day = 0", "above 0")),
        ('[[select]]\nstage = "data"', ("select[1].stage", "which runs")),
        ('[[select]]\nstage = "data"\nruns = ["prepare"]\ngroup = "sweep"', ("select[1].runs", "two tables")),
        ('select = "data"', ("select = 'data'", "[[select]]")),
    ],
)
def test_bad_input_is_refused_with_its_place_value_reason_and_mend(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    result = call(stored(tmp_path), written(tmp_path, text))
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in ("life.toml", *words)), result.exception


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            '[[select]]\nstage = "data"\nruns = ["first"]\n[[select]]\nstage = "training"\nproject = "digits"',
            ConfigurationError,
            ("select[2].stage = 'training'", "run first", "select[1]", "one stage"),
        ),
        ('[[select]]\nstage = "data"\ngroup = "none"', RunNotFoundError, ("select[1]", "no run fits")),
        ('[[select]]\nstage = "data"\nruns = ["nobody"]', RunNotFoundError, ("nobody",)),
        ('[model]\nproject = "cats"', RunNotFoundError, ("cats",)),
        ('[model]\nproject = "digits"\nfinal = ["nobody"]', RunNotFoundError, ("nobody",)),
        (
            '[model]\nproject = "digits"\n' + INFERENCE + 'runs = ["serve"]',
            ConfigurationError,
            ("inference.unit = 'tokens'", "run serve", "images", "tracker.update(tokens="),
        ),
    ],
)
def test_runs_that_do_not_fit_are_named(tmp_path: Path, text: str, kind: type[TrainwattError], words: tuple[str, ...]) -> None:
    result = call(stored(tmp_path, work={"images": 5}), written(tmp_path, text))
    assert isinstance(result.exception, kind)
    assert all(word in str(result.exception) for word in words), result.exception


@pytest.mark.parametrize("change", [lambda data: b"\xef\xbb\xbf" + data, lambda data: data.replace(b"\n", b"\r\n")])
def test_files_of_windows_are_read(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    file = Path(written(tmp_path, ADD + "energy_kwh = 2"))
    file.write_bytes(change(file.read_bytes()))
    assert life(None, str(file))["so_far"]["energy_j"] == pytest.approx(2 * KWH_J)


def test_times_that_overlap_are_found_in_any_order(tmp_path: Path) -> None:
    """Also where one time contains the others."""
    days = [(1, 2), (20, 28), (5, 6), (3, 4), (7, 8)]
    text = "\n".join(ADD + f"energy_kwh = 1\nfrom = 2026-01-{a:02d}\nto = 2026-01-{b:02d}" for a, b in days)
    assert life(None, written(tmp_path, text))["so_far"]["energy_j"] == pytest.approx(5 * KWH_J)
    for a, b in ((1, 31), (8, 9), (5, 5)):
        more = text + "\n" + ADD + f"energy_kwh = 1\nfrom = 2026-01-{a:02d}\nto = 2026-01-{b:02d}"
        assert "it may count twice" in str(call(None, written(tmp_path, more)).exception)
    assert "it may count twice" in str(call(None, written(tmp_path, text + "\n" + ADD + "energy_kwh = 1")).exception)


def test_a_model_must_be_named_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    db = stored(tmp_path)
    assert "no model is named" in str(call(db).exception)
    written(tmp_path, ADD + "energy_kwh = 1")
    assert life(db)["name"] == "life"  # the usual file
    assert "each says which runs" in str(call(db, "life.toml", "--project", "digits").exception)
    assert "cannot be read" in str(call(db, "other.toml").exception)
    assert "give one zone" in str(call(db, "--zone", "FR", "--zone", "SE").exception)
