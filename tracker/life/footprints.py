"""The footprints of the runs of a life, on the same terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.footprint import Known, footprint, times_of
from ..analysis.footprint_totals import count_once, footprint_of, require_one_basis
from ..analysis.open_store import open_store
from ..analysis.selection import find
from ..analysis.view import describe
from ..carbon.series import Span
from ..carbon.tables.hardware import table
from ..carbon.terms import Terms
from ..core.choices import Basis
from ..errors import ConfigurationError
from .choosing import Chosen, as_recorded, chosen
from .plan import Life
from .reading import life_of_project
from .whole import whole_life

if TYPE_CHECKING:
    from ..core.contract import FootprintJson, LifeJson
    from ..storage.read.records import StoredRun
    from ..storage.read.store import Store


class Gathered(NamedTuple):
    """The runs of a life with their stages, their footprints, and those of the runs that tell what a unit of inference takes. `terms` are
    those of what is added by hand: they are on the basis of the runs."""

    of: Chosen
    found: list[FootprintJson]
    measured: list[FootprintJson]
    terms: Terms


Timed = Callable[[Terms, Sequence[Span]], Terms]
"""Terms with the intensities of the user for some times."""


def gathered(
    life: Life,
    terms: Terms,
    place: str | None,
    say: Callable[[str], None],
    opened: Callable[[str | None], Store] = open_store,
    timed: Timed | None = None,
) -> Gathered:
    """All runs of a life in the database at `place`, which `opened` opens only if there are any. `timed` adds the user's intensities for
    the time of these runs. Raises TrainwattError."""
    if not life.has_runs:
        return Gathered(Chosen({}, frozenset()), [], [], terms)
    store = opened(place)
    of, measured = runs_of(store, life)
    if timed is not None:
        terms = timed(terms, times_of(store, [*of.stages, *measured]))
    found, of_units = (footprints_of(store, some, terms, say) for some in (list(of.stages), measured))
    require_one_basis([*found, *of_units])
    return Gathered(of, found, of_units, _on_the_basis_of([*found, *of_units], terms))


def runs_of(store: Store, life: Life) -> tuple[Chosen, list[str]]:
    """The runs of a life, and those that tell what a unit of inference takes. Raises TrainwattError."""
    refs = () if life.inference is None else life.inference.runs
    return chosen(store, life), list(dict.fromkeys(find(store, ref) for ref in refs))


def _on_the_basis_of(footprints: Iterable[FootprintJson], terms: Terms) -> Terms:
    """The terms; if they name no basis, on that of the runs, because life-cycle grams and direct ones are never added."""
    bases = (f["carbon"]["intensity_basis"] for f in footprints if f["carbon"] is not None)
    basis = terms.basis or next((Basis(basis) for basis in bases if basis is not None), None)
    return replace(terms, basis=basis)


def footprints_of(store: Store, run_ids: Iterable[str], terms: Terms, say: Callable[[str], None]) -> list[FootprintJson]:
    """The footprints of runs, in order, with what each adds to a sum in which a device counts once at any time.

    A run whose recorded terms allow no grams has none, which is said. Raises ConfigurationError if the grams cannot be added, and
    StoreError.
    """
    found: list[FootprintJson] = []
    for runs in store.load_all(run_ids, phases=False):
        known = Known.of(store, runs, terms)
        found += [_of_run(store, stored, terms, known, say) for stored in runs]
    require_one_basis(found)
    count_once(store, found)
    return found


def life_of_runs(store: Store, footprints: Sequence[FootprintJson], terms: Terms) -> LifeJson | None:
    """The life that some runs are, in the stages that they have recorded; None if none has recorded one. The footprints get what each adds
    to a sum. Raises StoreError."""
    if not any(f["run"]["stage"] for f in footprints):
        return None
    count_once(store, footprints)
    projects = {f["run"]["project"] for f in footprints}
    life = life_of_project(f"{len(footprints)} runs" if len(projects) > 1 else projects.pop())
    return whole_life(life, as_recorded(f["run"] for f in footprints), footprints, [], terms, table(terms.hardware))


def _of_run(store: Store, stored: StoredRun, terms: Terms, known: Known, say: Callable[[str], None]) -> FootprintJson:
    view = describe(stored)
    try:
        carbon = footprint(store, stored, view, terms, known)
    except ConfigurationError as error:
        if terms != Terms():
            raise
        carbon = None
        say(f"run {stored.run.id[:8]} has no grams: {error}")
    return {**footprint_of(view), "carbon": carbon}
