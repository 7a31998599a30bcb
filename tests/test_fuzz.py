"""A short while of what `python -m tests.fuzz` does for long."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_crashes_it_or_makes_it_say_what_cannot_be(name: str) -> None:
    function, strategies = TARGETS[name]
    settings(derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))(given(*strategies)(function))()
