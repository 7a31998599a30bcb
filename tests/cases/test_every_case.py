"""Each case has a number, and tests that are named after it, so that no case can be lost."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
LAST = 67
LATER = {29, 48}
"""Cases that are shown once what they ask for is there."""
NAME = re.compile(r"test_case_(\d\d)_\w+")


def cases_with_tests() -> Counter[int]:
    """The number of tests of each case, read from the syntax trees."""
    found: Counter[int] = Counter()
    for file in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and (match := NAME.fullmatch(node.name)):
                found[int(match[1])] += 1
    return found


def test_every_case_has_a_test() -> None:
    found = cases_with_tests()
    assert sorted(set(range(1, LAST + 1)) - LATER - found.keys()) == []
    assert sorted(found.keys() - set(range(1, LAST + 1))) == []


def test_every_case_is_in_the_list() -> None:
    """README.md has one line for each case, in order."""
    listed = [int(number) for number in re.findall(r"(?m)^\| (\d+) \|", (HERE / "README.md").read_text())]
    assert listed == list(range(1, LAST + 1))


def test_no_name_of_a_test_is_used_twice() -> None:
    """If two functions in a file had the same name, only the second would run."""
    for file in sorted(HERE.glob("test_*.py")):
        names = [node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
        assert sorted(set(names)) == sorted(names), file.name
