"""PURE: runs as Markdown: the headline, its parts, and the methods paragraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.footprint_totals import footprint_of
from ..life.markdown import life_markdown
from ..life.rows import BY_STAGE
from ..paper.document import document
from ..words.activity.lines import activity_lines
from ..words.attribution import attribution_lines
from ..words.carbon import Least, beside, carbon_headline, place, ranges_text
from ..words.quantities import format_duration, format_range
from ..words.runs import (
    MOST_EVENTS,
    damage_lines,
    device_titles,
    headline,
    phase_energy,
    phase_notes,
    provenance,
    status_text,
    title_of,
    unmeasured_lines,
    when,
    work_lines,
)
from ..words.safe_text import markdown
from ..words.work.ahead import ahead_lines
from .cells import parts as grams

if TYPE_CHECKING:
    from ...analysis.over_time.figures import Figures
    from ...core.contract import LifeJson, ShowJson


def markdown_of(runs: Sequence[Figures], life: LifeJson | None = None) -> str:
    """A section for each run, and one methods section with the table and the sources of all runs. `life`: all of them by stage."""
    parts = [] if life is None else [f"# {BY_STAGE}", life_markdown(life)]
    parts += [part for f in runs for part in _run(f.view)]
    return "\n\n".join([*parts, "## Methods", document([footprint_of(f.view) for f in runs], "md")]) + "\n"


def _run(view: ShowJson) -> list[str]:
    run, energy, carbon = view["run"], view["energy"], view["carbon"]
    reason = f" ({run['end_reason']})" if run["end_reason"] else ""
    about = (
        f"{status_text(run)}{reason} · {format_duration(run['duration_s'] or 0.0)} · run {run['id']} · started {when(run['started_at'])}"
    )
    parts = [f"# {markdown(title_of(view))}", f"**{markdown(headline(view))}**", markdown(f"{about} on {run['host']}")]
    devices = [
        [title, format_range(d["energy_j"], d["low_j"], d["high_j"], energy["total_j"]), provenance(d), d["model"] or d["note"] or ""]
        for title, d in zip(device_titles(energy["devices"]), energy["devices"], strict=True)
    ]
    parts += [_table(["device", "energy (range)", "from", "model"], devices)] if devices else []
    phases = [
        [p["name"], f"{p['count']:,}", format_duration(p["duration_s"]), phase_energy(p, run["status"], energy["total_j"]), phase_notes(p)]
        for p in view["phases"]
    ]
    parts += [_table(["phase", "count", "time", "energy (range)", "note"], phases)] if phases else ["No phases were marked."]
    said = [*damage_lines(view), *attribution_lines(energy), *unmeasured_lines(energy), *work_lines(view), *ahead_lines(view, utc=True)]
    said += activity_lines(view)
    work = [f"- {markdown(line)}" for line in said]
    parts += ["\n".join(work)] if work else []
    if carbon is None:
        parts.append(markdown(f"No grams: {view['carbon_missing'] or 'no energy is known, so no grams can be computed'}"))
    else:
        least = Least.of(energy, carbon)
        rows = [[part.name, part.text] for part in grams(carbon, least)]
        parts += [markdown(f"{carbon_headline(carbon, least)} {place(carbon)}"), _table(["emissions", "CO2e"], rows)]
        parts.append(markdown(f"{ranges_text(carbon['ranges']).capitalize()}."))
        apart = [f"- {markdown(f'{name}: {text}')}" for name, text, _ in beside(carbon, least)]
        parts += ["\n".join(apart)] if apart else []
    events = [[e["at"], e["kind"], e["device"] or "run", e["detail"]] for e in view["events"][:MOST_EVENTS]]
    return parts + ([_table(["time", "event", "of", "what happened"], events)] if events else [])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([markdown(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
