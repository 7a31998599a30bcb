"""What is asked about the terms of a run before it begins."""

from __future__ import annotations

from ...config import Config
from ...log import warn


def question(config: Config) -> None:
    """Log a question about an intensity that is hard to believe."""
    if config.intensity_g_per_kwh is None:
        return
    from ...carbon.terms import intensity_question  # seldom needed

    if (text := intensity_question("intensity_g_per_kwh", config.intensity_g_per_kwh)) is not None:
        warn("%s", text)
