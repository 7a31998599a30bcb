"""PURE: what limits the comparison of a side with the baseline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...core.run import Status
from ..work.units import work_partial
from .compared import Limit, Note
from .side import Side, alternating

if TYPE_CHECKING:
    from ...core.contract import ShowJson
    from ...energy.intervals import Sensor


UNFINISHED: dict[Status, Limit] = {status: Limit[status.name] for status in Status if status is not Status.COMPLETED}


def notes(side: Side, base: Side | None) -> list[Note]:
    """What a reader must know before believing a difference."""
    found = list(dict.fromkeys(note for view in side.views for note in _of_run(view)))
    if base is None or not _total(base) or not _total(side) or base.ids == side.ids:
        return found
    found += _of_counts(side, base)
    kinds, base_kinds = _kinds(side.views), _kinds(base.views)
    if kinds != base_kinds:
        found.append(Note(Limit.OTHER_KINDS, kinds, base_kinds))
    if _attributed(side.views) != _attributed(base.views):
        found.append(Note(Limit.OTHER_SCOPE))
    if _total(base) != _total(side):
        found.append(Note(Limit.OTHER_DEVICES))
    if all(view["energy"]["interval_kind"] != "confidence" for of in (side, base) for view in of.views):
        found.append(Note(Limit.MODELLED))
    return found


def _of_run(view: ShowJson) -> list[Note]:
    said, energy = view["run"]["status"], view["energy"]
    found = [Note(limit) for status, limit in UNFINISHED.items() if status == said]  # a damaged status may be any word
    if energy["lower_bound"]:
        found.append(Note(Limit.DEVICE_UNMEASURED if energy["unmeasured"] else Limit.DEVICE_LOST))
    if work_partial(view["run"]):
        ranks = view["run"]["ranks"]
        found.append(Note(Limit.SOME_RANKS if ranks and ranks["joined"] else Limit.ONE_RANK))
    return found


def _of_counts(side: Side, base: Side) -> list[Note]:
    """How many runs each side has."""
    if len(side.runs) == len(base.runs) == 1:
        return [Note(Limit.ONE_RUN_EACH)]
    if min(len(side.runs), len(base.runs)) == 1:
        return [Note(Limit.ONE_RUN)]
    return [Note(Limit.PAIRED)] if alternating(base, side) else []


def _total(side: Side) -> set[Sensor]:
    """The sensors of a side."""
    return {part.sensor for run in side.runs for part in run.parts.total}


def _attributed(views: Iterable[ShowJson]) -> frozenset[bool]:
    """Whether the energies are shares of processes. A baseline that an earlier version wrote does not say so, and has none."""
    return frozenset(view["energy"].get("attribution") is not None for view in views)


def _kinds(views: Iterable[ShowJson]) -> frozenset[str]:
    return frozenset(d["kind"] for view in views for d in view["energy"]["devices"] if d["included_in_total"])
