"""What one transaction writes of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...storage.write.statements import Statement
from .rows import Row


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction writes: see `Writer.write`. `smaller`: the statements after that which make the stored run smaller."""

    inserts: Mapping[str, Sequence[Row]]
    updates: Mapping[str, Sequence[Row]]
    then: Sequence[Statement]
    smaller: Sequence[Statement]
