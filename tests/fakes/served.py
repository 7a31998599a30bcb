"""A database behind the pages of `trainwatt serve`, on a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from trainwatt.machine.process import this_process
from trainwatt.storage.read.store import Store
from trainwatt.web.app import create_app


@contextmanager
def served(db: Path | str, token: str | None = None) -> Iterator[str]:
    """The address, while it is served."""
    store = Store.open(str(db))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # who asks before the server is up waits
        config = uvicorn.Config(create_app(store, this_process, token), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="served")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            store.close()
    assert not thread.is_alive()
