"""Footprints that earlier versions stored: what they wrote as words only is read as fields, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fakes.footprints import NODE, START, footprint
from trainwatt.analysis.kept_footprint import kept_footprint
from trainwatt.carbon.assumption import FactorKind
from trainwatt.carbon.terms import Terms
from trainwatt.cli.main import cli
from trainwatt.storage.read.store import Store

OLD: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "kept" / "footprints_before_typed_factors.json").read_text())
"""By what is special about each; as `footprint` wrote them into the database before factors had fields."""


@pytest.mark.parametrize("name", OLD)
def test_nothing_that_was_stored_is_changed_and_every_field_is_there(name: str) -> None:
    old: dict[str, Any] = OLD[name]
    found: Any = kept_footprint(json.dumps(old))
    for key, value in old.items():
        if key not in ("assumptions", "embodied_lines"):
            assert found[key] == value
    for key in ("assumptions", "embodied_lines"):
        assert [{k: new[k] for k in was} for was, new in zip(old[key], found[key], strict=True)] == old[key]
    assert all(a["kind"] in set(FactorKind) for a in found["assumptions"])


def test_a_footprint_of_this_version_is_read_as_it_is(tmp_path: Path) -> None:
    new = footprint(tmp_path, NODE, Terms(zone="gcp:europe-west4"))["carbon"]
    assert kept_footprint(json.dumps(new)) == new


def test_the_fields_of_an_old_footprint_are_those_that_this_version_writes(tmp_path: Path) -> None:
    """The same run on the same terms, without the rounding of the words. The figures are those of its time."""
    fields = ("part", "name", "count", "unit", "component", "evidence", "class_range")
    words = ("kind", "evidence", "grid", "pue_kind", "host", "name", "unit")
    kept, new = kept_footprint(json.dumps(OLD["zone"]), "mixed"), footprint(tmp_path, NODE, Terms(zone="FR"))["carbon"]
    assert new is not None
    assert set(kept) == set(new)
    old_factors, new_factors = ([[dict(a)[w] for w in words] for a in c["assumptions"]] for c in (kept, new))
    assert old_factors == new_factors
    assert (kept["left_out_codes"], set(kept["ranges"])) == (new["left_out_codes"], set(new["ranges"]))
    old_lines, new_lines = ([[dict(line)[f] for f in fields] for line in c["embodied_lines"]] for c in (kept, new))
    assert old_lines == new_lines


def test_grids_are_told_apart() -> None:
    def grids(name: str) -> list[dict[str, Any]]:
        return [{"evidence": a["evidence"], **a["grid"]} for a in kept_footprint(json.dumps(OLD[name]))["assumptions"] if a["grid"]]

    plain: dict[str, Any] = {"by_the_hour": False, "energy_share": None, "estimated_share": 0.0, "series": [], "derived_from": None}
    hourly = {"by_the_hour": True, "energy_share": None, "place": None, "derived_from": None}
    assert grids("world") == [{**plain, "evidence": "assumed", "place": "World", "zone": None, "basis": "lifecycle"}]
    assert grids("given") == [{**plain, "evidence": "given", "place": None, "zone": None, "basis": None}]
    maps = [{"name": "electricitymaps", "from_provider": True}]
    assert grids("live") == [
        {**hourly, "evidence": "by the hour", "zone": "DE", "basis": "lifecycle", "estimated_share": 0.5, "series": maps},
        {**plain, "evidence": "cross-checked", "place": "Germany", "zone": "DE", "basis": "lifecycle", "energy_share": 0.25},
    ]
    own = [{"name": "grid intensity of France, direct.csv", "from_provider": False}]  # a file that is named like a sentence
    assert grids("series") == [{**hourly, "evidence": "by the hour", "zone": "FR", "basis": None, "estimated_share": 0.0, "series": own}]


def test_the_words_of_a_users_own_table_and_the_range_of_a_class() -> None:
    lines = kept_footprint(json.dumps(OLD["own"]))["embodied_lines"]
    assert [(line["component"], line["evidence"], line["class_range"]) for line in lines] == [
        ("gpu", "given", False),
        ("cpu", "estimated, by us", True),
        ("dram", "derived", True),
        *((part, "verified", True) for part in ("mainboard", "psu", "chassis", "assembly")),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("nothing limits the run to a part of it", (None, None, None, None)),
        ("1 of 4 GPUs", ("gpus", 1, 4, None)),
        ("2.5 of 64 processors", ("processors", 2.5, 64, None)),
        (
            "a virtual machine of 8 processors, on a host of 384 (low), of 128 (central) or alone on its host (high); 1 of 4 GPUs",
            ("gpus", 1, 4, 8),
        ),
    ],
)
def test_the_share_of_a_host(source: str, expected: tuple[Any, ...]) -> None:
    old = {
        "name": "share of the host",
        "value": 0.25,
        "unit": "",
        "source": source,
        "year": None,
        "status": "recorded",
        "low": 0,
        "high": 1,
    }
    found: Any = kept_footprint(json.dumps({**OLD["zone"], "assumptions": [old]}))["assumptions"][0]
    assert found["kind"] == "host-share"
    assert tuple(found["host"].values()) == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("live", "in DE"),
        ("world", "at the world's average, because no zone is set"),
        ("given", "at 50 g/kWh, as given"),
        ("own", "in aws:eu-north-1"),
    ],
)
def test_an_old_footprint_in_the_database_is_shown(tmp_path: Path, name: str, said: str) -> None:
    footprint(tmp_path, NODE, id="r1")
    db = str(tmp_path / "r1.db")
    store = Store.open(db)
    store.add_footprints([{"id": "0ld", "run_id": "r1", "created_utc_ns": START, "inputs": "{}", "result": json.dumps(OLD[name])}])
    store.close()
    text = CliRunner().invoke(cli, ("show", "r1", "--footprint", "0ld", "--db", db), standalone_mode=False)
    assert text.exception is None, text.exception
    assert said in " ".join(text.stdout.split())
