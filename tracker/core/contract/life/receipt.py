"""PURE: `verify --json`."""

from __future__ import annotations

from typing import TypedDict


class DifferenceJson(TypedDict):
    """A figure that does not come out: its place in the result, and both values as JSON."""

    figure: str
    in_receipt: str
    computed: str


class VerifiedJson(TypedDict):
    """What `verify` found. `altered`: files whose digest does not hold. `changed_tables`: tables of factors that this version has otherwise
    than the one that made the receipt. `signature_holds` is None if no key was given."""

    software: str
    made_at: str
    verified_by: str
    altered: list[str]
    differences: list[DifferenceJson]
    error: str | None
    changed_tables: list[str]
    has_signature: bool
    signature_holds: bool | None
    holds: bool
