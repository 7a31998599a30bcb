"""A fake libnvidia-ml.so.1: the real pynvml loads it, for a library of that SONAME is already in the process.

Nothing is patched. What it says is in a text file that it reads at each call, so a test changes the file and the GPU has changed.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

SONAME = "libnvidia-ml.so.1"
_SOURCE = Path(__file__).parent / "nvml.c"


class CannotFake(Exception):
    """There is no compiler, or the real library is loaded already."""


def build(folder: Path) -> Path:
    """Compile the library into `folder`. Raises CannotFake where there is no compiler."""
    cc = shutil.which("cc")
    if cc is None:
        raise CannotFake("there is no C compiler to build the fake NVML with")
    library = folder / SONAME
    subprocess.run(
        [cc, "-shared", "-fPIC", "-pthread", "-O1", "-Wall", "-Werror", f"-Wl,-soname,{SONAME}", "-o", library, _SOURCE], check=True
    )
    return library


def load(library: Path) -> ctypes.CDLL:
    """Load it, so that every later load by name finds it. Raises CannotFake where the real one came first."""
    ctypes.CDLL(str(library))
    found = ctypes.CDLL(SONAME)
    if not hasattr(found, "fake_nvml"):
        raise CannotFake("the real NVML is loaded in this process")
    return found


class FakeNvml:
    """What the fake says: `gpu` adds a GPU, `set` changes or removes a line, `users` counts who has it initialised."""

    def __init__(self, file: Path, library: ctypes.CDLL) -> None:
        self.file = file
        self._library = library
        self._users_before = int(library.fake_users())  # of tests before in this process
        self._tries_before = int(library.fake_tries())
        self._questions_before = [int(library.fake_questions(index)) for index in range(16)]
        self._lines: dict[str, object] = {"count": 0}
        self._write()

    @property
    def users(self) -> int:
        """How often it has been initialised since, and not yet shut down."""
        return int(self._library.fake_users()) - self._users_before

    def gpu(self, name: str = "NVIDIA H100 80GB HBM3", cc: str = "9.0", **lines: object) -> str:
        """Add a GPU with a counter and both power fields, `lines` changing that. Returns its UUID."""
        index = int(str(self._lines["count"]))
        uuid = f"GPU-{index:x}0000000-0000-4000-8000-00000000000{index:x}"
        full: dict[str, object] = {"name": name, "uuid": uuid, "cc": cc, "energy": 5_000_000, "power": 400_000, "limit": 700_000}
        full |= {"f185": 390_000, "f186": 410_000, "limit_most": 700_000} | lines
        self._lines["count"] = index + 1
        for key, value in full.items():
            self._lines[f"{index}.{key.removeprefix('f') if key[1:4].isdigit() else key}"] = value
        self._write()
        return uuid

    def set(self, key: str, value: object) -> None:
        """Change a line, as `set("0.energy", 7)`; None takes it away, which makes the quantity unsupported."""
        self._lines[key] = value
        self._write()

    def shut_down(self) -> None:
        """Shut it down as a library does that calls nvmlShutdown too often: for everybody in the process."""
        while self._library.fake_users():
            self._library.nvmlShutdown()
        self._users_before = 0
        self._tries_before = int(self._library.fake_tries())

    def initialise(self) -> None:
        """Initialise it once more, as another library of the process does."""
        assert self._library.nvmlInitWithFlags(0) == 0

    def asked(self, index: int) -> int:
        """How many questions a GPU had to answer."""
        return int(self._library.fake_questions(index)) - self._questions_before[index]

    @property
    def tried(self) -> int:
        """How often somebody has tried to initialise it since it was shut down, or made."""
        return int(self._library.fake_tries()) - self._tries_before

    def _write(self) -> None:
        self.file.write_text("".join(f"{key} {value}\n" for key, value in self._lines.items() if value is not None))
