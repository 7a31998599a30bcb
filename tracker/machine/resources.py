"""The data files that are part of trainwatt: its tables and its SQL.

They are asked of the import system. A frozen program (PyInstaller, Nuitka) or an archive has no folder beside its modules, and modules
without `__file__`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..errors import MORE_FILES, NO_MORE_FILES, ConfigurationError, StoreError, TrainwattError


def folder_of(package: str, *below: str) -> Traversable:
    """A folder of data files below a package. It need not exist."""
    return files(package).joinpath(*below)


@contextlib.contextmanager
def on_disk(folder: Traversable) -> Iterator[Path]:
    """A folder of data files in the file system: itself, or a copy that is deleted afterwards where it is in an archive."""
    if isinstance(folder, Path):
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        _copy(folder, Path(place))
        yield Path(place)


def _copy(folder: Traversable, to: Path) -> None:
    for item in folder.iterdir():
        if item.is_dir():
            (to / item.name).mkdir()
            _copy(item, to / item.name)
        else:
            (to / item.name).write_bytes(item.read_bytes())


def text_of(file: Traversable) -> str:
    """The text of a data file. Raises ConfigurationError if this program does not contain it, StoreError if no more files can be opened."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise missing(file.name, error) from error


def missing(what: str, error: OSError) -> TrainwattError:
    """The error for a data file that is not there. It is not a wrong setting if only no more files can be opened."""
    if error.errno in NO_MORE_FILES:
        return StoreError(f"{what}, a data file of trainwatt, cannot be opened. {MORE_FILES}")
    return ConfigurationError(
        f"{what}, a data file of trainwatt, cannot be read ({error.strerror or error}). Reinstall trainwatt. In a frozen program, collect"
        " its data files: PyInstaller does so if trainwatt is installed where it runs, or with --collect-all trainwatt"
    )
