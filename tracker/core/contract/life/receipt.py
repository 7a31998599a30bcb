"""PURE: `verify --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from .disclosure import DisclosureJson

if TYPE_CHECKING:
    from ..carbon import CarbonJson
    from ..lists import FootprintJson


class ReceiptJson(DisclosureJson):
    """The result of a receipt. `runs` has the footprint of each run with all factors, also of those that tell only what a unit of inference
    takes. `added` has that of each entry by hand at its likely values, in the order of the file: None for one without energy and time.
    `method` and `made_at` are empty: they are no figures."""

    runs: list[FootprintJson]
    added: list[CarbonJson | None]


class DifferenceJson(TypedDict):
    """A figure that does not come out: its place in the result, and both values as JSON."""

    figure: str
    in_receipt: str
    computed: str


class VerifiedJson(TypedDict):
    """What `verify` found. `digest` is that of the whole receipt. `altered`: files whose digest does not hold. `changed_tables`: tables of
    factors that this version has otherwise than the one that made the receipt. `signed_by` is the public key that the receipt names (32
    bytes as hexadecimal digits). `signature_holds` is None if no key was given."""

    software: str
    made_at: str
    digest: str
    verified_by: str
    altered: list[str]
    differences: list[DifferenceJson]
    error: str | None
    changed_tables: list[str]
    has_signature: bool
    signed_by: str | None
    signature_holds: bool | None
    holds: bool
