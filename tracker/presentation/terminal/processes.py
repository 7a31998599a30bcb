"""PURE: the processes of a run, as `show --ranks` prints them: what each has done, and who has read each device when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.view import KINDS
from ..words.attribution import ranks_line
from ..words.quantities import amount, format_duration, format_energy
from ..words.runs import device_titles, headline
from ..words.safe_text import cleaned
from .run import plain_table

if TYPE_CHECKING:
    from ...core.contract import DeviceOfRankJson, PhaseByRankJson, ProcessJson, RankSharesJson, ReadJson, ShowJson, ShowRanksJson


def processes_page(view: ShowRanksJson) -> RenderableType:
    """The run's headline and its processes. The sums of the parts are the energies of the run."""
    view = cleaned(view)
    processes = view["processes"]
    parts: list[RenderableType] = [Text(headline(view), style="bold"), Text(), _processes(processes), Text(), _devices(view, processes)]
    if view["phases_by_rank"]:
        parts += [Text(), _phases(view["phases_by_rank"])]
    if (shares := view["attributed_to_ranks"]) is not None:
        parts += [Text(), _shares(view, shares), Text(), Text(ranks_line(shares))]
    return Group(*parts)


def _processes(processes: Sequence[ProcessJson]) -> RenderableType:
    table = plain_table("rank", "process", "status", "from", "to", "work", right=("rank", "from", "to"))
    for p in processes:
        rank = "–" if p["rank"] is None else str(p["rank"])
        work = ", ".join(amount(n, unit) for unit, n in p["work"].items())
        table.add_row(rank, f"{p['pid']} on {p['host']}", p["status"], *(format_duration(p[end]) for end in ("from_s", "to_s")), work)
    return table


def _devices(view: ShowJson, processes: Sequence[ProcessJson]) -> RenderableType:
    """Who has read each device when, a line each, and how many joules that is. Several parts have their sum below them."""
    table = plain_table("device", "read by", "energy", right=("energy",))
    reads: dict[tuple[str, str], list[tuple[ProcessJson, ReadJson]]] = defaultdict(list)
    for process in processes:
        for read in process["reads"]:
            reads[process["host"], read["device"]].append((process, read))
    for title, device in zip(device_titles(view["energy"]["devices"]), view["energy"]["devices"], strict=True):
        within = "" if device["included_in_total"] else " (not in the total)"
        parts = sorted(reads[device["host"], device["device"]], key=lambda part: part[1]["from_s"])
        name, whole = f"{title}{within}", format_energy(device["energy_j"])
        for process, read in parts:
            when = f"{format_duration(read['from_s'])}–{format_duration(read['to_s'])}"
            table.add_row(name, f"{_who(process)} {when}", whole if len(parts) == 1 else format_energy(read["energy_j"]))
            name = ""
        if len(parts) != 1:
            table.add_row(name, "", f"= {whole}" if parts else whole)
    total = view["energy"]["total_j"]
    table.add_row("total", "", "–" if total is None else format_energy(total))
    return table


def _shares(view: ShowJson, shares: RankSharesJson) -> RenderableType:
    """What is attributed to each rank, in all and by kind of device. The last line is their sum."""
    kinds = {(d["host"], d["device"]): d["kind"] for d in view["energy"]["devices"]}
    there = [kind for kind in KINDS if kind in kinds.values()]
    names = [KINDS[kind] for kind in there]
    table = plain_table("rank", "attributed", "range", *names, right=("rank", "attributed", *names))

    def by_kind(parts: Sequence[DeviceOfRankJson]) -> list[str]:
        return [format_energy(sum(p["energy_j"] for p in parts if kinds[p["host"], p["device"]] == kind)) for kind in there]

    for rank in shares["ranks"]:
        bounds = f"{format_energy(rank['low_j'])}–{format_energy(rank['high_j'])}"
        table.add_row(str(rank["rank"]), format_energy(rank["energy_j"]), bounds, *by_kind(rank["devices"]))
    table.add_row("none", format_energy(shares["unattributed_j"]), "", *by_kind(shares["unattributed"]))
    return table


def _who(process: ProcessJson) -> str:
    return f"process {process['pid']}" if process["rank"] is None else f"rank {process['rank']}"


def _phases(phases: Sequence[PhaseByRankJson]) -> RenderableType:
    table = plain_table("phase", "fastest", "slowest", "difference", right=("difference",))
    for p in phases:
        ends = [
            f"rank {p['fastest_rank']}, {format_duration(p['fastest_s'])}",
            f"rank {p['slowest_rank']}, {format_duration(p['slowest_s'])}",
        ]
        table.add_row(p["name"], *ends, format_duration(p["slowest_s"] - p["fastest_s"]))
    return table
