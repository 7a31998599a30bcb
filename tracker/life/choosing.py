"""Which runs belong to a model's life, and to which stage of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..analysis.selection import Filters, find, fitting
from ..core.run import Stage
from ..errors import ConfigurationError, RunNotFoundError
from .plan import Life, Selection

if TYPE_CHECKING:
    from ..core.contract import RunJson
    from ..storage.read.records import RunRow
    from ..storage.read.store import Store

FINAL = "final"
"""The tag of a run that became the model, unless its value says no."""
_NO = ("no", "false", "0")


class Chosen(NamedTuple):
    """The runs of a life with their stages, oldest first; None for a run whose stage nobody said. `final`: those that became the model."""

    stages: dict[str, Stage | None]
    final: frozenset[str]


def chosen(store: Store, life: Life) -> Chosen:
    """The runs of a life. The selections decide first, then the stage that a run of the project has recorded.

    Raises RunNotFoundError for a selection that fits no run, and ConfigurationError for a run in two stages.
    """
    rows = {run.id: run for run in fitting(store, Filters(project=life.project))} if life.project is not None else {}
    by: dict[str, Selection] = {}
    for selection in life.selections:
        for run in _fitting(store, selection, life.project):
            before = by.setdefault(run.id, selection)
            if before.stage != selection.stage:
                raise ConfigurationError(
                    f"{selection.where}.stage = {selection.stage.value!r}: run {run.id[:8]} is in stage {before.stage} already, by"
                    f" {before.where}; a run counts in one stage: select fewer runs in one of them"
                )
            rows[run.id] = run
    final = frozenset(find(store, ref) for ref in life.final)
    for missing in final - rows.keys():
        raise ConfigurationError(f"model.final = {missing[:8]!r}: this run is not among the runs of the life; select it, or leave it out")
    if life.project is not None and not rows:
        raise RunNotFoundError(f"there is no run of project {life.project!r} in {store.place}; `trainwatt list` shows the runs there are")
    tagged = {run.id for run in rows.values() if _is_final(run.tags)}
    ordered = sorted(rows.values(), key=lambda run: (run.started_utc_ns, run.id))
    return Chosen(
        {run.id: by[run.id].stage if run.id in by else _own_stage(run.stage, run.id in final | tagged) for run in ordered},
        final or frozenset(tagged),
    )


def as_recorded(runs: Iterable[RunJson]) -> Chosen:
    """Runs in the stages that they have recorded, oldest first."""
    ordered = sorted(runs, key=lambda run: (run["started_at"], run["id"]))
    final = frozenset(run["id"] for run in ordered if _is_final(run["tags"]))
    return Chosen({run["id"]: _own_stage(run["stage"], run["id"] in final) for run in ordered}, final)


def _is_final(tags: Mapping[str, object]) -> bool:
    return str(tags.get(FINAL, "no")).strip().lower() not in _NO


def _own_stage(stage: str | None, final: bool) -> Stage | None:
    """The stage that a run has recorded. One that became the model was a training."""
    if stage in list(Stage):
        return Stage(stage)
    return Stage.TRAINING if final else None


def _fitting(store: Store, selection: Selection, project: str | None) -> Iterator[RunRow]:
    """The runs of a selection. Without a project of its own, it is about that of the life."""
    wanted = {find(store, ref) for ref in selection.runs}
    filters = Filters() if wanted else Filters(project=selection.project or project, group=selection.group)
    found = False
    for run in fitting(store, filters):
        if run.id in wanted if wanted else _fits(run, selection):
            found = True
            yield run
    if not found:
        raise RunNotFoundError(f"{selection.where}: no run fits; `trainwatt list` shows the runs there are")


def _fits(run: RunRow, selection: Selection) -> bool:
    if selection.recorded_stage is not None and run.stage != selection.recorded_stage:
        return False
    return all(name in run.tags and value in (None, run.tags[name]) for name, value in selection.tags)
