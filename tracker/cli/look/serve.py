"""`trainwatt serve`: the runs as pages in a browser."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from urllib.parse import quote

import rich_click as click

from ...analysis.open_store import open_store
from ...config import resolve, working_folder
from ...errors import ConfigurationError, TrainwattError
from ..options import db_option
from ..output import echo

PORT = 8765


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; only this machine can reach 127.0.0.1.")
@click.option("--token", metavar="TEXT", help="A token of your own; others see it in `ps`. Without one, or with `new`, it is random.")
@click.option("--token-file", metavar="FILE", help="A file with the token, which only you can read; or set TRAINWATT_TOKEN.")
@click.option("--no-token", is_flag=True, help="Let every user and program of this machine read the pages.")
@db_option
def command(port: int, host: str, token: str | None, token_file: str | None, no_token: bool, db: str | None) -> None:
    """Show runs in a browser: the list, a run while it trains. The pages only read, and load nothing from elsewhere.

    Open the link that is printed: it has a token, without which nobody can read the pages. Needs the extra: pip install 'trainwatt[web]'.
    """
    if no_token and not _only_here(host):
        raise ConfigurationError(f"--host {host}: others could read your runs there; leave out --no-token")
    try:
        from ...web.app import create_app
        from ...web.serving.limits import free_descriptors, limits_for
        from ...web.serving.server import Server
        from ...web.serving.token import ONE_OF, token_of
    except ImportError as error:
        raise TrainwattError(f"serve needs an extra ({error}): pip install 'trainwatt[web]'") from error
    from ...machine.process import Identity, this_process

    if no_token and (token is not None or token_file is not None):
        raise ConfigurationError(ONE_OF)
    secret = None if no_token else token_of(token, token_file, os.environ)
    store = open_store(db)
    procfs = resolve({"db": db}, os.environ, working_folder()).procfs

    def here() -> Identity:
        return this_process(procfs)

    with _listening(host, port) as listener:
        limits = limits_for(free_descriptors())
        server = Server(create_app(store, here, None if secret is None else secret.value, limits.watchers), limits)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
        if secret is None:
            echo(f"{address}  (without a token; Ctrl-C ends it)")
        elif secret.source.is_shown:
            echo(f"{address}?token={quote(secret.value, safe='')}  (Ctrl-C ends it)")
        else:
            echo(f"{address}  (it asks for your token; Ctrl-C ends it)")
        server.run(sockets=[listener])


def _only_here(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
