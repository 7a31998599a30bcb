"""What `doctor` says about the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..config import Config
from ..errors import ConfigurationError, StoreError
from ..presentation.words.quantities import count
from ..storage.owed.outbox import Outbox
from ..storage.owed.starting import require_driver
from ..storage.place import is_server, locate, masked, sqlite_path


def database_of(config: Config) -> dict[str, Any]:
    """Where it is, and whether it can be used."""
    place = locate(None, {}, config.db)
    path = sqlite_path(place)
    if is_server(place):
        return _server(place, path)
    if not path.exists():
        return {"place": str(path), "usable": True, "detail": "does not exist yet; the first run creates it"}
    from ..storage.read.store import Store

    try:
        Store.open(place).close()
    except StoreError as error:
        return {"place": str(path), "usable": False, "detail": str(error)}
    return {"place": str(path), "usable": True, "detail": f"{path.stat().st_size / 1e6:.1f} MB"}


def _server(place: str, local: Path) -> dict[str, Any]:
    """A server, and what is not there yet."""
    from ..storage.engine import make_engine, read, state

    owed = len(Outbox(Path(os.path.realpath(local)), place).owed())
    detail = f"runs are written to {local}, and brought to the server from there" + (f"; {count(owed, 'run')} still to be" if owed else "")
    try:
        require_driver(place)
        read(make_engine(place), place, lambda connection: state(connection, place))
    except (StoreError, ConfigurationError) as error:
        return {"place": masked(place), "usable": False, "detail": f"{error} ({detail})"}
    return {"place": masked(place), "usable": True, "detail": detail}
