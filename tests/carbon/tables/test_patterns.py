"""The patterns of a user's table: as Python's own, and none that takes long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trainwatt.carbon.tables.hardware import MOST_ROWS, match, table
from trainwatt.carbon.tables.patterns import LONGEST, Pattern, PatternError
from trainwatt.errors import ConfigurationError

OLD = [
    r"\bH100\b",
    r"\bH100\b.*PCIe",
    r"\bA100\b(?=.*80\s*GB).*PCIe",
    r"\bRTX\s*4090\b(?!.*Laptop)",
    r"\b(MI\d{2,3}[AX]?|[KMPVA]\d{2,4}X?|G?[BH]\d{2,3})\b",
    r"EPYC 9\d\d[45]|EPYC 8\d\d4",
    r"^wu2022-gpu$",
    r"apollo\s*6500",
    ".*",
    "H100",
    "PowerEdge XE9680",
    r"Core\(TM\)|Core Ultra",
]
"""Patterns of tables that version 0.1 read."""
NAMES = [
    "NVIDIA H100 PCIe",
    "nvidia a100 80 GB pcie",
    "NVIDIA GeForce RTX 4090 Laptop GPU",
    "NVIDIA GeForce RTX4090",
    "AMD Instinct MI300X",
    "AMD EPYC 9654 96-Core Processor",
    "wu2022-gpu",
    "HPE Apollo 6500",
    "",
    "PowerEdge XE9680",
    "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz",
    "H1000",
]


@pytest.mark.parametrize("pattern", OLD)
def test_a_pattern_of_an_old_table_finds_what_it_found(pattern: str) -> None:
    found = {name for name in NAMES if Pattern(pattern).found_in(name)}
    assert found == {name for name in NAMES if re.search(pattern, name, re.IGNORECASE)}


PARTS = st.sampled_from(["a", "B", "1", ".", r"\d", r"\b", r"\s", "[ab]", "[^a]", "^", "$", "(a|b1)", "(?=b)", "(?!a)", "(ab)", "|"])
REPEATED = st.tuples(PARTS, st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{,3}", "*?"])).map("".join)


@given(st.lists(REPEATED, max_size=6).map("".join), st.text("aAbB1 ", max_size=12))
@settings(derandomize=True, max_examples=400)
def test_a_pattern_means_what_it_means_in_python(pattern: str, name: str) -> None:
    try:
        mine = Pattern(pattern)
    except PatternError:
        assume(False)
    assert mine.found_in(name) == bool(re.search(pattern, name, re.IGNORECASE))


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+(b)+$",
        "(.*)*x",
        "(a?){50}",
        "((a{1,9}){1,9}){1,9}$",
        "(?=.*(?=.*(?=.*x)))",
        "(?=.*a)" * 3,
        "(" * 60 + "a" + ")" * 60,
    ],
)
def test_a_pattern_that_could_take_long_is_refused(pattern: str) -> None:
    try:
        assert not Pattern(pattern).found_in("a" * 10 * LONGEST + "!")
    except PatternError:
        return


@pytest.mark.parametrize("pattern", [".*" * 60 + "x$", "(a|a)*(a|a)*(a|a)*x", "a?" * 60 + "a" * 60 + "x", "a{,999}" * 20 + "x"])
def test_the_work_grows_no_faster_than_pattern_times_name(pattern: str) -> None:
    """What backtracks has more ways through these than could be counted."""
    assert not Pattern(pattern).found_in("a" * LONGEST)


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?<=a)b", "(?P<x>a)", "(", "a**", "x" * (LONGEST + 1), "(?i)a", "a)"])
def test_what_is_not_read_is_named_with_a_mend(tmp_path: Path, pattern: str) -> None:
    own = tmp_path / "lab.csv"
    own.write_text(f'kind,pattern,name,embodied_kg\ngpu,"{pattern}",ours,1\n')
    with pytest.raises(ConfigurationError, match=r"lab\.csv, line 2: pattern .*; give the words of the device's name in a column `words`"):
        table(own)


def test_a_row_of_words_is_of_that_board_and_no_other(tmp_path: Path) -> None:
    own = tmp_path / "lab.csv"
    own.write_text("kind,words,name,embodied_kg\ngpu,H100 PCIe,ours,1\ngpu,Frobnicator 9|Frob-9,frob,2\n")
    names = {"NVIDIA H100 PCIe": "ours", "H100 80GB PCIe": "ours", "frob 9": "frob", "Frobnicator 9 32 GB": "frob"}
    others = {"NVIDIA H100 NVL": "NVIDIA H100 NVL 94GB", "Frobnicator 9 Ti": "unknown GPU or accelerator"}
    for name, row in (names | others).items():
        found = match("gpu", name, own)
        assert found is not None
        assert found.name == row


def test_a_table_has_a_bounded_number_of_rows(tmp_path: Path) -> None:
    own = tmp_path / "lab.csv"
    own.write_text("kind,words,name,embodied_kg\n" + "gpu,x,x,1\n" * (MOST_ROWS + 1))
    with pytest.raises(ConfigurationError, match="more than 1,000 rows"):
        table(own)
