"""The warning of Python 3.12 and later about a fork: trainwatt's threads alone bring none into a training."""

from __future__ import annotations

import pytest

from tests.fakes.world import World

FORK = """
import os, re, sys, threading, time, warnings
from trainwatt import EnergyTracker

def as_later_pythons_do():
    if len(os.listdir("/proc/self/task")) > 1:
        text = f"This process (pid={os.getpid()}) is multi-threaded, use of fork() may lead to deadlocks in the child."
        warnings.warn(text, DeprecationWarning)

if sys.version_info < (3, 12):
    os.register_at_fork(after_in_parent=as_later_pythons_do)

def fork():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return len([w for w in caught if "multi-threaded" in str(w.message)])

said = [fork()]
with EnergyTracker():
    said.append(fork())
    own = threading.Thread(target=time.sleep, args=(0.5,))
    own.start()
    said.append(fork())
    own.join()
    time.sleep(0.1)  # the kernel ends a thread a moment after Python
    said.append(fork())
time.sleep(0.1)
print(*said, fork())
"""


@pytest.mark.slow
def test_only_a_thread_of_the_training_is_warned_of(world: World) -> None:
    ended = world.run_python(FORK)
    assert (ended.stdout.split(), ended.stderr) == (["0", "0", "1", "0", "0"], "")


IMPORTED = """
import os, warnings
from trainwatt import EnergyTracker
before = list(warnings.filters)
pid = os.fork()
if pid == 0:
    os._exit(warnings.filters != before)
print(os.waitpid(pid, 0)[1], warnings.filters == before)
"""


def test_a_program_without_a_run_keeps_its_filters(world: World) -> None:
    ended = world.run_python(IMPORTED)
    assert (ended.stdout.split(), ended.stderr) == (["0", "True"], "")
