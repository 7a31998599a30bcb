"""A run's total is one number, wherever it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests
from click.testing import CliRunner

import trainwatt
from tests.fakes.served import served
from tests.fakes.world import HANGS_S
from trainwatt import EnergyTracker
from trainwatt.cli.main import cli
from trainwatt.presentation.words.runs import headline


def test_every_face_has_the_same_digits(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    with EnergyTracker(project="digits", db=db) as tracker, tracker.phase("train"):
        sum(i * i for i in range(1_000_000))

    def printed(*arguments: str) -> str:
        return CliRunner().invoke(cli, [*arguments, "--db", str(db)]).output

    shown = json.loads(printed("show", "--json"))
    with served(db) as address:
        page = requests.get(f"{address}/runs/{shown['run']['id']}", timeout=HANGS_S).text
        served_view: Any = requests.get(f"{address}/api/runs/{shown['run']['id']}", timeout=HANGS_S).json()
    [row] = trainwatt.runs(db=db)
    energies = [
        shown["energy"]["total_j"],
        tracker.summary().to_dict()["energy"]["total_j"],
        json.loads(printed("list", "--json"))["runs"][0]["energy"]["total_j"],
        json.loads(printed("report", "--format", "json", "-o", "-"))["runs"][0]["energy"]["total_j"],
        json.loads(printed("export", "--format", "jsonl"))["energy_j"],
        served_view["energy"]["total_j"],
        row["energy_j"],
    ]
    assert energies == energies[:1] * 7
    assert energies[0] > 0
    large, _, small = headline(shown).partition(" (")
    for html in (page, printed("report", "-o", "-")):
        assert f"<b>{large}</b>" in html
        assert small.rstrip(")") in html
