"""The database that a reading command or call opens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import resolve, working_folder
from ..log import warn

if TYPE_CHECKING:
    from ..storage.read.store import Store


def open_store(db: str | os.PathLike[str] | None) -> Store:
    """The store to read, by default the one that trackers in this folder use. Runs that wait for it are taken in, and runs whose process
    has vanished are marked as such. Raises ConfigurationError and StoreError."""
    from ..machine.host import require_kernel_trees
    from ..machine.process import this_process
    from ..storage.place import is_server, locate
    from ..storage.read.store import Store
    from ..storage.spill.places import waiting

    config = resolve({"db": None if db is None else os.fspath(db)}, os.environ, working_folder())
    require_kernel_trees(config.sysfs, config.procfs)
    place = locate(None, {}, config.db)
    if not is_server(place) and waiting(Path(os.path.realpath(place)), os.environ):
        from ..storage.spill.intake import take_in  # seldom needed

        for text in take_in(Path(place), os.environ):
            warn("%s", text)
    store = Store.open(place)
    store.mark_vanished(this_process(config.procfs))
    return store
