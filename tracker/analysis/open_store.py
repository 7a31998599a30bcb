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
    from ..storage.place import files_in, is_server, located
    from ..storage.read.store import Store
    from ..storage.spill.places import waiting

    config = resolve({"db": None if db is None else os.fspath(db)}, os.environ, working_folder())
    require_kernel_trees(config.sysfs, config.procfs)
    place, folder = located(None, {}, config.db)
    if is_server(place):
        _pay(place, config.procfs)
    files = [Path(place)]
    if folder is not None and os.access(folder, os.R_OK):
        files = files_in(folder) or files
    for file in [] if is_server(place) else files:
        if waiting(Path(os.path.realpath(file)), os.environ):
            from ..storage.spill.intake import take_in  # seldom needed

            for text in take_in(file, os.environ):
                warn("%s", text)
    if folder is None or files == [Path(place)]:
        store = Store.open(place)
    else:  # other hosts have files there
        from ..storage.folder.store import FolderStore

        store = FolderStore(folder, Path(place), os.environ)
    store.mark_vanished(this_process(config.procfs))
    return store


def _pay(server: str, procfs: str) -> None:
    """Bring what this user's local file owes a server, so that the runs of this machine are read there."""
    from ..errors import NoHomeError
    from ..machine.process import this_process
    from ..storage.owed.outbox import Outbox
    from ..storage.place import masked, sqlite_path

    try:
        local = Path(os.path.realpath(sqlite_path(server)))
    except NoHomeError:  # then nothing was written there
        return
    outbox = Outbox(local, server)
    if outbox.owed():
        from ..storage.owed.bringing import bring_now  # seldom needed

        if (missing := bring_now(outbox, this_process(procfs))) is not None:
            warn("runs in %s are not complete on %s: %s", local, masked(server), missing)
