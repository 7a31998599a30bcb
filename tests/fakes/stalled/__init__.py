"""A filesystem that stops to answer, as a library that a process preloads: no root, no kernel module and no FUSE is needed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOURCE = Path(__file__).parent / "stalled.c"


class Stalled:
    """What is below `folder`, for the processes that get the variables of `environ`. It stalls while `marker` exists."""

    def __init__(self, library: Path, folder: Path, marker: Path) -> None:
        self._library, self.folder, self.marker = library, folder, marker

    def environ(self, calls: str = "") -> dict[str, str]:
        """The variables of a process. `calls`: the kinds of calls that stall; all by default."""
        found = {"LD_PRELOAD": str(self._library), "STALLED_FOLDER": str(self.folder), "STALLED_WHILE": str(self.marker)}
        return found | ({"STALLED_CALLS": calls} if calls else {})

    @contextmanager
    def now(self) -> Iterator[None]:
        """It stalls within the block."""
        self.marker.touch()
        try:
            yield
        finally:
            self.marker.unlink()


def build(folder: Path) -> Path:
    """Compile the library into `folder`."""
    library = folder / "stalled.so"
    cc = shutil.which("cc")
    assert cc is not None, "there is no C compiler"
    subprocess.run([cc, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, _SOURCE, "-ldl", "-lpthread"], check=True)
    return library
