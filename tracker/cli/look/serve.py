"""`trainwatt serve`: the runs as pages in a browser."""

from __future__ import annotations

import errno
import os
import secrets
import socket

import rich_click as click

from ...analysis.open_store import open_store
from ...config import resolve, working_folder
from ...errors import ConfigurationError, TrainwattError
from ..options import db_option
from ..output import echo

PORT = 8765
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port; 0 takes a free one.")
@click.option(
    "--host", default=LOOPBACK[0], show_default=True, help="The address to listen at; an address that others can reach needs --token."
)
@click.option("--token", metavar="TEXT", help="The token that a browser must give; `new` makes one.")
@db_option
def command(port: int, host: str, token: str | None, db: str | None) -> None:
    """Show runs in a browser: the list, a run while it trains. The pages only read, and load nothing from elsewhere.

    Needs the extra: pip install 'trainwatt[web]'.
    """
    if host not in LOOPBACK and not token:
        raise ConfigurationError(f"--host {host}: others could read your runs there; give a --token, or `--token new` to make one")
    if token is not None and not (token == "new" or (len(token) >= 16 and token.isascii() and token.isprintable() and " " not in token)):
        raise ConfigurationError("--token: at least 16 printable characters without spaces, or `new`")
    try:
        import uvicorn

        from ...web.app import create_app
    except ImportError as error:
        raise TrainwattError(f"serve needs an extra ({error}): pip install 'trainwatt[web]'") from error
    from ...machine.process import Identity, this_process

    store = open_store(db)
    procfs = resolve({"db": db}, os.environ, working_folder()).procfs

    def here() -> Identity:
        return this_process(procfs)

    token = secrets.token_urlsafe(24) if token == "new" else token
    with _listening(host, port) as listener:
        at = f"[{host}]" if ":" in host else host
        echo(f"http://{at}:{listener.getsockname()[1]}/{f'?token={token}' if token else ''}  (Ctrl-C ends it)")
        config = uvicorn.Config(create_app(store, here, token), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises TrainwattError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        mend = "--port 0 takes a free port" if taken else "give --host an address of this machine"
        raise TrainwattError(f"cannot listen at {host}:{port}: {error.strerror or error}; {mend}") from error
    return listener
