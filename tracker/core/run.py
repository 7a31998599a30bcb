"""What a run is made of: the stage of a model's life that it belongs to, and what happens during it."""

from __future__ import annotations

from typing import NamedTuple

STAGES = ("data", "experimentation", "training", "inference")
"""The stages of a model's life (Wu et al., "Sustainable AI", MLSys 2022); a phase is a part of one run."""


class Event(NamedTuple):
    """Anything that happened to a sensor or to the run."""

    kind: str
    t_ns: int
    device: str | None
    detail: str
