"""`trainwatt zones`: finds a zone, lists them, shows one with where its figure is from."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fakes.world import HANGS_S, ROOT
from trainwatt.carbon.tables.zones import listed
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError


def zones(*arguments: str) -> str:
    ended = CliRunner().invoke(cli, ["zones", *arguments], env={"COLUMNS": "140"}, catch_exceptions=False)
    assert ended.exit_code == 0
    return ended.stdout


def views(*arguments: str) -> list[dict[str, Any]]:
    document = json.loads(zones(*arguments, "--json"))
    assert document["schema_version"] == 1
    found: list[dict[str, Any]] = document["zones"]
    return found


@pytest.mark.parametrize(("text", "name"), [("NA", "Namibia"), ("no", "Norway"), ("Namibia", "Namibia"), ("norway 1", "Norway 1")])
def test_one_zone_is_shown_with_year_basis_status_and_source(text: str, name: str) -> None:
    page = zones(text)
    assert "g/kWh (" in page
    assert f"{name} · " in page
    assert " · lifecycle, generation · " in page
    for words in ("60 g/kWh more", "source: Ember", "CC-BY-4.0"):
        assert words in " ".join(page.split())


def test_a_cloud_region_has_its_site_too() -> None:
    page = " ".join(zones("aws:eu-north-1").split())
    assert page.startswith("aws:eu-north-1: 35.9 g/kWh (18–128)")
    assert "the figure of SE (Sweden), where the region lies" in page
    assert "PUE 1.14 (fleet-default, 2025" in page
    assert "no PUE is known" in " ".join(zones("hetzner:fsn1").split())
    assert "carbon-free energy (the provider's, market-side)" in " ".join(zones("gcp:us-central1-a").split())


def test_several_are_listed() -> None:
    page = zones("sweden")
    assert page.splitlines()[0].split() == ["zone", "g/kWh", "year", "basis", "status", "kind", "name"]
    assert [line.split()[0] for line in page.splitlines()[1:]] == [
        *("SE", "azure:swedencentral", "azure:swedensouth", "SE-SE1", "SE-SE2", "SE-SE3", "SE-SE4")
    ]


def test_all_are_listed_and_a_suspect_one_is_marked() -> None:
    lines = zones().splitlines()
    assert len(lines) == 1 + len(list(listed()))
    [turkmenistan] = [line for line in lines if line.startswith("TM ")]
    assert "suspect" in turkmenistan


def test_json_has_all_of_a_figure() -> None:
    [view] = views("NA")
    assert view["zone"] == "NA"
    assert (view["intensity_g_per_kwh"], view["year"], view["basis"], view["status"]) == (47.6, 2023, "lifecycle", "secondary")
    assert view["low_g_per_kwh"] < 47.6 < view["high_g_per_kwh"]
    assert view["source"]
    assert view["licence"]
    assert view["cloud"] is None
    [region] = views("gcp:europe-north2")
    assert (region["basis"], region["published_basis"], region["published_g_per_kwh"]) == ("lifecycle", "direct", 2.73)
    assert region["status"] == "derived"
    assert region["cloud"]["grid_zone"] == "SE"
    assert region["cloud"]["pue"] == 1.09


def test_only_one_kind() -> None:
    assert {view["kind"] for view in views("--kind", "egrid_subregion")} == {"egrid_subregion"}
    assert [view["zone"] for view in views("california", "--kind", "us_state")] == ["US-CA"]
    with pytest.raises(ConfigurationError, match="no zone of kind us_state has 'namibia'"):
        zones("namibia", "--kind", "us_state")


def test_an_unknown_zone_names_what_is_near() -> None:
    with pytest.raises(ConfigurationError, match=r"zone='Germny' is not known \(did you mean DE \(Germany\)"):
        zones("Germny")


def test_old_figures_are_listed() -> None:
    """Older than two years, by the calendar of today: those of this year and the two before are not."""
    this_year = datetime.now(UTC).year
    old, every = views("--check"), views()
    assert {view["zone"] for view in old} == {view["zone"] for view in every if view["year"] < this_year - 2}
    assert zones("--check").startswith(f"{len(old)} of the bundled figures")
    assert "AU-NSW" not in {view["zone"] for view in old} or this_year > 2027
    [one] = views("CF", "--check")
    assert one["year"] < this_year - 2


def test_a_zone_is_found_by_its_name_in_its_own_language() -> None:
    assert zones("Deutschland").startswith("DE: ")
    assert zones("osterreich").startswith("AT: ")
    assert zones("aws:us-east-1a").startswith("aws:us-east-1: ")


def test_it_loads_neither_sqlalchemy_nor_requests() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom trainwatt.cli.grams.zones import command\n"
        "assert CliRunner().invoke(command, ['FR']).exit_code == 0\n"
        "print({'sqlalchemy', 'requests', 'urllib3', 'torch'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, timeout=HANGS_S)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
