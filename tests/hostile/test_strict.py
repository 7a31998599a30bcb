"""Whatever the user's interpreter makes of warnings, no record is lost, and nothing reaches the training."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys

import pytest

from tests.fakes.views import happened
from tests.fakes.world import ROOT, World, finished
from trainwatt.storage import revision

FLAGS = {
    "every warning is an exception": "-X dev -W error -bb -X warn_default_encoding",
    "without assertions and docstrings": "-OO -I",
}
"""Flags of Python; tests/strict.py makes an exception of every warning in any case."""


@pytest.mark.slow
@pytest.mark.parametrize("flags", FLAGS.values(), ids=list(FLAGS))
def test_a_strict_training_loses_nothing(world: World, flags: str) -> None:
    ended = finished(world.popen([sys.executable, *flags.split(), str(ROOT / "tests" / "strict.py")]))
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout


TESTED = """
import os, time
from trainwatt import EnergyTracker

def test_training():
    with EnergyTracker(project="tested") as tracker:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        with tracker.phase("train"):
            tracker.update(samples=8)
            time.sleep(0.3)
    assert tracker.summary().to_dict()["work"] == {"samples": 8}
"""


@pytest.mark.slow
def test_a_training_in_a_strict_pytest_passes(world: World) -> None:
    (world.work / "test_training.py").write_text(TESTED)
    options = ("-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider", "-n0")
    ended = finished(world.popen([sys.executable, "-m", "pytest", "-q", *options, "test_training.py"]))
    assert ended.returncode == 0, ended.stdout
    view = world.show()
    assert (view["run"]["project"], view["run"]["status"], happened(view)) == ("tested", "completed", [])


OLD_LIBRARIES = """
import builtins, warnings
known = builtins.__import__
def old(name, *arguments, **named):
    if name.partition(".")[0] in ("alembic", "platformdirs", "pynvml", "rich", "rich_click", "sqlalchemy"):
        warnings.warn(f"{name} is old", FutureWarning)
    return known(name, *arguments, **named)
builtins.__import__ = old
"""
"""A `sitecustomize` with which every library of trainwatt warns when it is imported."""
TRAINING = """
import time
from trainwatt import EnergyTracker, runs
with EnergyTracker(project="old") as tracker:
    tracker.update(samples=8)
    time.sleep(0.5)
assert tracker.summary().to_dict()["work"] == {"samples": 8}
assert len(runs()) == 1
"""


@pytest.mark.slow
def test_libraries_that_warn_cost_no_gpu_no_upgrade_and_no_command(world: World) -> None:
    folder = world.root / "libraries"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OLD_LIBRARIES)
    env = world.environ(PYTHONPATH=f"{folder}:{ROOT}", PYTHONWARNINGS="error")
    world.db.parent.mkdir()
    with contextlib.closing(sqlite3.connect(world.db)) as database:  # of the first version, which Alembic upgrades
        for statement in [*revision.statements_of("0001"), revision.VERSION_TABLE, "INSERT INTO alembic_version VALUES ('0001')"]:
            database.execute(statement)
        database.commit()
    ended = world.run_python(TRAINING, env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = world.cli("show", "--json", env=env)
    assert ended.returncode == 0, ended.stderr
    view = json.loads(ended.stdout)
    assert (view["energy"]["measured_fraction"], happened(view)) == (1.0, [])
    assert [d["device"] for d in view["energy"]["devices"]] == ["gpu0", "package-0", "dram-0"]
    ended = world.cli("run", "--", "sh", "-c", "exit 8", env=env)
    assert ended.returncode == 8, ended.stderr
