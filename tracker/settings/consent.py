"""What the user has allowed files of settings to name: one small file for each, in the user's own state folder.

A consent holds for one content: of the settings, and of the code that they name. `trainwatt trust` gives it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, NoHomeError
from ..machine.files import read_regular

_MOST_BYTES = 2**16


@dataclass(frozen=True)
class Consent:
    """That the settings of `file`, a path without links, may be followed while they are as they were.

    `settings` is the SHA-256 of their names and values; `code` that of each file of code that they name, by its path.
    """

    file: str
    settings: str
    code: Mapping[str, str]

    def changed(self, now: Consent) -> str | None:
        """The file whose content has changed since; None if this consent holds."""
        if now.settings != self.settings or now.code.keys() != self.code.keys():
            return self.file
        return next((path for path, digest in now.code.items() if digest != self.code[path]), None)


def consent(file: Path, values: Mapping[str, Any], code: Mapping[str, str]) -> Consent:
    """The consent that settings need."""
    import json  # loaded only where a file needs consent

    text = json.dumps(values, sort_keys=True, default=repr)  # TOML has dates too
    return Consent(str(file), _sha256(text.encode("utf-8", "surrogatepass")), dict(code))


def given(file: Path) -> Consent | None:
    """The consent that the user gave for a file. None also if what is kept could be of somebody else."""
    try:
        return _read(_kept(file))
    except (OSError, NoHomeError):
        return None


def all_given() -> list[Consent]:
    """All consents of this user, by the path of the file."""
    found: list[Consent] = []
    with suppress(OSError, NoHomeError):
        found = [one for entry in _folder().glob("*.json") if (one := _read(entry)) is not None]
    return sorted(found, key=lambda one: one.file)


def give(new: Consent) -> None:
    """Keep a consent. Raises NoHomeError, and ConfigurationError if it cannot be kept where only this user can write."""
    import json

    entry = _kept(Path(new.file))
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(os.stat(entry.parent))
        beside = entry.with_suffix(f".{os.urandom(4).hex()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(asdict(new), file, ensure_ascii=False)
        beside.replace(entry)
    except OSError as error:
        raise ConfigurationError(
            f"the consent cannot be kept in {entry.parent} ({error.strerror or error}): make that folder yours, or name another one with"
            " XDG_STATE_HOME"
        ) from error


def take_back(file: Path) -> bool:
    """Forget a consent. Returns whether there was one. Raises NoHomeError, and ConfigurationError if it cannot be deleted."""
    entry = _kept(file)
    try:
        entry.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"the consent cannot be deleted ({error}); delete {entry}") from error
    return True


def _folder() -> Path:
    import platformdirs  # only where a file of settings needs consent

    try:
        folder = platformdirs.user_state_path("trainwatt")
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():
        raise NoHomeError("this user has no home folder in which a consent could be kept. Name a folder with XDG_STATE_HOME.")
    return folder / "trusted"


def _kept(file: Path) -> Path:
    return _folder() / f"{_sha256(os.fsencode(file))[:32]}.json"


def _sha256(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def _read(entry: Path) -> Consent | None:
    """A consent as it is kept; None if it is not this user's own, or damaged. Raises OSError."""
    import json

    _require_own(os.stat(entry.parent))
    content, status = read_regular(entry, _MOST_BYTES, follow=False)
    _require_own(status)
    try:
        found = Consent(**json.loads(content.decode("utf-8", "surrogateescape")))
        return found if _kept(Path(found.file)).name == entry.name and isinstance(found.code, dict) else None
    except (ValueError, TypeError, RecursionError):
        return None


def _require_own(status: os.stat_result) -> None:
    """Raises OSError unless a file or folder belongs to this user, and nobody else may write it."""
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("it belongs to another user, or others can write it")
