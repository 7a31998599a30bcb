"""What many ask for at the same time is made once, and never before they asked."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.coroutines import run
from trainwatt.errors import StoreError
from trainwatt.web.shared import Shared


def request(address: str) -> Request:
    path, _, query = address.partition("?")
    head = {"type": "http", "path": path, "query_string": query.encode(), "headers": [(b"host", b"localhost")]}
    return Request({**head, "server": ("localhost", 80), "scheme": "http", "method": "GET"})


class Making:
    """Makes numbered answers, one at a time as it is told to go on."""

    def __init__(self) -> None:
        self.made = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, of: Request) -> Response:
        self.begun.release()
        self.go_on.acquire()
        self.made += 1
        if of.url.path == "/fault":
            raise StoreError(f"fault {self.made}")
        return Response(f"{of.url.path} {self.made}")


async def begun(making: Making) -> None:
    """Wait until one more is being made."""
    await asyncio.get_running_loop().run_in_executor(None, making.begun.acquire)


def test_those_who_come_while_one_is_made_share_the_next() -> None:
    async def ask() -> None:
        making = Making()
        endpoint = Shared().endpoint(making)
        first = asyncio.ensure_future(endpoint(request("/a")))
        await begun(making)
        others = [asyncio.ensure_future(endpoint(request("/a"))) for _ in range(100)]
        for _ in range(3):
            making.go_on.release()
        assert (await first).body == b"/a 1"
        assert {bytes((await other).body) for other in others} == {b"/a 2"}
        assert bytes((await endpoint(request("/a"))).body) == b"/a 3"
        assert making.made == 3

    run(ask())


def test_addresses_do_not_wait_for_each_other() -> None:
    async def ask() -> None:
        making = Making()
        endpoint = Shared().endpoint(making)
        asked = [asyncio.ensure_future(endpoint(request(address))) for address in ("/a", "/a?q=1", "/b")]
        for _ in asked:
            await begun(making)
        for _ in asked:
            making.go_on.release()
        assert sorted(bytes(answer.body)[:2] for answer in await asyncio.gather(*asked)) == [b"/a", b"/a", b"/b"]

    run(ask())


def test_a_fault_is_the_fault_of_all_who_waited_and_of_nobody_later() -> None:
    async def ask() -> None:
        making = Making()
        endpoint = Shared().endpoint(making)
        first = asyncio.ensure_future(endpoint(request("/fault")))
        await begun(making)
        others = [asyncio.ensure_future(endpoint(request("/fault"))) for _ in range(3)]
        for _ in range(3):
            making.go_on.release()
        for number, waiting in enumerate(([first], others), 1):
            for one in waiting:
                with pytest.raises(StoreError, match=f"fault {number}"):
                    await one
        with pytest.raises(StoreError, match="fault 3"):
            await endpoint(request("/fault"))

    run(ask())


def test_one_who_goes_takes_the_answer_from_nobody() -> None:
    async def ask() -> None:
        making = Making()
        endpoint = Shared().endpoint(making)
        gone, stays = (asyncio.ensure_future(endpoint(request("/a"))) for _ in range(2))
        await begun(making)
        gone.cancel()
        making.go_on.release()
        assert (await stays).body == b"/a 1"

    run(ask())
