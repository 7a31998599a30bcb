"""The database that a reading command or call opens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..config import resolve, working_folder

if TYPE_CHECKING:
    from ..storage.read.store import Store


def open_store(db: str | os.PathLike[str] | None) -> Store:
    """The store to read, by default the one that trackers in this folder use. Runs whose process has vanished are marked as such. Raises
    ConfigurationError and StoreError."""
    from ..machine.host import require_kernel_trees
    from ..machine.process import this_process
    from ..storage.place import locate
    from ..storage.read.store import Store

    config = resolve({"db": None if db is None else os.fspath(db)}, os.environ, working_folder())
    require_kernel_trees(config.sysfs, config.procfs)
    store = Store.open(locate(None, {}, config.db))
    store.mark_vanished(this_process(config.procfs))
    return store
