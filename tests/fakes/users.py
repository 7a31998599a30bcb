"""Other users of this machine: real processes that have given up root. The tests need root for that, as in CI.

Run as a script, it is the process of one user. It imports everything while it is still root, because the user may not be able to read the
folder of the tests; then it takes commands, and forks for each. For the same reason it has a copy of trainwatt, whose data files are read
later.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import trainwatt

HANGS_S = 300.0


class Ended(NamedTuple):
    """What a command gave. `code` is minus the signal that ended it."""

    code: int
    out: str
    err: str


class User:
    """A user with its own group `uid`, and with other `groups`."""

    def __init__(self, uid: int, groups: Sequence[int] = (), *, group: int | None = None) -> None:
        assert os.getuid() == 0, "these tests need root, to become other users"
        self.uid, self.group = uid, uid if group is None else group
        spec = {"uid": uid, "gid": self.group, "groups": list(groups)}
        self._copy = tempfile.TemporaryDirectory()
        shutil.copytree(next(iter(trainwatt.__path__)), Path(self._copy.name, "trainwatt"))
        os.chmod(self._copy.name, 0o755)
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("TRAINWATT_", "CUDA_", "SLURM_", "XDG_"))}
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ | {"COLUMNS": "200", "TRAINWATT_GPUS": "none", "PYTHONPATH": self._copy.name},
        )

    def cli(self, *arguments: str, umask: int = 0o022, **environ: str) -> Ended:
        """Run `trainwatt` with arguments, to its end."""
        return self.wait(self.begin(*arguments, umask=umask, **environ))

    def python(self, code: str, umask: int = 0o022, **environ: str) -> Ended:
        """Run code to its end."""
        return self.wait(self._ask({"code": code, "umask": umask, "environ": environ})["pid"])

    def begin(self, *arguments: str, umask: int = 0o022, **environ: str) -> int:
        """Start `trainwatt` with arguments. Returns its pid."""
        return int(self._ask({"arguments": arguments, "umask": umask, "environ": environ})["pid"])

    def begin_python(self, code: str, umask: int = 0o022, **environ: str) -> int:
        """Start code. Returns its pid."""
        return int(self._ask({"code": code, "umask": umask, "environ": environ})["pid"])

    def said(self, pid: int) -> str:
        """What a command that still runs has printed so far."""
        return str(self._ask({"peek": pid}))

    def kill(self, pid: int, signal: int) -> Ended:
        """Send a signal to a command, and wait for its end."""
        os.kill(pid, signal)
        return self.wait(pid)

    def close(self) -> None:
        """End the process of the user."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(HANGS_S)
        self._process.stdout.close()
        self._copy.cleanup()

    def wait(self, pid: int) -> Ended:
        """Wait for the end of a command."""
        return Ended(**self._ask({"wait": pid}))

    def _ask(self, question: Mapping[str, object]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


# ---- the process


def _everything() -> None:
    """Load every module, also those that are loaded when they are first used."""
    import contextlib
    import grp  # noqa: F401
    import importlib
    import io
    import logging.config  # noqa: F401
    import pkgutil
    import tempfile

    from trainwatt import EnergyTracker
    from trainwatt.cli.main import main
    from trainwatt.storage.migrate import migrate

    for name in ("trainwatt", "starlette", "uvicorn", "anyio", "platformdirs", "psutil"):
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if ".integrations" not in module.name and not module.name.endswith((".env", ".__main__")):
                with contextlib.suppress(ImportError, RuntimeError):  # it needs a package that is not installed
                    importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        migrate(f"{folder}/migrated.db")
        db = ["--db", f"{folder}/runs.db"]
        if os.fork() == 0:  # this command ends its process
            sys.argv = ["trainwatt", "run", *db, "--", "true"]
            main()
            os._exit(1)
        os.wait()
        with EnergyTracker(db=db[1]) as tracker:
            pass
        tracker.summary()
        commands = [["list", *db], ["show", *db], ["report", "latest", *db, "-o", f"{folder}/r.html"]]
        commands += [["footprint", "latest", *db], ["list", *db, "--nonsense"], ["watch", *db]]
        for arguments in commands:
            sys.argv = ["trainwatt", *arguments]
            with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                main()


def _child(question: dict[str, Any], out: str) -> None:
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(f"{out}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
    os.umask(question["umask"])
    os.environ.update(question["environ"])
    if "code" in question:
        exec(question["code"], {"__name__": "__main__"})
        return
    from trainwatt.cli.main import main

    sys.argv = ["trainwatt", *question["arguments"]]
    main()


def _serve(spec: dict[str, Any]) -> None:
    import tempfile
    import traceback
    from pathlib import Path

    _everything()
    os.setgroups(spec["groups"])
    os.setgid(spec["gid"])
    os.setuid(spec["uid"])
    os.chdir("/")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        for line in sys.stdin:
            question = json.loads(line)
            if "peek" in question:
                said = Path(folder, f"{question['peek']}.out")
                print(json.dumps(said.read_text() if said.exists() else ""), flush=True)
                continue
            if "wait" in question:
                pid, status = os.waitpid(question["wait"], 0)
                texts = {name: Path(folder, f"{pid}.{name}").read_text() for name in ("out", "err")}
                print(json.dumps({"code": os.waitstatus_to_exitcode(status), **texts}), flush=True)
                continue
            pid = os.fork()
            if pid == 0:
                code = 0
                try:
                    _child(question, f"{folder}/{os.getpid()}")
                except SystemExit as end:
                    code = int(end.code or 0)
                except BaseException:
                    traceback.print_exc()
                    code = 1
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
            print(json.dumps({"pid": pid}), flush=True)


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
