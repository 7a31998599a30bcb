"""The archive of a receipt: a ZIP file without compression, whose bytes follow from its files alone."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from ...errors import ConfigurationError

MANIFEST, SIGNATURE = "manifest.json", "manifest.json.sig"
RUNS, LIFE, TERMS, RESULT = "runs.db", "life.toml", "terms.json", "result.json"
HARDWARE, INTENSITIES = "hardware.csv", "intensities.csv"
"""The user's own, if there are any."""
FORMAT = 1
LONGEST_NAME = 100
"""Bytes of the name of a file in a receipt."""
_BEGIN = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP file can have: the time of a receipt is in its manifest


class Manifest(NamedTuple):
    """What a receipt says of itself: the program and the time that it is of, the digest (SHA-256) of each file and of each table of factors
    that the program had, and the public key of its signer (32 bytes as hexadecimal digits), if it is signed."""

    software: str
    made_at: str
    files: dict[str, str]
    tables: dict[str, str]
    signed_by: str | None

    @property
    def digest(self) -> str:
        """That of all of this, and so of the whole receipt."""
        return digest(json.dumps({"format": FORMAT, **self._asdict()}, sort_keys=True).encode())

    def as_bytes(self) -> bytes:
        """The file, which a signature is of."""
        return (json.dumps({"format": FORMAT, **self._asdict(), "digest": self.digest}, indent=2, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, data: bytes) -> Manifest:
        """The digest is not compared. Raises ConfigurationError."""
        try:
            found: dict[str, Any] = json.loads(data)
            known = found.pop("format") == FORMAT
            found.pop("digest", None)
            manifest = cls(**found) if known else None
            texts = () if manifest is None else (manifest.software, manifest.made_at, *_texts(manifest.files), *_texts(manifest.tables))
            if not all(isinstance(text, str) for text in texts) or not isinstance(found.get("signed_by"), str | None):
                raise ValueError("a text is none")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigurationError(f"{MANIFEST} of the receipt is damaged") from None
        if manifest is None:
            raise ConfigurationError("the receipt has another format: use the version of trainwatt that it names, or a newer one")
        return manifest


def _texts(found: Mapping[str, str]) -> Iterator[str]:
    for pair in found.items():
        yield from pair


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return sha256(data).hexdigest()


def packed(files: Mapping[str, bytes]) -> bytes:
    """The bytes of the archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _BEGIN)
            info.create_system, info.external_attr = 3, 0o644 << 16  # as on Unix, on every system
            archive.writestr(info, files[name])
    return target.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of an archive. Raises ConfigurationError for what is no receipt, or cannot be read.

    The files of a receipt are not compressed, so together they are never larger than the archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            for info in infos:
                _require_plain(info)
            if len({info.filename for info in infos}) < len(infos) or sum(info.file_size for info in infos) > len(data):
                raise ValueError("its files overlap")
            found = {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError, struct.error) as error:
        raise ConfigurationError(
            f"the receipt is damaged, or is none: {error}; name a file that `trainwatt disclose --receipt` has made"
        ) from None
    if MANIFEST not in found:
        raise ConfigurationError(f"it is no receipt: it has no {MANIFEST}")
    return found


def _require_plain(info: zipfile.ZipInfo) -> None:
    """Raises ValueError for a file that no receipt has."""
    name = info.filename
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name!r} in it is compressed")
    if not name.isprintable() or not 0 < len(name.encode()) <= LONGEST_NAME or "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError(f"no receipt has a file of the name {name[:LONGEST_NAME]!r}")
