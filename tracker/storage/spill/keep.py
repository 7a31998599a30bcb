"""Keeps a run whose database cannot be written, in the first place that takes it. Standard library only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ...errors import StoreError
from ...machine.filesystem import same_mount
from ..write.patient import within
from ..write.transfer import Origin
from .image import label, save
from .places import beside, folders, is_own

SAVE_S = 1.0
"""How long a place may take. A disk that answers takes a few milliseconds."""


def keep(
    images: Sequence[sqlite3.Connection], origin: Origin, real_path: Path, environ: Mapping[str, str], *, stalled: bool
) -> Path | None:
    """Write databases in memory, which have the rows of `origin`, to files for the database at `real_path`.

    `stalled`: its filesystem does not answer, so that other ones are asked first. Returns the last of the files; None if no place takes
    them.
    """
    for image in images:
        label(image, origin, real_path)
    name = f"{origin.run_id}-{origin.segment_id}"
    places = folders(real_path, environ)
    if stalled:
        places.sort(key=lambda folder: (folder == beside(real_path), same_mount(folder, real_path)))
    for folder in places:
        try:
            return within(SAVE_S, partial(_saved, images, folder, name, folder == beside(real_path)))
        except (OSError, StoreError, sqlite3.Error):
            continue
    return None


def _saved(images: Sequence[sqlite3.Connection], folder: Path, name: str, near: bool) -> Path:
    if near and not os.path.isdir(folder.parent):
        raise FileNotFoundError(f"{folder.parent} is gone")
    files = save(images, folder, name)
    if not near and not is_own(folder.parent):  # its owner could take the folder away
        raise PermissionError(f"{folder.parent} belongs to another user")
    return files[-1]
