"""PURE: an energy that is attributed to processes, in words: to those of a run (scope="process"), or to the ranks of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .quantities import format_energy, percent

if TYPE_CHECKING:
    from ...core.contract import EnergySumJson, RankSharesJson

ATTRIBUTED = "attributed"
_BY_USE = (
    "Energy above idle is divided by use: CPU time, and computing time on a GPU."
    " Of idle energy, {who} the part that they use of all there is"
)
WHOLE_OUTSIDE = "* the whole device: the total has the share of it that is attributed to the processes of the run"
"""The note for a device that is marked with a star because its share is in the total."""


def measured_text(energy: EnergySumJson) -> str:
    """Which part of an energy was measured: "96 %", and "" if that is not known; "attributed" for an energy of processes."""
    if energy["attribution"] is not None:
        return ATTRIBUTED
    return "" if energy["measured_fraction"] is None else percent(energy["measured_fraction"])


def measured_note(energy: EnergySumJson) -> str | None:
    """The note behind an energy: "96 % measured"; "attributed to its processes, of 10.0 kJ of the machine" for an energy of processes.
    None if this is not known."""
    if (of := energy["attribution"]) is not None:
        return f"{ATTRIBUTED} to its processes, of {format_energy(of['machine_j'])} of the machine"
    return None if energy["measured_fraction"] is None else f"{percent(energy['measured_fraction'])} measured"


def attribution_lines(energy: EnergySumJson) -> list[str]:
    """How an energy of processes was divided; empty for the energy of whole devices."""
    if (of := energy["attribution"]) is None:
        return []
    whole_j = of["machine_j"]
    return [
        f"{ATTRIBUTED} to the processes of this run: {format_energy(of['attributed_j'], whole_j)} of the {format_energy(whole_j)} of these"
        f" devices; {format_energy(of['unattributed_j'], whole_j)} stay unattributed."
        f" {_BY_USE.format(who='the processes get')}"
    ]


def ranks_line(ranks: RankSharesJson) -> str:
    """How the energy of a run was divided between its ranks."""
    whole_j = sum(part["energy_j"] for part in ranks["ranks"]) + ranks["unattributed_j"]
    return (
        f"Attributed to ranks, not measured: {format_energy(ranks['unattributed_j'], whole_j)} of the {format_energy(whole_j)} stay"
        f" unattributed. {_BY_USE.format(who='ranks get')}."
    )
