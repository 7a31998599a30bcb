"""A real Jupyter kernel that runs cells on a fake machine, as a front end asks it to."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from jupyter_client.manager import KernelManager

from tests.fakes.world import HANGS_S, World


class Shown(NamedTuple):
    """What a cell displays. `update`: it takes the place of what has been displayed with this `id`."""

    update: bool
    id: str | None
    html: str
    text: str


class Notebook:
    """A notebook that is open in a kernel. `shown` is what its cells display, in order."""

    def __init__(self, world: World) -> None:
        self.shown: list[Shown] = []
        self._manager = KernelManager()
        self._manager.start_kernel(env=world.environ(), cwd=str(world.work))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=HANGS_S)

    def run(self, code: str, cell: str | None = None) -> str:
        """Run a cell. Returns what it prints, and the text of its error. `cell`: the id that the front end gives it, if it gives one."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = self._client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        self._client.shell_channel.send(message)
        said = ""
        while True:
            answer = self._next(HANGS_S)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            found = answer["content"]
            said += str(found.get("text" if answer["msg_type"] == "stream" else "evalue", ""))
            if answer["msg_type"] == "status" and found["execution_state"] == "idle":
                return said

    def wait(self, done: Callable[[list[Shown]], bool]) -> list[Shown]:
        """Wait until what is displayed is as it should be; no cell needs to run."""
        until_s = time.monotonic() + HANGS_S
        while not done(self.shown):
            assert time.monotonic() < until_s, self.shown[-3:]
            self._next(HANGS_S)
        return self.shown

    def silent(self, seconds: float) -> bool:
        """Whether nothing more is displayed for so long."""
        before, until_s = len(self.shown), time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                self._next(left_s)
            except queue.Empty:
                break
        return len(self.shown) == before

    def _next(self, timeout_s: float) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get_iopub_msg(timeout=timeout_s)
        if answer["msg_type"] in ("display_data", "update_display_data"):
            content = answer["content"]
            data = content["data"]
            place = content.get("transient", {}).get("display_id")
            self.shown.append(Shown(answer["msg_type"] != "display_data", place, data.get("text/html", ""), data.get("text/plain", "")))
        return answer

    def close(self) -> None:
        """Shut the kernel down as a front end does, and wait for its end."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=False)


@contextmanager
def notebook(world: World) -> Iterator[Notebook]:
    """A notebook; its kernel is shut down at the end of the block."""
    opened = Notebook(world)
    try:
        yield opened
    finally:
        opened.close()
