"""From what a user writes to a zone of the tables: a code, an ISO alpha-3 code, a name in English or in the language of the place."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import ConfigurationError
from .zone_rows import CloudRegion, alias_rows, cloud_regions, names, zone_rows

PROVIDERS = {
    **{"amazon": "aws", "google": "gcp", "microsoft": "azure", "oci": "oracle", "ovh": "ovhcloud", "aliyun": "alibaba"},
    **{"alicloud": "alibaba", "ibmcloud": "ibm", "lambdalabs": "lambda"},
}
"""Other names of the clouds."""
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "&": " and "})
"""Letters that Unicode does not take apart into a letter and an accent."""
_STAND_FOR = {"st": "saint", "ste": "sainte"}
_LATIN = re.compile(r"[a-z0-9]")


class Listed(NamedTuple):
    """One zone that can be named."""

    zone: str
    kind: str
    name: str


def listed() -> Iterator[Listed]:
    """Every zone with a code."""
    for row in zone_rows().values():
        yield Listed(row.zone, row.kind, row.name)
    for region in cloud_regions().values():
        if region.zone is not None:
            yield Listed(region.name, "cloud_region", region.location)
    for alias in alias_rows().values():
        yield Listed(alias.code, alias.kind, alias.name)


def cloud_region(name: str) -> CloudRegion:
    """The region `aws:eu-north-1`, also by one of its zones (`gcp:us-central1-a`); `aws` alone is the fleet. Raises ConfigurationError."""
    provider, _, region = name.strip().lower().partition(":")
    provider, region = PROVIDERS.get(provider.strip(), provider.strip()), region.strip() or "*"
    of_zone = region[:-1] if region[-2:-1].isdigit() else region.rpartition("-")[0]  # us-east-1a; us-central1-a, fsn1-dc14
    for wanted in (region, of_zone, region.rstrip("0123456789")):  # OVH numbers the sites of a region, as in GRA11
        found = cloud_regions().get(f"{provider}:{wanted}")
        if found is not None:
            return found
    raise ConfigurationError(f"{name!r} is not a known cloud region{near(name)}; `trainwatt zones --kind cloud_region` lists them")


def known(zone: str, named: str | None = None) -> str:
    """The code of the tables for what the user wrote. `named`: how errors name it, by default "zone='FR'". Raises ConfigurationError."""
    text, named = zone.strip(), named or f"zone={zone!r}"
    if ":" in text:
        region = cloud_region(text)
        if region.zone is not None:
            return region.name
        raise ConfigurationError(f"{named} is the whole fleet, not a place: name a region, as in {text.split(':')[0]}:…{near(text)}")
    for table in (zone_rows(), alias_rows()):
        if text.upper() in table:
            return text.upper()
    found = _by_name().get(plain(text), ()) if text else ()
    if len(found) > 1:
        places = " or ".join(f"{code} ({_name_of(code)})" for code in found)
        raise ConfigurationError(f"{named} is the name of {len(found)} zones; give the code of the one you mean: {places}")
    if found:
        return found[0]
    raise ConfigurationError(
        f"{named} is not known{near(zone)}; give an ISO country (FR), a state (US-CA, CA-QC, AU-NSW), an eGRID subregion (CAMX) or"
        " a cloud region (aws:eu-north-1); `trainwatt zones` lists them"
    )


def near(text: str) -> str:
    """ " (did you mean DE (Germany)?)" for similar names; "" if there are none."""
    import difflib

    wanted = text.strip().lower()
    by_text: dict[str, Listed] = {}
    for zone in listed():
        by_text.setdefault(zone.zone.lower(), zone)
        by_text.setdefault(zone.name.lower(), zone)
    by_text.pop("", None)
    exact = [wanted] if wanted in by_text else []
    close = [*exact, *difflib.get_close_matches(wanted, by_text, n=3, cutoff=0.6), *(k for k in by_text if len(wanted) > 3 and wanted in k)]
    found = list(dict.fromkeys(f"{by_text[key].zone} ({by_text[key].name})".removesuffix(" ()") for key in close))[:4]
    return f" (did you mean {', '.join(found)}?)" if found and wanted else ""


def plain(name: str) -> str:
    """A name as it is compared, without accents, case, spaces and punctuation: "cotedivoire" for "Côte d’Ivoire".

    The marks of other scripts than Latin stay: they make other letters.
    """
    text = "".join(_without_accent(letter) for letter in unicodedata.normalize("NFC", name).casefold().translate(_LETTERS))
    words = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text).split()
    return "".join(_STAND_FOR.get(word, word) for word in words if word != "the")


def _without_accent(letter: str) -> str:
    apart = unicodedata.normalize("NFKD", letter)
    return apart[0] if _LATIN.match(apart) else letter


@functools.cache
def _by_name() -> dict[str, tuple[str, ...]]:
    """The codes by each of their names."""
    found: dict[str, dict[str, None]] = {}

    def add(name: str, code: str) -> None:
        if key := plain(name):
            found.setdefault(key, {})[code] = None

    for row in zone_rows().values():
        add(row.name, row.zone)
    for alias in alias_rows().values():
        add(alias.name, alias.code)
    for entry in names():
        add(entry["alpha3"], entry["code"])
        for name in entry["names"].split("|"):
            add(name, entry["code"])
    return {name: tuple(code for code in codes if not _is_other_name(code, codes)) for name, codes in found.items()}


def _is_other_name(code: str, codes: dict[str, None]) -> bool:
    """Whether it is only another code for one of the others, as UK for GB."""
    alias = alias_rows().get(code)
    return alias is not None and alias.kind == "alias" and alias.zone in codes


def _name_of(code: str) -> str:
    row = zone_rows().get(code)
    return alias_rows()[code].name if row is None else row.name
