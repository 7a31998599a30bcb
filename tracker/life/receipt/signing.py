"""Ed25519 signatures (RFC 8032) of receipts. The package `cryptography` is loaded only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

INSTALL = "signatures need the package cryptography: pip install 'trainwatt[receipt]'"


def private_key(path: Path) -> Ed25519PrivateKey:
    """A private key in a PEM file without a password. Raises ConfigurationError."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ConfigurationError(f"--sign {path}: {INSTALL}") from None
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"--sign {path}: {error}; make a key with `openssl genpkey -algorithm ed25519 -out key.pem`") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise ConfigurationError(f"--sign {path}: it is no Ed25519 key; make one with `openssl genpkey -algorithm ed25519 -out key.pem`")
    return found


def public_key(path: Path) -> Ed25519PublicKey:
    """A public key in a PEM file. Raises ConfigurationError."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise ConfigurationError(INSTALL) from None
    try:
        found = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} is no public key: {error}; take one from a private key with `openssl pkey -in key.pem -pubout`"
        ) from None
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigurationError(f"{path} is no Ed25519 key; take one from a private key with `openssl pkey -in key.pem -pubout`")
    return found


def raw(key: Ed25519PublicKey) -> str:
    """The 32 bytes of a public key as hexadecimal digits."""
    return key.public_bytes_raw().hex()


def holds(key: str, signature: bytes, data: bytes) -> bool | None:
    """Whether the owner of the private key of a public one has signed the data. None if the package that can tell is missing."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
