"""The options that set the terms of a footprint: zone, intensity, PUE, price and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..analysis.footprint import unused
from ..carbon.accounting import Estimate
from ..carbon.grid.whereabouts import AUTO
from ..carbon.series import INTENSITY, LONGEST_LINE, PRICE, Column, Series, Span, read_series
from ..carbon.tables.basis import Basis, basis_named
from ..carbon.tables.zones import figure
from ..carbon.terms import TYPICAL_UNMEASURED, Terms, check, questions
from ..errors import ConfigurationError
from .options import with_options
from .output import say

if TYPE_CHECKING:
    from ..core.contract import CarbonJson
    from ..life.footprints import Gathered, Timed
    from ..life.plan import Life

FILE = click.Path(path_type=Path)
TYPICAL = "typical"

BASIS = click.option(
    "--basis", "bases", multiple=True, metavar="BASIS", help="What grams of electricity count: lifecycle (the default) or direct."
)
OPTIONS = (
    click.option(
        "--zone", "zones", multiple=True, help="The zone of the grid, such as FR, US-CA, Sweden or aws:eu-north-1 (`trainwatt zones`)."
    ),
    BASIS,
    click.option(
        "--intensity", "intensity_g_per_kwh", type=float, metavar="G_PER_KWH", help="Your own figure for the intensity of the grid."
    ),
    click.option("--allow-suspect", is_flag=True, help="Use the figure of a zone even if it is marked suspect."),
    click.option("--pue", type=float, help="The site's power usage effectiveness; else a cloud region's, or none."),
    click.option("--wue", "wue_l_per_kwh", type=float, metavar="L_PER_KWH", help="The site's water usage effectiveness."),
    click.option(
        "--market-intensity",
        "market_intensity_g_per_kwh",
        type=float,
        metavar="G_PER_KWH",
        help="The intensity of the electricity as it was bought; its grams are shown on their own.",
    ),
    click.option(
        "--unmeasured",
        metavar="SHARE",
        help="Show what no sensor sees (fans, power supplies, network, disks) on a line of its own: a share of the energy, or `typical`.",
    ),
    click.option("--price", "price_per_kwh", type=float, metavar="PER_KWH", help="The price of a kWh."),
    click.option("--currency", metavar="CODE", help="The currency of the price, such as EUR."),
    click.option("--lifetime-years", type=float, help="Years that the hardware is used, in place of 4 (3 to 5)."),
    click.option("--lifetime-utilization", type=float, metavar="SHARE", help="Share of that time in use, in place of 0.5 (0.3 to 0.6)."),
    click.option("--hardware", metavar="FILE", help="Your own hardware CSV. Its rows replace those of the bundled table."),
)
intensity_option = click.option("--intensity-csv", type=FILE, metavar="FILE", help="A series: start,end,intensity_g_per_kwh.")


def terms_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that a plan and a recorded run have in common."""
    return with_options(OPTIONS, function)


def terms_of(*, zones: Sequence[str], **given: Any) -> Terms:
    """The options as terms of one grid, without their series. A value that is hard to believe is questioned on stderr.

    Raises ConfigurationError.
    """
    if len(zones) > 1:
        raise ConfigurationError(
            f"--zone {' and --zone '.join(zones)}: the runs are put on the terms of one grid here; give one zone, or let"
            " `trainwatt footprint` put zones side by side"
        )
    return terms_by_zone(zones=zones, **given)[0]


def terms_by_zone(
    *,
    zones: Sequence[str],
    bases: Sequence[str],
    intensity_csv: Path | None = None,
    price_csv: Path | None = None,
    unmeasured: str | None,
    **given: Any,
) -> list[Terms]:
    """The options as terms, one for each zone, without their series. A value that is hard to believe is questioned on stderr.

    Raises ConfigurationError.
    """
    if AUTO in zones:
        raise ConfigurationError("--zone auto: only a run that is being tracked can find out where it is; name the zone, as in --zone FR")
    if given["currency"] is not None and given["price_per_kwh"] is None and price_csv is None:
        raise ConfigurationError(f"--currency {given['currency']}: there is no price; give --price or --price-csv")
    if len(zones) > 1 and (given["intensity_g_per_kwh"] is not None or intensity_csv is not None):
        option = "--intensity" if intensity_csv is None else "--intensity-csv"
        raise ConfigurationError(f"{option} with {len(zones)} zones: it would make them all the same; leave it out, or give one --zone")
    basis = basis_of(bases)
    stated = None if given["intensity_g_per_kwh"] is None else basis
    terms = Terms(**given, basis=basis, intensity_basis=stated, unmeasured=_share(unmeasured))
    check(terms)
    for question in questions(terms):
        say(question)
    given_grams = terms.intensity_g_per_kwh is not None or intensity_csv is not None
    found = [figure(zone, allow_suspect=terms.allow_suspect or given_grams, named=f"--zone {zone}") for zone in zones]
    if len(zones) > 1:
        zones = list(dict.fromkeys(zone.zone for zone in found))
    return [replace(terms, zone=zone) for zone in zones] or [terms]


def with_series(terms: Terms, within: Sequence[Span], *, intensity_csv: Path | None = None, price_csv: Path | None = None) -> Terms:
    """The terms with the values that the files have for the times `within`. A value that is hard to believe is questioned on stderr.

    Raises ConfigurationError.
    """
    series = Terms(series=() if intensity_csv is None else (_series(intensity_csv, INTENSITY, within),))
    for question in questions(series):
        say(question)
    for each in series.series:
        if terms.basis is not None and each.basis not in (None, terms.basis):
            raise ConfigurationError(
                f"--basis {terms.basis} and {each.source}, whose values are {each.basis}: the two cannot be mixed; leave --basis out, which"
                f" puts all grams on the lifecycle basis, or name a series on the {terms.basis} basis"
            )
    return replace(terms, series=series.series, prices=None if price_csv is None else _series(price_csv, PRICE, within))


def say_unused(terms: Terms, run_id: str, carbon: CarbonJson | None) -> None:
    """Say on stderr which of the user's series has no value for the time of a run."""
    for source in unused(terms, carbon):
        say(f"{source} has no value for the time of run {run_id[:8]}, and is not used for it")


def _series(path: Path, column: Column, within: Sequence[Span]) -> Series:
    opened = 0

    def lines() -> Iterator[str]:
        nonlocal opened
        opened += 1
        if opened > 1 and not path.is_file():
            raise ConfigurationError(
                f"{path}: its rows are not in order of time, and a pipe cannot be read twice; sort them, or name a file"
            )
        with path.open(encoding="utf-8", newline="") as file:
            yield from iter(partial(file.readline, LONGEST_LINE + 1), "")  # not `for line in file`: a line may have no end

    try:
        return read_series(lines, str(path), column, within)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; name a CSV file in UTF-8") from None


def timed_of(life: Life, intensity_csv: Path | None) -> Timed | None:
    """What adds the series of a file to terms. It is read once, also from a pipe. Raises ConfigurationError for a life without runs."""
    if intensity_csv is None:
        return None
    if not life.has_runs:
        raise ConfigurationError(
            f"--intensity-csv {intensity_csv}: no run belongs to this life, and the hours of what was added by hand are not known; give"
            " --intensity"
        )
    known: list[tuple[Series, ...]] = []

    def timed(terms: Terms, spans: Sequence[Span]) -> Terms:
        if not known:
            known.append(with_series(terms, spans, intensity_csv=intensity_csv).series)
        return replace(terms, series=known[0])

    return timed


def say_what_is_not_timed(life: Life, runs: Gathered) -> None:
    """Say on stderr for which runs the series has no value, and that nothing else has hours."""
    for f in (*runs.found, *runs.measured):
        say_unused(runs.terms, f["run"]["id"], f["carbon"])
    if runs.terms.series and (life.added or (life.inference is not None and not life.inference.runs)):
        say("--intensity-csv is for runs; what was added by hand or is planned has no hours, and keeps the intensity of its own terms")


def basis_of(given: Sequence[str]) -> Basis | None:
    """The basis that is asked for by name; None if none is. Raises ConfigurationError for two, and for an unknown one."""
    known = " or ".join(f"--basis {basis}" for basis in Basis)
    if len({basis_named(text) or text for text in given}) > 1:
        raise ConfigurationError(
            f"--basis {' and --basis '.join(given)}: grams on different bases cannot be added or compared, because life-cycle ones count"
            f" the supply of the fuel and the building of the plants too; give one, {known}"
        )
    if not given:
        return None
    found = basis_named(given[0])
    if found is None:
        raise ConfigurationError(
            f"--basis {given[0]}: there are two bases, which cannot be mixed: life-cycle, and direct (the stack alone); give {known}"
        )
    return found


def _share(text: str | None) -> Estimate | None:
    if text is None or text == TYPICAL:
        return TYPICAL_UNMEASURED if text else None
    try:
        return Estimate.exact(float(text))
    except ValueError:
        raise ConfigurationError(f"--unmeasured {text}: give a share of the energy such as 0.2, or the word {TYPICAL}") from None
