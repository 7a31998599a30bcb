"""PURE: what an emission factor of electricity counts."""

from __future__ import annotations

from enum import StrEnum


class Basis(StrEnum):
    """What an emission factor counts. The values are in the tables, in series of the user, in settings and in the JSON."""

    LIFECYCLE = "lifecycle"
    """With the supply of the fuel and the building of the plants."""
    DIRECT = "direct"
    """The stack alone."""


def basis_named(text: str) -> Basis | None:
    """The basis of that name, also as "life-cycle"; None if there is none."""
    return next((basis for basis in Basis if basis.value == text.strip().lower().replace("-", "")), None)
