"""A database behind the pages of `trainwatt serve`, on a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainwatt.machine.process import this_process
from trainwatt.storage.read.store import Store
from trainwatt.web.app import create_app
from trainwatt.web.serving.limits import Limits
from trainwatt.web.serving.server import Server


@contextmanager
def served(db: Path | str | Store, token: str | None = None, limits: Limits = Limits()) -> Iterator[str]:  # noqa: B008  # it is frozen
    """The address, while it is served."""
    store = db if isinstance(db, Store) else Store.open(str(db))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who asks before the server is up waits
        server = Server(create_app(store, this_process, token, limits.watchers), limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="served")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            store.close()
    assert not thread.is_alive()
