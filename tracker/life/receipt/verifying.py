"""Verifies a receipt: its digests, its signature, and each figure, which is computed again. It needs no network."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._version import __version__
from ...errors import TrainwattError
from .archive import MANIFEST, RESULT, SIGNATURE, Manifest, digest, packed, unpacked
from .computing import computed
from .making import digests_of_tables
from .signing import INSTALL, holds, public_key, raw

if TYPE_CHECKING:
    from ...core.contract import DifferenceJson, VerifiedJson

SOFTWARE = f"trainwatt {__version__}"
NOT_COMPARED = ("software",)
"""What is different between versions and is no figure."""


def verified(data: bytes, key: Path | None, say: Callable[[str], None]) -> VerifiedJson:
    """What was found in a receipt. `key`: the public key of the signer. Raises ConfigurationError for what is no receipt."""
    public = None if key is None else raw(public_key(key))
    files = unpacked(data)
    manifest = Manifest.read(files[MANIFEST])
    signature = files.get(SIGNATURE)
    listed = {name for name in files if name not in (MANIFEST, SIGNATURE)}
    altered = [] if files[MANIFEST] == manifest.as_bytes() else [MANIFEST]
    altered += [name for name in sorted(listed & manifest.files.keys()) if digest(files[name]) != manifest.files[name]]
    altered += sorted(listed ^ manifest.files.keys())
    by_own_key = _by_own_key(manifest, signature, files[MANIFEST], say)
    if by_own_key is False:
        altered.append(SIGNATURE)
    if not altered and packed(files) != data:
        altered.append("the archive around the files")
    differences, error = _differences(files, manifest.software != SOFTWARE, say)
    tables = digests_of_tables()
    changed = sorted(name for name in tables.keys() | manifest.tables.keys() if tables.get(name) != manifest.tables.get(name))
    signed = None if public is None else bool(by_own_key) and manifest.signed_by == public
    return {
        "software": manifest.software,
        "made_at": manifest.made_at,
        "digest": manifest.digest,
        "verified_by": SOFTWARE,
        "altered": altered,
        "differences": differences,
        "error": error,
        "changed_tables": changed,
        "has_signature": signature is not None,
        "signed_by": manifest.signed_by,
        "signature_holds": signed,
        "holds": not altered and not differences and error is None and signed is not False,
    }


def _by_own_key(manifest: Manifest, signature: bytes | None, data: bytes, say: Callable[[str], None]) -> bool | None:
    """Whether the signature is that of the key that the receipt names. None without both, and where it cannot be told."""
    if manifest.signed_by is None and signature is None:
        return None
    if manifest.signed_by is None or signature is None:
        return False
    found = holds(manifest.signed_by, signature, data)
    if found is None:
        say(f"the signature was not checked: {INSTALL}")
    return found


def _differences(files: dict[str, bytes], of_another: bool, say: Callable[[str], None]) -> tuple[list[DifferenceJson], str | None]:
    """The figures that do not come out, and why nothing could be computed, if so. `of_another`: another version made them."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-receipt-") as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        try:
            said = json.loads(files.get(RESULT, b""))
            again = json.loads(json.dumps(computed(folder, say)))
            return list(_apart("", said, again, of_another)), None
        except TrainwattError as error:
            return [], str(error).replace(f"{folder}/", "")
        except Exception as error:  # whatever is in the files of a stranger, it is not computed
            return [], f"its files are damaged ({type(error).__name__}: {error})"


def _apart(place: str, said: Any, again: Any, of_another: bool) -> Iterator[DifferenceJson]:
    """Where two results differ. What a newer version tells more than another one did is no difference."""
    if isinstance(said, dict) and isinstance(again, dict):
        for key in said if of_another else dict.fromkeys((*said, *again)):
            if not (not place and key in NOT_COMPARED):
                yield from _apart(f"{place}.{key}" if place else key, said.get(key), again.get(key), of_another)
    elif isinstance(said, list) and isinstance(again, list) and len(said) == len(again):
        for number, (one, other) in enumerate(zip(said, again, strict=True)):
            yield from _apart(f"{place}[{number}]", one, other, of_another)
    elif said != again or type(said) is not type(again):
        yield {"figure": place, "in_receipt": json.dumps(said), "computed": json.dumps(again)}
