"""What is installed is what is in the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.fakes.world import HANGS_S, ROOT

FRAMEWORKS = ("integrations.lightning", "integrations._lightning_run", "integrations.huggingface", "integrations.keras")
FOLDERS = {"tracker": "trainwatt", "integrations": "trainwatt.integrations"}


def project() -> dict[str, Any]:
    with open(ROOT / "pyproject.toml", "rb") as file:
        return tomllib.load(file)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left beside the sources."""
    import shutil

    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import setuptools.build_meta, sys; print(setuptools.build_meta.build_wheel(sys.argv[1]))"
    built = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=source, capture_output=True, text=True, timeout=HANGS_S)
    if built.returncode:  # where setuptools is not installed, or too old: in an environment of its own
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(source)]
        built = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_S)
    assert built.returncode == 0, built.stderr
    [found] = folder.glob("*.whl")
    return found


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_packages_are_the_folders_with_an_init() -> None:
    found = set()
    for folder, package in FOLDERS.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            below = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join([package, *below]))
    assert set(project()["tool"]["setuptools"]["packages"]) == found


def test_every_folder_of_sources_is_a_package() -> None:
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file


@pytest.mark.slow
def test_the_wheel_has_every_source_and_data_file(wheel: Path) -> None:
    expected = set()
    for folder, package in FOLDERS.items():
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                expected.add(f"{package.replace('.', '/')}/{file.relative_to(ROOT / folder)}")
    assert "trainwatt/py.typed" in expected
    assert any(name.endswith(".sql") for name in expected)
    assert any(name.endswith(".csv") for name in expected)
    assert {name for name in names(wheel) if ".dist-info/" not in name} == expected


@pytest.mark.slow
def test_the_wheel_has_its_licence_and_notice(wheel: Path) -> None:
    licences = {Path(name).name for name in names(wheel) if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [archive.read(n).decode() for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        [entry_points] = [archive.read(n).decode() for n in archive.namelist() if n.endswith("entry_points.txt")]
    assert "\nName: trainwatt\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "trainwatt = trainwatt.cli.main:main" in entry_points


@pytest.mark.slow
def test_every_module_of_the_wheel_imports_and_its_data_is_read(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    modules = sorted(name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names(wheel) if name.endswith(".py"))
    # Alembic's env.py and __main__ run as they are imported, and the frameworks take seconds: their own tests import them.
    modules = [m for m in modules if not m.endswith((".env", ".__main__", *FRAMEWORKS)) and ".hook-" not in m]
    assert len(modules) > 40
    code = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path / "site")!r})
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in repr(f).lower()]
for name in {modules!r}:
    module = importlib.import_module(name)
    assert module.__file__.startswith({str(tmp_path / "site")!r}), module.__file__
from trainwatt import EnergyTracker
with EnergyTracker(db={str(tmp_path / "runs.db")!r}, gpus=[]) as tracker:
    pass
print(tracker.summary().to_dict()["run"]["status"])
"""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("TRAINWATT_", "PYTHONPATH"))}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environ, timeout=HANGS_S)
    assert (ended.returncode, ended.stdout) == (0, "completed\n"), ended.stderr


def test_the_lowest_versions_that_are_declared_are_those_that_are_tested() -> None:
    """PyTorch, the frameworks and scikit-learn are tested in the versions of constraints.txt only: each of theirs is a gigabyte. So are the
    loggers, which need older versions of what others need."""
    metadata = project()["project"]
    not_tested = ("dev", "torch", "lightning", "huggingface", "keras", "examples", "tensorboard", "wandb", "mlflow", "trackio")
    extras = [name for name in metadata["optional-dependencies"] if name not in not_tested]
    declared = [*metadata["dependencies"], *(line for extra in extras for line in metadata["optional-dependencies"][extra])]
    lines = [line for line in (ROOT / "constraints-lowest.txt").read_text().splitlines() if not line.startswith("#")]
    lowest = bounds(declared, ">=")
    assert bounds(lines, "==") == lowest
    newest = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    assert all(Version(newest[name]) >= version for (name, _), version in lowest.items())


def bounds(lines: Iterable[str], operator: str) -> dict[tuple[str, str], Version]:
    """The version that each requirement names, by its name and by the Pythons that it is for."""
    found = {}
    for requirement in map(Requirement, lines):
        [bound] = requirement.specifier
        assert bound.operator == operator, requirement
        found[requirement.name.lower(), str(requirement.marker)] = Version(bound.version)
    return found


def test_the_version_is_said_once() -> None:
    from trainwatt import __version__

    assert project()["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "trainwatt._version.__version__"}
    assert __version__.count(".") == 2
