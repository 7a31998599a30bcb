"""A warning that the user's filters make an exception costs a repetition, and leaves no filter behind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from trainwatt.unwarned import TEXTS, unwarned


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """Every warning is an exception, and what is tested leaves the filters as they were."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        yield
        assert list(warnings.filters) == before


@pytest.mark.parametrize("category", [DeprecationWarning, ResourceWarning, EncodingWarning, BytesWarning, UserWarning])
def test_a_call_that_warns_gives_its_result(category: type[Warning]) -> None:
    def old(a: int, *, b: int) -> int:
        warnings.warn("(old) [1.0] is old", category)
        warnings.warn("and again", category)
        return a + b

    assert unwarned(old, 1, b=2) == 3


def test_texts_that_are_new_in_each_call_are_left_out_too() -> None:
    numbers = count()

    def old() -> str:
        for _ in range(3):
            warnings.warn(f"reading {next(numbers)} is old", DeprecationWarning)
        warnings.warn("another", FutureWarning)
        return "read"

    assert unwarned(old) == "read"
    assert next(numbers) < 5 * TEXTS


def test_a_warning_that_is_raised_on_purpose_is_raised() -> None:
    calls = []

    def refuse() -> None:
        calls.append(1)
        raise UserWarning("no")

    with pytest.raises(UserWarning, match="no"):
        unwarned(refuse)
    assert len(calls) < 10


def test_other_exceptions_are_raised_at_once() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise KeyError("no")

    with pytest.raises(KeyError):
        unwarned(fail)
    assert len(calls) == 1


def test_a_warning_whose_text_cannot_be_made_is_raised() -> None:
    class Mute(UserWarning):
        def __str__(self) -> str:
            raise ValueError

    def warn() -> None:
        warnings.warn(Mute("no"))

    with pytest.raises((Mute, ValueError)):
        unwarned(warn)


def test_a_module_whose_compilation_warns_is_imported(tmp_path: Path) -> None:
    """The compiler makes a SyntaxError of a SyntaxWarning."""
    source = tmp_path / "old.py"
    source.write_text("known = 1 is 1\npattern = '\\d'\n")

    def load() -> ModuleType:
        module = ModuleType("old")
        exec(compile(source.read_text(), source, "exec"), module.__dict__)
        return module

    with pytest.raises(SyntaxError):
        load()
    assert unwarned(load).known is True


def test_a_module_that_is_wrong_is_not(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        unwarned(compile, "def", "wrong.py", "exec")
