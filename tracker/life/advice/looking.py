"""Reads what advice needs of runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...analysis.view import describe
from .advising import Looked

if TYPE_CHECKING:
    from ...storage.read.store import Store


def looked_at(store: Store, run_ids: Iterable[str]) -> list[Looked]:
    """Runs with their activity and their curves. Raises StoreError and RunNotFoundError."""
    return [
        Looked(stored, describe(stored), store.activity(stored.run.id), store.points(stored.run.id))
        for runs in store.load_all(run_ids)
        for stored in runs
    ]
