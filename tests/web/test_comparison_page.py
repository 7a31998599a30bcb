"""The page that compares runs: which figure its chart shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.compared import put
from trainwatt.analysis.comparing.choosing import Wanted, chosen, sides_of
from trainwatt.analysis.comparing.comparison import compare
from trainwatt.analysis.footprint import DEFAULT
from trainwatt.analysis.selection import Filters
from trainwatt.storage.read.store import Store
from trainwatt.web.comparison_page import comparison


@pytest.mark.parametrize(
    ("work", "title"),
    [
        ({"requests": 20, "flops": 10**20}, "Runs by energy per request"),
        ({"tokens": 20, "images": 3}, "Runs by energy per token"),
        ({"flops": 10**20}, "Runs by energy"),
    ],
)
def test_several_runs_a_side_are_drawn_by_the_unit_that_they_counted(tmp_path: Path, work: dict[str, int], title: str) -> None:
    for n, name in enumerate(("a1", "a2", "b1", "b2")):
        put(tmp_path / "runs.db", name, {"gpu0": 100.0 + n}, work=work, at_s=n * 1000)
    store = Store.open(str(tmp_path / "runs.db"))
    wanted = Wanted(("a1,a2", "vs", "b1,b2"), (), Filters(), None)
    sides = compare(sides_of(store, chosen(store, wanted, print), DEFAULT))
    assert f"<h2>{title}</h2>" in str(comparison(sides, {}, []))
    store.close()
