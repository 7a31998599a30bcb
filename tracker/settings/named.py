"""What the settings of a file name: code, sinks, databases, and files elsewhere. Such settings need the user's consent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..machine.files import read_regular

CODE = "sensors"
ALWAYS = (CODE, "sinks", "db", "sysfs", "procfs")
"""These settings need consent wherever they lead. `hardware` needs it if it leads out of the project's own folder."""
NOTHING = ""
"""In place of the SHA-256 of a file that could not be read: no content has it."""


class Pinned(str):
    """A provider of sensors, "file.py:function", that a file of settings names. `sha256` is that of the code that may be run."""

    sha256: str

    def __new__(cls, name: str, sha256: str = NOTHING) -> Pinned:
        made = super().__new__(cls, name)
        made.sha256 = sha256
        return made


class Named(NamedTuple):
    """What the settings of one file name. `settings` are those that need consent. `code` has the SHA-256 of each file of code.

    `values` are the settings, their paths relative to the file made absolute.
    """

    values: Mapping[str, Any]
    settings: tuple[str, ...]
    code: Mapping[str, str]


def named(folder: Path, values: Mapping[str, Any], project: Path) -> Named:
    """What the settings of a file in `folder` name. `project` is the project's own folder."""
    made = dict(values)
    for key in ("db", "hardware"):
        if isinstance(path := values.get(key), str) and "://" not in path:
            made[key] = str(folder / path)
    code: dict[str, str] = {}
    if (providers := _providers(values.get(CODE))) is not None:
        made[CODE] = [_pinned(folder, name, code) for name in providers]
        for name in providers:
            code |= {str(file): _digest(file) for file in _imported(name) if _is_in(file, project)}
    needs = [key for key in ALWAYS if values.get(key)]
    if values.get("hardware") and not _is_in(Path(str(made["hardware"])), project):
        needs.append("hardware")
    return Named(made, tuple(needs), code)


def _providers(value: object) -> list[str] | None:
    """The providers that a file names; None if the value is nothing that names providers, which is said when it is checked."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        return None
    return [one.strip() for one in listed if one.strip()]


def _pinned(folder: Path, provider: str, code: dict[str, str]) -> str:
    """The provider. A module in the folder of the settings is found without PYTHONPATH; its file is added to `code`."""
    module, _, function = provider.rpartition(":")
    own = folder / (module if module.endswith(".py") else module.replace(".", "/") + ".py")
    if not (module.endswith(".py") or own.is_file()):
        return provider
    code[str(own)] = digest = _digest(own)
    return Pinned(f"{own}:{function}", digest)


def _imported(provider: str) -> Iterator[Path]:
    """The files that the import of a provider's module runs. It is not imported, because that would run them."""
    from importlib.machinery import PathFinder

    module = provider.rpartition(":")[0]
    place = None
    names = [] if module.endswith(".py") else module.split(".")
    for end in range(1, len(names) + 1):
        spec = PathFinder.find_spec(".".join(names[:end]), place)
        if spec is None:
            return
        if spec.origin is not None and spec.has_location:
            yield Path(spec.origin)
        place = spec.submodule_search_locations
        if place is None:
            return


def _digest(file: Path) -> str:
    from hashlib import sha256  # loaded only where a file of settings names code

    try:
        return sha256(read_regular(file).content).hexdigest()
    except (OSError, ValueError):  # ValueError: a null character in the path
        return NOTHING


def _is_in(path: Path, folder: Path) -> bool:
    """Whether a path is in a folder, links resolved."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):
        return False
