"""All providers of live intensities: one line here for each."""

from __future__ import annotations

from collections.abc import Mapping

from .base import GridProvider
from .electricitymaps import ElectricityMaps
from .uk import UKCarbonIntensity

PROVIDERS = (ElectricityMaps, UKCarbonIntensity)


def providers(environ: Mapping[str, str]) -> list[GridProvider]:
    """The providers that can be asked: those that need no token, and those whose token is in the environment."""
    found: list[GridProvider] = []
    if token := environ.get(ElectricityMaps.token_variable or "", "").strip():
        found.append(ElectricityMaps(token))
    return [*found, UKCarbonIntensity()]
