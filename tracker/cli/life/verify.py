"""`trainwatt verify FILE.zip`: whether the figures of a receipt come out when they are computed again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ...errors import ConfigurationError
from ...presentation.words.quantities import count
from ...presentation.words.safe_text import clean, clipped
from ..options import json_option
from ..output import echo, say
from ..terms_options import FILE

if TYPE_CHECKING:
    from ...core.contract import VerifiedJson

FAILED = 1
MOST_SHOWN = 20
LONGEST = 400
"""Characters of a text of a receipt that is shown."""


@click.command("verify")
@click.argument("receipt", type=FILE)
@click.option("--signed-by", "key", type=FILE, metavar="FILE", help="The public key of the signer, in a PEM file.")
@json_option
def command(receipt: Path, key: Path | None, as_json: bool) -> None:
    """Compute every figure of a receipt again, offline, and say which does not hold.

    The exit code is 0 if all hold, else 1.
    """
    try:
        data = receipt.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{receipt} cannot be read: {error}; name a receipt that `trainwatt disclose --receipt` has made"
        ) from None
    from ...life.receipt.verifying import verified  # SQLAlchemy takes long to load

    found = verified(data, key, say)
    if as_json:
        echo(json.dumps(found, indent=2))
    else:
        for line in _lines(found):
            echo(clean(line))
    if not found["holds"]:
        raise SystemExit(FAILED)


def _lines(found: VerifiedJson) -> Iterator[str]:
    yield f"made by {clipped(found['software'])} on {clipped(found['made_at'])}, verified by {found['verified_by']}"
    yield f"its digest: {found['digest']}"
    for name in found["altered"]:
        yield f"altered: {name}"
    for of in found["differences"][:MOST_SHOWN]:
        said, again = clipped(of["in_receipt"]), clipped(of["computed"])
        yield f"does not hold: {clipped(of['figure'], LONGEST)} is {said} in the receipt, and comes out as {again}"
    if len(found["differences"]) > MOST_SHOWN:
        yield f"and {count(len(found['differences']) - MOST_SHOWN, 'figure')} more"
    if found["error"] is not None:
        yield f"nothing could be computed: {clipped(found['error'], LONGEST)}"
    if found["changed_tables"]:
        names = clipped(", ".join(found["changed_tables"]), LONGEST)
        yield f"other factors than when it was made: {names} (use {clipped(found['software'])} for the same ones)"
    yield _signature(found)
    yield "every figure holds" if found["holds"] else "the receipt does not hold"


def _signature(found: VerifiedJson) -> str:
    if found["signature_holds"] is None:
        if not found["has_signature"]:
            return "not signed: whoever made it may have changed anything; compare its digest with one that its author has published"
        return f"signed with the key {clipped(found['signed_by'])}: give --signed-by to check whose it is"
    if not found["has_signature"]:
        return "the signature does not hold: there is none"
    return "the signature holds" if found["signature_holds"] else "the signature does not hold: another key, or an altered receipt"
