"""Intensities over time in the methods paragraph: of live providers (a real server on this machine), and of the user's own files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from tests.fakes.footprints import NODE, START, footprint
from trainwatt.carbon.grid import providers
from trainwatt.carbon.grid.electricitymaps import ElectricityMaps
from trainwatt.carbon.grid.http import Patience
from trainwatt.carbon.grid.uk import UKCarbonIntensity
from trainwatt.carbon.series import Slot, iso, series
from trainwatt.carbon.tables.basis import Basis
from trainwatt.carbon.terms import Terms
from trainwatt.cli.main import cli
from trainwatt.presentation.paper.bibliography import SERVICES
from trainwatt.presentation.paper.document import document

HOUR = 3600 * 10**9
FIRST = START // HOUR * HOUR
"""The hour in which the run starts. It has 2,000 s of that hour, all of the next one and 1,600 s of the third, at one power."""
QUICK = Patience(connect_s=1, read_s=1, longest_pause_s=1, deadline_s=5, tries=1, backoff_s=0.01)
FORMS = ("text", "md", "tex")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def db(tmp_path: Path) -> str:
    footprint(tmp_path, NODE)
    return str(tmp_path / "run1.db")


@pytest.fixture
def maps(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Electricity Maps, with what it is to say of each hour: (g/kWh, whether it is an estimate)."""

    def serve(*hours: tuple[float, bool]) -> None:
        items = [
            {
                "zone": "DE", "carbonIntensity": g, "datetime": iso(FIRST + i * HOUR), "isEstimated": estimated,
                "emissionFactorType": "lifecycle",
            }
            for i, (g, estimated) in enumerate(hours)
        ]  # fmt: skip
        answer = {"zone": "DE", "data": items, "temporalGranularity": "hourly"}
        httpserver.expect_request("/v4/carbon-intensity/past-range").respond_with_json(answer)
        provider = ElectricityMaps("token", httpserver.url_for(""), QUICK)
        monkeypatch.setattr(providers, "providers", lambda _: [provider])

    return serve


def written(db: str, form: str, *options: str) -> str:
    result = CliRunner().invoke(cli, ("footprint", "run1", "--format", form, "--db", db, *options), standalone_mode=False)
    assert result.exception is None, result.exception
    return " ".join(result.stdout.split())


def sentence(text: str) -> str:
    """From "The grid intensity was" to the end of that sentence."""
    return re.split(r"\. (?=[A-Z])", text.partition("The grid intensity was ")[2])[0]


def plain(text: str) -> str:
    """The words of Markdown or LaTeX without their escapes."""
    for old, new in ((r"\,\%", " %"), (r"\textsubscript{2}", "2"), ("--", "–"), ("$<$", "<"), ("``", "“"), ("''", "”")):
        text = text.replace(old, new)
    return re.sub(r"\\(.)", r"\1", text)


def references(text: str) -> list[str]:
    """The titles of a list of references, or of entries of BibTeX."""
    titles = re.findall(r"title = \{\{(.*?)\}\},", text)
    return titles or re.split(r" \[\d+\] ", text.partition(" References ")[2])[1:]


@pytest.mark.parametrize("form", FORMS)
def test_estimated_hours_of_a_live_provider(db: str, maps: Callable[..., None], form: str) -> None:
    maps((300, False), (200, True), (250, False))
    text = plain(written(db, form, "--zone", "DE", "--refresh"))
    mean = (300 * 2000 + 200 * 3600 + 250 * 1600) / 7200
    said = "values over time from Electricity Maps API, weighted by energy, life-cycle basis; estimated values for 50 % of the energy"
    assert sentence(text).startswith(f"{mean:.1f} g CO2e/kWh (187.4–309.7; {said})")
    assert "electricitymaps" not in sentence(text).replace("@electricitymaps", "").replace("cite{electricitymaps}", "")
    assert sum("lectricity Maps API" in title for title in references(text)) == 1
    assert not any(title.rstrip(".").lower().startswith("electricitymaps") for title in references(text))


@pytest.mark.parametrize("form", FORMS)
def test_hours_that_the_provider_lacks_are_those_of_the_zone(db: str, maps: Callable[..., None], form: str) -> None:
    """A mix of live and bundled hours: the third hour is not in the answer."""
    maps((300, False), (200, True))
    text = plain(written(db, form, "--zone", "DE", "--refresh"))
    found = sentence(text)
    assert "Electricity Maps API" in found
    assert "estimated values for 50 % of the energy" in found
    assert re.search(r"; 342\.1 g CO2e/kWh \(.*Germany \(DE\), life-cycle basis, 2024, for 22 % of the energy\)", found)
    assert any("Yearly Electricity Data" in title for title in references(text))


@pytest.mark.parametrize("form", FORMS)
def test_forecasts_of_the_uk_stand_in_as_estimates(db: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    halves = [
        {
            "from": iso(FIRST + i * HOUR // 2)[:16] + "Z", "to": iso(FIRST + (i + 1) * HOUR // 2)[:16] + "Z",
            "intensity": {"forecast": 90, "actual": None if i >= 2 else 80, "index": "low"},
        }
        for i in range(6)
    ]  # fmt: skip
    httpserver.expect_request(re.compile("/intensity/.*")).respond_with_json({"data": halves})
    monkeypatch.setattr(providers, "providers", lambda _: [UKCarbonIntensity(httpserver.url_for(""), QUICK)])
    text = plain(written(db, form, "--zone", "GB", "--refresh"))
    said = "values over time from Carbon Intensity API (Great Britain), weighted by energy, life-cycle basis, derived"
    said += " from the direct basis; estimated values for 72 %"
    assert said in sentence(text)
    assert sum("Carbon Intensity API (Great Britain)" in title for title in references(text)) == 1
    assert not any(title.rstrip(".").lower() == "uk" for title in references(text))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name", ["grid intensity of France, direct, for 25 % of the energy.csv", "uk", "unknown", "electricitymaps, given, by the hour"]
)
def test_a_file_of_the_users_is_named_and_nothing_else_whatever_it_is_called(
    db: str, tmp_path: Path, name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end = iso(START + 3 * HOUR)
    rows = (f"{iso(FIRST)},{iso(FIRST + HOUR)},100,yes", f"{iso(FIRST + HOUR)},{end},100,no")
    Path(name).write_text("\n".join(("start,end,intensity_g_per_kwh,estimated", *rows)))
    text = plain(written(db, form, "--zone", "FR", "--intensity-csv", name))
    said = f"values over time from the authors' file “{name}”, weighted by energy; estimated values for 28 % of the energy"
    assert sentence(text).removesuffix(".") == f"100 g CO2e/kWh (81.32–124.7; {said})"
    assert not any("Carbon Intensity API" in title or "Electricity Maps" in title for title in references(text))
    assert "direct basis" not in text


def test_a_file_whose_name_has_commas_is_not_called_unused(db: str, tmp_path: Path) -> None:
    path = tmp_path / "spring, summer and autumn.csv"
    path.write_text(f"start,end,intensity_g_per_kwh\n{iso(FIRST)},{iso(START + 3 * HOUR)},100\n")
    result = CliRunner().invoke(cli, ("footprint", "run1", "--intensity-csv", str(path), "--db", db), standalone_mode=False)
    assert result.exception is None
    assert result.stderr == ""


def test_every_provider_can_be_cited() -> None:
    assert {provider.name for provider in providers.PROVIDERS} == set(SERVICES)


def test_estimates_of_several_runs_are_a_span(tmp_path: Path) -> None:
    def run(name: str, share: float) -> Any:
        cut = START + round(2 * HOUR * share)
        slots = [Slot(START, cut, 100, True, "uk"), Slot(cut, START + 2 * HOUR, 50, False, "uk")]
        return footprint(
            tmp_path, NODE, Terms(zone="GB", basis=Basis.DIRECT, series=(series(slots, "uk", Basis.DIRECT, from_provider=True),)), id=name
        )

    text = " ".join(document([run("a", 0.25), run("b", 0.5)], "text").split())
    assert "62.5–75 g CO2e/kWh (means of runs; values over time from Carbon Intensity API (Great Britain)" in text
    assert "estimated values for 25 % to 50 % of the energy)" in text
