"""Intensities of live providers: fetched by `--refresh` only, cached, and used from the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from ..series import Series, Slot, series
from ..tables.basis import Basis, basis_named
from ..tables.zones import provider_zone

if TYPE_CHECKING:
    from ...storage.read.records import IntensityRow
    from .base import GridProvider


class Intensities(Protocol):
    """Where intensities are read: the store, or what was read of it."""

    def cached_intensities(self, zone: str, start_utc_ns: int, end_utc_ns: int) -> Sequence[IntensityRow]: ...


class IntensityCache(Intensities, Protocol):
    """Where intensities are kept: the store."""

    def cache_intensities(self, values: Sequence[Mapping[str, object]]) -> None: ...


def refresh(
    cache: IntensityCache, providers: Iterable[GridProvider], zone: str, start_utc_ns: int, end_utc_ns: int, now_utc_ns: int
) -> list[str]:
    """Ask each provider that covers the zone for the time from start to end, and cache its values. Returns the problems as texts; it raises
    no GridError, and no text contains a token."""
    from .base import GridError  # not needed by code that only reads the cache

    named, said = provider_zone(zone), []
    asked = [p for p in providers if p.covers(named)]
    for provider in asked:
        try:
            values = provider.fetch(named, start_utc_ns, end_utc_ns)
        except GridError as error:
            said.append(str(error))
            continue
        key = {"provider": provider.name, "zone": named, "basis": provider.basis, "fetched_utc_ns": now_utc_ns}
        cache.cache_intensities([{**key, **v._asdict(), "estimated": int(v.estimated)} for v in values])
    return said if asked else [f"no provider that can be asked knows {named}: Electricity Maps needs a token in ELECTRICITYMAPS_TOKEN"]


def _apart(slots: Iterable[Slot]) -> Iterator[Slot]:
    """The slots without those that overlap an earlier one. `refresh` stores none, but other programs may write to the database too."""
    end_utc_ns = 0
    for slot in sorted(slots):
        if end_utc_ns <= slot.start_utc_ns < slot.end_utc_ns:
            end_utc_ns = slot.end_utc_ns
            yield slot


def cached(cache: Intensities, zone: str, start_utc_ns: int, end_utc_ns: int, wanted: Basis) -> list[Series]:
    """The cached series of a zone, one for each provider; those on the wanted basis come first."""
    rows = cache.cached_intensities(provider_zone(zone), start_utc_ns, end_utc_ns)
    found = []
    for (provider, basis), values in groupby(rows, key=lambda r: (r.provider, r.basis)):
        slots = [Slot(r.start_utc_ns, r.end_utc_ns, r.g_per_kwh, r.estimated, provider) for r in values]
        found.append(series(_apart(slots), provider, basis_named(basis), from_provider=True))
    return sorted(found, key=lambda s: s.basis is not wanted)
