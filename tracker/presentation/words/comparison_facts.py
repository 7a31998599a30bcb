"""PURE: the facts of a comparison in words: why a figure is missing, what limits a comparison, why a gate cannot be judged."""

from __future__ import annotations

from collections.abc import Iterable

from ...analysis.comparing.compared import Figure, Limit, Missing, Note, Reason
from ...analysis.comparing.gates import Judged, Unjudged
from ...analysis.view import KINDS
from .quantities import amount, count

_REASONS = {
    Reason.NO_ENERGY: "no energy was recorded",
    Reason.NOT_IN_RUN: "not in this run",
    Reason.NOT_COUNTED: "no {detail} were counted",
    Reason.NO_TIME: "it took no time",
    Reason.PENDING: "pending",
    Reason.NOT_MEASURED: "not measured",
    Reason.DEVICE_UNREAD: "its energy is a lower bound, because a device was never read",
    Reason.NO_GRAMS: "{detail}",
    Reason.ONE_RANK: "one rank of {detail} only",
    Reason.SOME_RANKS: "{detail} ranks only",
}
_MENDS = {
    Reason.ONE_RANK: "put `trainwatt run --` before the launcher, so that all ranks are in one run",
    Reason.SOME_RANKS: "start a tracker in each rank, so that the work of all ranks is in the run",
}
_LIMITS = {
    Limit.RUNNING: "has not ended: its figures are those so far",
    Limit.FAILED: "failed: it may have done part of its work only",
    Limit.INTERRUPTED: "was interrupted: it may have done part of its work only",
    Limit.SEARCHED: "is only a search for settings: it trained nothing",
    Limit.PRUNED: "was pruned: it did part of its work only",
    Limit.DEVICE_LOST: "a device was lost: its energy is a lower bound",
    Limit.DEVICE_UNMEASURED: "a device was never read: its energy is a lower bound",
    Limit.ONE_RANK: "one rank of several: the work of the others, and perhaps joules, are in their runs",
    Limit.SOME_RANKS: "without the work of some ranks: its energy per sample or token is not known",
    Limit.OTHER_KINDS: "not the same parts: {kinds}, and A {base_kinds}",
    Limit.OTHER_SCOPE: "not as A: one is the share of processes, the other has whole devices, so the two are different quantities",
    Limit.OTHER_DEVICES: "not on the same devices as A: the errors of their sensors do not cancel",
    Limit.ONE_RUN_EACH: "one run each: differences between runs are not known, so this says nothing about the next run",
    Limit.ONE_RUN: "one run beside several: it is assumed to vary as much as they do",
    Limit.PAIRED: "its runs alternate with those of A, so each is compared with the one beside it",
    Limit.MODELLED: "modelled in part or in whole, like A: the error of a model does not cancel, so all of it is in the difference",
}


def missing_text(missing: Missing) -> str:
    """Why a figure has no value."""
    return _REASONS[missing.reason].replace("{detail}", missing.detail)


def apart_text(figure: Figure) -> str | None:
    """Why the grams of a run cannot be compared with those of A; None if they can."""
    if not figure.apart:
        return None
    return f"its grams have other assumptions than those of A (give --zone, --pue or --intensity for both): {'; '.join(figure.apart)}"


def remark_text(figure: Figure) -> str | None:
    """The note on a figure: "4,490 samples", "5 instances of phase train", "25 ×", "gpu2, not in the total"; None if it needs none."""
    parts = [figure.own_name] if figure.own_name else []
    parts += ["not in the total"] if figure.beside_total else []
    if figure.amount is not None:
        number, phase = figure.amount.number, figure.amount.phase
        parts.append(f"{count(number, 'instance')} of phase {phase}" if phase else amount(number, figure.amount.unit))
    return ", ".join(parts) or None


def note_text(note: Note) -> str:
    """A note that limits how far a difference can be trusted."""
    return _LIMITS[note.limit].format(kinds=_parts(note.kinds), base_kinds=_parts(note.base_kinds))


def unjudged_text(judged: Judged) -> str | None:
    """Why a gate cannot be judged; None if it can."""
    return None if judged.missing is None else _unjudged(judged.missing, judged.label)


def _unjudged(why: Unjudged, label: str) -> str:
    if why.missing is not None:
        mend = f"; {_MENDS[why.missing.reason]}" if why.missing.reason in _MENDS else ""
        return f"{missing_text(why.missing)}{'' if why.label == label else f', in {why.label}'}{mend}"
    if why.known:
        return f"none of these runs has counted that; they have {', '.join(why.known)}"
    figure = Figure("grams", "g", None, apart=why.apart)
    return apart_text(figure) or "the two runs cannot be compared"


def _parts(kinds: Iterable[str]) -> str:
    return "+".join(label for kind, label in KINDS.items() if kind in set(kinds))
