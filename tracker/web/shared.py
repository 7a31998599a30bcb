"""Pages that many ask for at the same time are made once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response


@dataclass
class _Turn:
    """One answer that is being made, or that will be made after the one before it."""

    task: asyncio.Task[Response] | None = None
    begun: bool = False


class Shared:
    """Answers by address. No answer is older than the request for it: who comes while one is being made gets the next one, with all others
    who have come since. So an address costs one thread at a time. The answers must not depend on who asks."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def endpoint(self, make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for Starlette. `make` is called in a thread."""

        async def answer(request: Request) -> Response:
            return await self._answer(f"{request.url.path}?{request.url.query}", lambda: make(request))

        return answer

    async def _answer(self, address: str, make: Callable[[], Response]) -> Response:
        turn = self._turns.get(address)
        if turn is None or turn.begun:
            before, turn = turn, _Turn()
            self._turns[address] = turn
            turn.task = asyncio.create_task(self._made(address, turn, None if before is None else before.task, make))
        assert turn.task is not None
        return await asyncio.shield(turn.task)

    async def _made(self, address: str, turn: _Turn, before: asyncio.Task[Response] | None, make: Callable[[], Response]) -> Response:
        if before is not None:
            await asyncio.wait([before])
        turn.begun = True
        try:
            return await run_in_threadpool(make)
        finally:
            if self._turns.get(address) is turn:
                del self._turns[address]
