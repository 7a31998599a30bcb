"""PURE: what the totals of a paper do not contain, and which of its runs were not recorded by the tracker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...analysis.footprint_totals import tally
from ...carbon.assumption import LeftOut
from ...core.run import Origin
from ..words.masses import format_co2e
from ..words.quantities import count, listed
from ..words.safe_text import clipped
from .prose import Sentence, tallied

if TYPE_CHECKING:
    from ...core.contract import FootprintJson

LEFT_OUT = {
    LeftOut.UNSEEN: ("fans, power supplies, network and disks", "no sensor measures them"),
    LeftOut.PUE_OF_UNSEEN: (
        "the PUE overhead of those",
        "PUE is defined on all computing of a site, so it gives a lower bound for the components alone",
    ),
    LeftOut.SITE_OVERHEAD: ("the site's overhead for cooling and power supply", "no PUE was known"),
    LeftOut.HARDWARE: ("the manufacture of the hardware", "no hardware was recorded"),
    LeftOut.HARDWARE_TIME: ("the manufacture of the hardware", "the time for which it was held is not known"),
    LeftOut.DEVICES: ("the manufacture of the devices", "they are not named"),
    LeftOut.HOSTS: ("the manufacture of the hosts", "no figure was given"),
}
"""What the totals can lack, and why. The last three belong to estimates."""


def left_out(footprints: Sequence[FootprintJson]) -> list[str]:
    """What the totals do not contain, each with its reason in brackets, and with the number of runs if it is not all of them."""
    carbons = [f["carbon"] for f in footprints if f["carbon"]]
    codes = tallied((code for c in carbons for code in c["left_out_codes"]), LeftOut)
    found = []
    for code, n in codes.items():
        what, why = LEFT_OUT[code]
        found.append(f"{what} ({'; '.join([why, *([count(n, 'run')] if n < len(carbons) else [])])})")
    return found


def origins(footprints: Sequence[FootprintJson]) -> Iterator[Sentence]:
    """Which runs are estimates, or come from another tool, and how much of the total that is."""
    whole = tally(footprints)
    if whole.estimated:
        who = "The run" if whole.runs == 1 else f"{whole.estimated:,} of the runs"
        verb = "is an estimate" if whole.estimated == 1 else "are estimates"
        share = f"; {format_co2e(whole.estimated_g)} of the total is estimated" if whole.estimated < whole.runs else ""
        yield [f"{who} {verb} from hardware, time and power, of which nothing was measured{share}."]
    if whole.imported:
        who = "The run was" if whole.runs == 1 else f"{whole.imported:,} of the runs {'was' if whole.imported == 1 else 'were'}"
        tools = listed(
            tallied((f for f in footprints if f["run"]["origin"] == Origin.IMPORTED), lambda f: clipped(f["run"]["source"] or "?"))
        )
        share = f"; {format_co2e(whole.imported_g)} of the total" if whole.imported < whole.runs else ""
        yield [f"{who} recorded by {tools}, and imported{share}."]
