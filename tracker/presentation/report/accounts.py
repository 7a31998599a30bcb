"""PURE: the sections of a report on emissions, on the sources of its figures, and on events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from ...analysis.footprint_totals import footprint_of
from ...life.embodied_share import embodied_share
from ...life.figures import figures_of
from ..life.share_chart import share_figure
from ..paper.bibliography import keys, plain
from ..paper.methods import paragraph
from ..words.carbon import Least, beside, carbon_headline, making_of, place, ranges_text
from ..words.masses import format_mass
from ..words.quantities import count, format_energy, number, percent, significant
from ..words.runs import MOST_EVENTS, WAYS, device_titles, provenance, when
from .cells import joule_cells, parts
from .charts import Bar, Part, bars, legend, shares
from .elements import Child, Html, details, el, linked, table

if TYPE_CHECKING:
    from ...analysis.over_time.figures import Figures
    from ...core.contract import AssumptionJson, CarbonJson, DeviceJson, EmbodiedLineJson, ShowJson


# ---- grams


def emissions(view: ShowJson, alone: bool) -> Html:
    """The grams and their parts. `alone`: the page is about this run only, and has room for what they were on other grids."""
    carbon = view["carbon"]
    if carbon is None:
        why = view["carbon_missing"] or "no energy is known, so no grams can be computed"
        return el("section", el("h2", "Emissions"), el("p", f"No grams: {why}.".replace("..", "."), class_="muted text"))
    least = Least.of(view["energy"], carbon)
    electricity = f"energy × PUE {carbon['pue']:g} × {number(carbon['intensity_g_per_kwh'])} g/kWh"
    notes = (electricity, "making of the hardware, for the time that the run held it", "")
    rows, cells = [], []
    for part, colour, note in zip(parts(carbon, least), ("gauge", "model", "plain"), notes, strict=True):
        rows.append(Bar(part.name, part.text, part.g, part.low_g, part.high_g, colour, note))
        cells.append([part.name, part.text, note])
    lines = [
        [
            f"{line['part']}: {line['name']}",
            number(line["count"]),
            format_mass(line["embodied_g"], line["embodied_low_g"], line["embodied_high_g"]),
        ]
        for line in carbon["embodied_lines"]
    ]
    apart = [el("li", f"Not in the total: {name}: {text}") for name, text, _ in beside(carbon, least)]
    return el(
        "section",
        el("h2", "Emissions"),
        el("p", carbon_headline(carbon, least)),
        el("p", f"{ranges_text(carbon['ranges']).capitalize()}.", class_="muted text"),
        el(
            "p", f"Electricity {place(carbon)}. Location-based: purchased certificates and offsets are not subtracted.", class_="muted text"
        ),
        el(
            "figure",
            bars(rows, "Operational and embodied grams of CO2e, with ranges"),
            details(
                "Emissions as a table",
                table(["part", "CO2e", "from"], cells, (1,)),
                table(["hardware", "count", "embodied CO2e"], lines, (1, 2)) if lines else None,
            ),
            aria_label="Operational beside embodied emissions",
        ),
        _other_grids(view) if alone else None,
        el("ul", apart) if apart else None,
        el("ul", [el("li", f"Not in it: {text}") for text in carbon["left_out"]], class_="muted"),
    )


def _other_grids(view: ShowJson) -> Html | None:
    """What the share of the hardware would be on other grids."""
    share = embodied_share(figures_of([footprint_of(view)]))
    return None if share is None else details("The share of the hardware on other grids", share_figure(share))


def assumptions(carbon: CarbonJson) -> Html:
    rows: list[list[Child]] = []
    for a in carbon["assumptions"]:
        spread = "" if a["low"] is None or a["high"] is None or a["low"] == a["high"] else f" ({number(a['low'])}–{number(a['high'])})"
        value = "unknown" if a["value"] is None else f"{number(a['value'])}{spread} {a['unit']}".rstrip()
        rows.append([a["name"], value, _mark(a), linked(a["source"])])
    for line in {(x["row"], x["name"]): x for x in carbon["embodied_lines"]}.values():
        value = f"{significant(line['footprint_kg'])} ({significant(line['footprint_low_kg'])}–{significant(line['footprint_high_kg'])})"
        rows.append(
            [
                making_of(line),
                f"{value} kg/{line['unit']}",
                _mark(line),
                linked(line["source"]),
            ]
        )
    caption = "The factors that the grams were computed with"
    return el("section", el("h2", "Assumptions"), table(["factor", "value", "status", "source"], rows, (), caption))


def _mark(of: AssumptionJson | EmbodiedLineJson) -> str:
    return str(of["status"]) if of["year"] is None else f"{of['status']}, {of['year']}"


# ---- sources and events


def origin(f: Figures) -> Html:
    devices = f.view["energy"]["devices"]
    missing = _missing(f)
    titles = device_titles(devices)
    rows = [
        (title, provenance(d), [Part(way, joules_by_way(d)[way], colour) for way, (_, colour) in WAYS.items()])
        for title, d in zip(titles, devices, strict=True)
    ]
    columns = [joule_cells(joules_by_way(d)[way] for d in devices) for way in WAYS]
    cells = [
        [
            title,
            *of_ways,
            percent(d["coverage"]),
            percent(d["seen_fraction"]),
            "; ".join(t for t in (d["model"], d["note"]) if t),
        ]
        for title, d, *of_ways in zip(titles, devices, *columns, strict=True)
    ]
    head = ["device", *(words for words, _ in WAYS.values()), "time covered by readings", "time seen", "note"]
    used = [way for way in WAYS if any(joules_by_way(d)[way] > 0 for d in devices)]
    chart = el(
        "figure",
        shares(rows, "Where the energy of each device comes from"),
        legend("Energy", ((WAYS[way][1], WAYS[way][0], way in ("imputed", "modelled")) for way in used)),
        details("Sources of the energy as a table", table(head, cells, range(1, 7))),
        aria_label="Where the energy of each device comes from",
    )
    return el(
        "section",
        el("h2", "What was measured"),
        chart if devices else el("p", "No device was measured or modelled.", class_="muted"),
        el("h3", "What is missing") if missing else None,
        el("ul", missing) if missing else None,
    )


def joules_by_way(device: DeviceJson) -> Mapping[str, float]:
    """A device's joules by where they come from."""
    return cast("Mapping[str, float]", device["provenance"])


def _missing(f: Figures) -> list[Html]:
    found = [
        el("li", el("span", f"{x.what}: {x.detail}.", class_="text"), el("small", f" {x.worth} {x.remedy}".rstrip(), class_="text"))
        for x in {(x.source, x.what, x.detail): x for x in f.findings}.values()
    ]
    lost = [d for d in f.view["energy"]["devices"] if d["provenance"]["imputed"] > 0]
    return found + [
        el("li", f"{d['device']}: {format_energy(d['provenance']['imputed'])} imputed where readings are missing") for d in lost
    ]


def events(view: ShowJson) -> Html:
    events = view["events"]
    if not events:
        return el("section", el("h2", "Events"), el("p", "No event was recorded for a sensor or for the run.", class_="muted"))
    rows: list[list[Child]] = [
        [when(e["at"]).replace(" UTC", f":{e['at'][17:19]} UTC"), e["kind"], e["device"] or "run", el("span", e["detail"], class_="text")]
        for e in events[:MOST_EVENTS]
    ]
    more = f"`trainwatt show {view['run']['id']} --json` has {len(events) - MOST_EVENTS:,} more." if len(events) > MOST_EVENTS else None
    return el(
        "section",
        el("h2", "Events"),
        table(["time", "kind", "of", "what happened"], rows, (), count(len(events), "event")),
        el("p", more) if more else None,
    )


def methods(view: ShowJson) -> Html:
    words = paragraph([footprint_of(view)])
    works = list({work.identity: work for part in words if not isinstance(part, str) for work in part}.values())
    numbers = {identity: n for n, identity in enumerate(keys(works), 1)}
    body = "".join(p if isinstance(p, str) else f" [{', '.join(str(numbers[w.identity]) for w in p)}]" for p in words)
    return el(
        "section",
        el("h2", "Methods"),
        el("p", body),
        el("ol", [el("li", linked(plain(work))) for work in works]) if works else None,
        class_="methods",
    )
