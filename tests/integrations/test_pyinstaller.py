"""Frozen programs: a real one that PyInstaller builds, and interpreters without files, arguments or sources."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.world import HANGS_S, ROOT, World

TRAINING = """
import time
from trainwatt import EnergyTracker
with EnergyTracker(project="frozen", zone="FR") as tracker:
    with tracker.phase("train"):
        time.sleep(0.7)
print(tracker.summary().to_dict()["carbon"]["zone"])
"""
UNUSED = (
    *(
        "psycopg",
        "pyarrow",
        "pandas",
        "pygments",
        "numpy",
        "matplotlib",
        "torch",
        "IPython",
        "ipykernel",
        "jedi",
        "zmq",
        "tornado",
        "tkinter",
    ),
    *("pytest", "_pytest", "setuptools", "pkg_resources", "uvicorn", "starlette", "anyio", "jinja2", "gi", "dateutil", "yaml"),
    *(
        "attr",
        "cryptography",
        "hypothesis",
        "mypy",
        "pydantic",
        "typer",
        "accelerate",
        "google",
        "gradio_client",
        "grpc",
        "httpx",
        "httpcore",
    ),
    *(
        "huggingface_hub",
        "keras",
        "lightning",
        "mlflow",
        "opentelemetry",
        "PIL",
        "prometheus_client",
        "scipy",
        "sklearn",
        "sympy",
        "tensorboard",
    ),
    *("torchmetrics", "trackio", "transformers", "wandb", "fsspec", "aiohttp", "playwright", "xdist", "cyclonedx", "lxml", "jsonschema"),
)
"""Libraries of other extras, and those that libraries of ours would use if they are there. Without them the build is much quicker."""


@pytest.mark.slow
def test_a_program_that_pyinstaller_has_frozen_measures_every_device(world: World, tmp_path: Path) -> None:
    """Without an option: the package brings its hook. The database is of an older version, so that Alembic's scripts are needed too."""
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    folders = ["--distpath", str(tmp_path / "dist"), "--workpath", str(tmp_path / "build"), "--specpath", str(tmp_path)]
    build = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", *folders, str(script)]
    excluded = [f"--exclude-module={name}" for name in UNUSED]
    environ = world.environ(PYINSTALLER_CONFIG_DIR=str(tmp_path / "cache"))
    built = subprocess.run([*build, *excluded], env=environ, capture_output=True, text=True, timeout=HANGS_S)
    assert built.returncode == 0, built.stderr
    world.db.parent.mkdir()
    with sqlite3.connect(world.db) as old:
        old.executescript((ROOT / "tests/golden/version_0_1.sql").read_text())
    environ = {k: v for k, v in world.environ().items() if k != "PYTHONPATH"}
    ended = subprocess.run([tmp_path / "dist/train/train"], env=environ, cwd=world.work, capture_output=True, text=True, timeout=HANGS_S)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "FR\n", "")
    view = world.show()
    assert [(d["device"], d["provenance"]["modelled"]) for d in view["energy"]["devices"]] == [("gpu0", 0), ("package-0", 0), ("dram-0", 0)]
    assert view["energy"]["measured_fraction"] > 0.9
    assert view["run"]["command"].endswith("dist/train/train")
    assert view["events"] == []


WITHOUT_FILES = """
import importlib.machinery, inspect, sys, threading
sys.frozen = True

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        spec = super().find_spec(name, path, target) if name.partition(".")[0] == "trainwatt" else None
        if spec is not None:
            spec.has_location = False
        return spec

def no_source(*_):
    raise OSError("could not get source code")

sys.meta_path.insert(0, Finder)
inspect.getsource = inspect.getsourcefile = inspect.getfile = no_source
sys.argv, sys.orig_argv = {argv}
del sys.modules["__main__"].__spec__
"""


def test_a_program_in_an_archive_measures_and_upgrades_an_older_database(world: World, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        for file in (ROOT / "tracker").rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, Path("trainwatt", file.relative_to(ROOT / "tracker")))
    world.db.parent.mkdir()
    with sqlite3.connect(world.db) as old:
        old.executescript((ROOT / "tests/golden/version_0_1.sql").read_text())
    without_sources = "import sys\nsys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    ended = world.run_python(without_sources + TRAINING, env=world.environ(PYTHONPATH=str(tmp_path / "program.zip")))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "FR\n", "")
    assert [d["device"] for d in world.show()["energy"]["devices"]] == ["gpu0", "package-0", "dram-0"]


@pytest.mark.parametrize("argv", ["[], []", "[''], []", "['program', '--fast'], []"])
def test_a_program_without_files_or_arguments_measures_every_device(world: World, argv: str) -> None:
    without = WITHOUT_FILES.replace("{argv}", argv)
    ended = world.run_python(f"{without}{TRAINING}assert not hasattr(sys.modules['trainwatt.carbon.tables.zones'], '__file__')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "FR\n", "")
    view = world.show()
    assert [d["device"] for d in view["energy"]["devices"]] == ["gpu0", "package-0", "dram-0"]
    assert view["run"]["command"] == ("program --fast" if "program" in argv else None)
    assert view["events"] == []


@pytest.mark.parametrize(
    ("package", "file"), [("storage.revision", "0001_initial.sql"), ("storage.revision", "migrations"), ("carbon.tables.zone_rows", ".csv")]
)
def test_a_program_without_our_data_files_says_how_to_collect_them(world: World, tmp_path: Path, package: str, file: str) -> None:
    """As PyInstaller made it without the hook: the modules are there and the data files are not."""
    name = "MIGRATIONS" if package == "storage.revision" else "DATA"
    folder = tmp_path / ("nowhere" if file == "migrations" else "")
    code = f"import pathlib, trainwatt.{package} as m\nm.{name} = pathlib.Path({str(folder)!r})\n"
    ended = world.run_python(code + TRAINING)
    assert ended.returncode == 1
    error = ended.stderr.splitlines()[-1]
    assert error.startswith("trainwatt.errors.ConfigurationError: ")
    assert "--collect-all trainwatt" in error
