"""What the commands print with --json is what the contract's types say: every key, and the kind of every value."""

from __future__ import annotations

import json
import types
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from tests.fakes.world import World
from trainwatt.core import contract

TRAIN = """
from trainwatt import EnergyTracker
for name in ("one", "two"):
    with EnergyTracker(project="digits", name=name, group="sweep", zone="FR", tags={"lr": "0.1"}) as tracker:
        for epoch in range(2):
            with tracker.phase("train", step=epoch):
                tracker.update(samples=32)
"""


def problems(value: object, kind: Any, at: str = "") -> list[str]:
    """What in a JSON value is unlike its type."""
    origin = get_origin(kind)
    if origin in (NotRequired, Required):
        return problems(value, get_args(kind)[0], at)
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return [f"{at} is no object"]
        hints = get_type_hints(kind, include_extras=True)
        optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
        found = [f"{at}.{name} is missing" for name in hints.keys() - value.keys() - optional]
        found += [f"{at}.{name} is not in the contract" for name in value.keys() - hints.keys()]
        return found + [p for name, hint in hints.items() if name in value for p in problems(value[name], hint, f"{at}.{name}")]
    if origin in (Union, types.UnionType):
        each = [problems(value, member, at) for member in get_args(kind)]
        return [] if [] in each else each[0]
    if origin is list:
        return (
            [p for i, item in enumerate(value) for p in problems(item, get_args(kind)[0], f"{at}[{i}]")]
            if isinstance(value, list)
            else [f"{at} is no list"]
        )
    if origin is dict:
        return (
            [p for name, item in value.items() for p in problems(item, get_args(kind)[1], f"{at}.{name}")]
            if isinstance(value, dict)
            else [f"{at} is no object"]
        )
    if origin is Literal:
        return [] if value in get_args(kind) else [f"{at} is {value!r}"]
    if kind is Any:
        return []
    accepted = (int, float) if kind is float else kind
    wrong = not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool)
    return [f"{at} is {value!r}, and no {kind.__name__}"] if wrong else []


@pytest.fixture
def stored(world: World) -> World:
    """A machine on which two runs are stored."""
    ended = world.run_python(TRAIN)
    assert ended.returncode == 0, ended.stderr
    return world


def test_every_command_prints_what_the_contract_says(stored: World) -> None:
    one, two = (run["id"] for run in stored.runs())
    bought = ("--pue", "1.2", "--wue", "1.8", "--price", "0.25", "--currency", "EUR", "--market-intensity", "5", "--unmeasured", "typical")
    a100 = ("--device", "A100 80GB", "--count", "8", "--hours", "24", "--watts", "330", "--units", "100")
    for command, kind in (
        (("show", one), contract.ShowJson),
        (("show", one, "--cross-check"), contract.ShowCheckedJson),
        (("footprint", one, *bought), contract.FootprintsJson),
        (("compare", one, two, "--gate", "energy +500%", "--gate", "energy_per_token +5%"), contract.CompareJson),
        (("estimate", *a100), contract.EstimateJson),
        (("merge", str(stored.db), "--into", str(stored.root / "all.db")), contract.MergeJson),
    ):
        printed = stored.call(*command, "--json")
        assert printed.returncode in ((1, 4) if command[0] == "compare" else (0,)), printed.stderr  # tokens: no gate on them can be judged
        assert problems(json.loads(printed.stdout), kind, command[0]) == []


def test_lists_hold_entries_and_groups_of_the_contract(stored: World) -> None:
    for entry in json.loads(stored.call("list", "--json").stdout)["runs"]:
        assert problems(entry, contract.EntryJson) == []
    for by in ("project", "group", "day", "week", "month"):
        listed = json.loads(stored.call("list", "--by", by, "--json").stdout)
        assert problems(listed["total"], contract.SumJson) == []
        for group in listed["groups"]:
            assert problems(group, contract.GroupJson) == []
            assert by in group


def test_rows_of_runs_are_records_of_the_contract(stored: World) -> None:
    import trainwatt

    for row in trainwatt.runs(stored.db):
        assert problems(dict(row), contract.RunRecord) == []


def test_a_key_too_many_one_too_few_and_another_kind_are_found() -> None:
    event = {"device": None, "kind": "late", "at": "2026-11-28T00:00:00.000Z", "detail": "x"}
    assert problems(event, contract.EventJson) == []
    assert problems(event | {"more": 1}, contract.EventJson) == [".more is not in the contract"]
    assert problems({k: v for k, v in event.items() if k != "at"}, contract.EventJson) == [".at is missing"]
    assert problems(event | {"at": 5}, contract.EventJson) == [".at is 5, and no str"]
