"""`trainwatt zones`: find a zone and the emissions of its grid per kWh, with year, basis and source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import rich_click as click
from rich.text import Text

from ...carbon.tables.zones import KINDS, STALE_YEARS, CloudRegion, Listed, ZoneFigure, cloud_region, figure, known, listed, stale
from ...errors import ConfigurationError
from ...presentation.terminal.run import console
from ..options import json_option
from ..output import echo


@click.command("zones")
@click.argument("text", required=False)
@click.option("--kind", type=click.Choice(KINDS), help="Only zones of this kind.")
@click.option("--check", is_flag=True, help=f"Only the zones whose figure is of a year more than {STALE_YEARS} years ago.")
@json_option
def command(text: str | None, kind: str | None, check: bool, as_json: bool) -> None:
    """Find the zones of the electricity grid by code or name, as in `trainwatt zones sweden`.

    A single zone is shown in full: its intensity, range, year, basis, status and source. Figures are life-cycle; where only a direct one is
    published, they are derived from it.
    """
    found = _find(text, kind)
    if check:
        found = stale(found, datetime.now(UTC).year)
    if as_json:
        echo(json.dumps({"schema_version": 1, "zones": [_view(zone) for zone in found]}, indent=2))
        return
    figures = [figure(zone.zone, allow_suspect=True) for zone in found]
    if check:
        echo(f"{len(found)} of the bundled figures are of a year more than {STALE_YEARS} years ago" + (":" if found else ""))
    if not found:
        return
    if len(found) == 1:
        console().print(_page(figures[0]))
    else:
        echo(_list(figures))


def _find(text: str | None, kind: str | None) -> list[Listed]:
    """The zone with that code, otherwise all zones whose code or name contains the text. Raises ConfigurationError if there is none."""
    zones = [zone for zone in listed() if kind in (None, zone.kind)]
    if text is None:
        return zones
    wanted = text.strip().lower()
    found = [zone for zone in zones if zone.zone.lower() == wanted] or [
        zone for zone in zones if wanted in zone.zone.lower() or wanted in zone.name.lower()
    ]
    if not found and kind is None:
        code = known(text)  # a name in another language, or an availability zone; otherwise this raises an error with similar names
        return [next(zone for zone in zones if zone.zone == code)]
    if not found:
        raise ConfigurationError(f"no zone of kind {kind} has {text!r} in its code or name; leave out --kind to look through all")
    return found


def _view(zone: Listed) -> dict[str, Any]:
    view = {**figure(zone.zone, allow_suspect=True)._asdict(), "zone": zone.zone}
    region = cloud_region(zone.zone) if zone.kind == "cloud_region" else None
    view["cloud"] = region and {
        "grid_zone": region.zone, "place_source": region.place_source,
        "pue": region.pue, "pue_kind": region.pue_kind, "pue_year": region.pue_year,
        "pue_status": region.pue_status, "pue_source": region.pue_source,
        "wue_l_per_kwh": region.wue_l_per_kwh, "cfe_percent": region.cfe_percent,
    }  # fmt: skip
    return view


def _list(figures: list[ZoneFigure]) -> str:
    """One line per zone, as plain text: a table of rich takes a quarter of a second for all zones."""
    rows = [("zone", "g/kWh", "year", "basis", "status", "kind", "name")]
    rows += [(f.zone, f"{f.intensity_g_per_kwh:.0f}", str(f.year), f.basis, f.status, f.kind.replace("_", " "), f.name) for f in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i == 1 else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _page(f: ZoneFigure) -> Text:
    text = Text()
    text.append(f"{f.zone}: {f.intensity_g_per_kwh:.4g} g/kWh ({f.low_g_per_kwh:.0f}–{f.high_g_per_kwh:.0f})\n", style="bold")
    text.append(f"{f.name} · {f.kind.replace('_', ' ')} · {f.year} · {f.basis}, {f.boundary} · ")
    text.append(f"{f.status}\n", style="yellow" if f.status in ("suspect", "assumed") else "green")
    text.append(f"{f.note}\n")
    text.append(f"source: {f.source} ({f.licence})", style="dim")
    if f.kind == "cloud_region":
        text.append(_site(cloud_region(f.zone)))
    return text


def _site(region: CloudRegion) -> str:
    water = "" if region.wue_l_per_kwh is None else f" · water {region.wue_l_per_kwh:g} L/kWh"
    free = "" if region.cfe_percent is None else f" · {region.cfe_percent:g} % carbon-free energy (the provider's, market-side)"
    place = f"\nplace: {region.place_source}"
    if region.pue is None:
        return f"{place}\nno PUE is known ({region.pue_source}){water}{free}"
    return f"{place}\nPUE {region.pue:g} ({region.pue_kind}, {region.pue_year}, {region.pue_status}: {region.pue_source}){water}{free}"
