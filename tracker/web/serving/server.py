"""The server of the pages: uvicorn, with bounded connections and a bounded log."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from .connections import MOST_HEADER_BYTES, sweep, within
from .limits import Limits
from .log import log_config

SWEEP_TICKS = 10
"""Connections are looked at once a second: uvicorn ticks every 0.1 s."""

QUEUE = 128
"""How many connections wait in the kernel to be accepted."""


class Server(uvicorn.Server):
    """A server for sockets that listen already."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=within(limits),
                loop="asyncio",  # uvloop accepts connections in its own way
                ws="none",
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                access_log=False,  # an address may have the token
                log_config=log_config(),
                log_level="warning",
                backlog=limits.at_once,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)  # asyncio has it queue as many as it accepts at once

    async def on_tick(self, counter: int) -> bool:
        if counter % SWEEP_TICKS == 0:
            sweep(self.server_state.connections)
        return await super().on_tick(counter)
