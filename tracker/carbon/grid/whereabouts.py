"""Where a run is: the zone that the user names, or for "auto" the region that the cloud reports. Nothing else is asked."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.choices import Basis
from ...core.sensing import Availability, Finding
from ...errors import ConfigurationError

AUTO = "auto"
ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
"""The variable of the AWS SDKs for another metadata address."""
SOURCE = "zone"
HOW_TO_SET = (
    "Name the zone of the grid: zone='FR' in Python, TRAINWATT_ZONE=FR, or zone = \"FR\" in trainwatt.toml;"
    " `trainwatt zones NAME` finds it."
)
WORTH = "Grams for the grid that fed the run, in place of the world's average."


def known_zone(zone: str) -> None:
    """Raises ConfigurationError, with similar names, for an unknown zone. "auto" is accepted."""
    if zone != AUTO:
        from ..tables.zones import figure  # the tables are read only if a zone is named

        figure(zone, allow_suspect=True)


def locate_by_cloud(environ: Mapping[str, str]) -> tuple[str | None, Finding]:
    """The cloud region of this machine, and a finding about the search. It may take two seconds."""
    from ..tables.zones import figure
    from .cloud import METADATA, detect_region

    found = detect_region(environ.get(ENDPOINT) or METADATA)
    try:
        if found is not None:
            place = figure(found, allow_suspect=True)
            return found, Finding(SOURCE, Availability.OK, "zone", f"{found} ({place.name}), by the cloud's metadata address")
        why = "zone='auto', and no cloud's metadata address answers"
    except ConfigurationError as error:  # the region is newer than the tables
        why = str(error)
    return None, Finding(SOURCE, Availability.ABSENT, "zone", why, HOW_TO_SET, WORTH)


def whereabouts(zone: str | None, environ: Mapping[str, str], basis: Basis = Basis.LIFECYCLE) -> tuple[str | None, Finding]:
    """The zone of a setting, and a finding about it with its figure on a basis. Raises ConfigurationError for an unknown zone."""
    if zone == AUTO:
        return locate_by_cloud(environ)
    if zone is None:
        return None, Finding(SOURCE, Availability.ABSENT, "zone", "none is set, so that the world's average is assumed", HOW_TO_SET, WORTH)
    from ..tables.zones import figure

    place = figure(zone, basis=basis, allow_suspect=True)
    grams = f"{place.intensity_g_per_kwh:.0f} g/kWh, {place.basis}, {place.year}, {place.status}"
    return place.zone, Finding(SOURCE, Availability.OK, "zone", f"{place.zone} ({place.name}), {grams}")
