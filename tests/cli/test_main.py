"""The command line as a process."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count() > 1000, len(gc.get_objects()) < 1000, file=sys.stderr))
from trainwatt.cli.main import main
sys.argv = ["trainwatt", *{arguments}]
main()
"""


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE.format(arguments=list(arguments))], capture_output=True, text=True, check=False)


def test_nothing_is_searched_for_garbage_at_the_end_of_a_command() -> None:
    done = ended("zones", "--json")
    assert (done.returncode, done.stderr.split()[-2:]) == (0, ["True", "True"]), done.stderr


def test_nor_where_it_fails() -> None:
    failed = ended("zones", "--nothing")
    assert (failed.returncode, failed.stderr.split()[-2:]) == (2, ["True", "True"]), failed.stderr
