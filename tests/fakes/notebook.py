"""A real Jupyter kernel that runs cells on a fake machine, as a front end asks it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.manager import KernelManager

from tests.fakes.world import HANGS_S, World


class Notebook:
    """A notebook that is open in a kernel."""

    def __init__(self, world: World) -> None:
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
            answer: dict[str, Any] = self._client.get_iopub_msg(timeout=HANGS_S)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            found = answer["content"]
            said += str(found.get("text" if answer["msg_type"] == "stream" else "evalue", ""))
            if answer["msg_type"] == "status" and found["execution_state"] == "idle":
                return said

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
