"""The footprints of the runs of a life, on the same terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..analysis.footprint import Known, footprint
from ..analysis.footprint_totals import count_once, require_one_basis
from ..analysis.selection import find
from ..analysis.view import describe
from ..carbon.terms import Terms
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..core.contract import FootprintJson
    from ..storage.read.store import Store


def footprints_of(store: Store, run_ids: Iterable[str], terms: Terms, say: Callable[[str], None]) -> list[FootprintJson]:
    """The footprints of runs, in order, with what each adds to a sum in which a device counts once at any time.

    A run whose recorded terms allow no grams has none, which is said. Raises ConfigurationError if the grams cannot be added, and
    StoreError.
    """
    found: list[FootprintJson] = []
    for runs in store.load_all(run_ids, phases=False):
        known = Known.of(store, runs, terms)
        for stored in runs:
            view = describe(stored)
            try:
                carbon = footprint(store, stored, view, terms, known)
            except ConfigurationError as error:
                if terms != Terms():
                    raise
                carbon = None
                say(f"run {stored.run.id[:8]} has no grams: {error}")
            found.append({"run": view["run"], "energy": view["energy"], "work": view["work"], "footprint_id": None, "carbon": carbon})
    require_one_basis(found)
    count_once(store, found)
    return found


def named(store: Store, refs: Iterable[str]) -> list[str]:
    """The ids of runs as a user calls them, each once. Raises RunNotFoundError."""
    return list(dict.fromkeys(find(store, ref) for ref in refs))
