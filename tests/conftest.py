"""Fake machines: whole ones for the tests that run the tracker as a whole, and the parts of one for the tests of its sensors.

How the suite runs is set here too: Hypothesis without time limits, a thread of PyTorch for each worker, and no skipped test unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes import nvml
from tests.fakes.powercap import FakePowercap, MakeRequest
from tests.fakes.world import MakeWorld, World, enter
from trainwatt.core.sensing import Discovery, DiscoveryRequest

# A busy machine makes any example slow, so no time limit says anything about the code. A test that wants other settings starts from these.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("busy")

# Hundreds of tests start processes of their own. Without compiled files, each of them compiles the whole package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The workers of pytest share the cores: a pool of threads for each PyTorch would only wait for the others.
os.environ.setdefault("OMP_NUM_THREADS", "1")

GAINS = {"gpu": 0.05, "cpu": 0.03, "dram": 0.10, "platform": 0.05}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where a test was skipped: all that the tests need is installed with them."""
    if exitstatus == pytest.ExitCode.OK and _reports(session.config, "skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at a failure which order and which random numbers the tests had."""
    if _reports(config, "failed", "error", "skipped"):
        terminalreporter.write_line(
            f"The order and the random numbers were those of --randomly-seed={config.getoption('randomly_seed', None)}"
        )


def _reports(config: pytest.Config, *outcomes: str) -> list[object]:
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")  # none in a worker
    return [report for outcome in outcomes for report in (reporter.stats.get(outcome, ()) if reporter else ())]


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake NVML, compiled."""
    return nvml.build(tmp_path_factory.mktemp("libnvml"))


@pytest.fixture
def make_world(tmp_path: Path, nvml_library: Path) -> Iterator[MakeWorld]:
    """Makes fake machines, as many as a test wants; each argument is one of `World`."""
    made: list[World] = []

    def make(**arguments: object) -> World:
        root = tmp_path / f"world{len(made)}"
        root.mkdir()
        made.append(World(root, nvml_library, **arguments))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A machine with one package, its memory and one GPU."""
    return make_world()


@pytest.fixture
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process without any variable that would change what a tracker does."""
    for name in list(os.environ):
        if name.startswith(("TRAINWATT_", "CUDA_VISIBLE", "SLURM_", "WANDB_", "MLFLOW_", "TORCHELASTIC_")) or name.endswith("RANK"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for this process, in which nothing is allowed yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def here(world: World, clean_environ: pytest.MonkeyPatch, nvml_library: Path) -> World:
    """The machine `world`, for trackers in this very process."""
    return enter(world, clean_environ, nvml_library)


@pytest.fixture
def machine(tmp_path: Path) -> FakePowercap:
    """A machine without zones yet."""
    return FakePowercap(tmp_path)


@pytest.fixture
def request_for(machine: FakePowercap) -> MakeRequest:
    """A discovery request rooted in that machine."""

    def make(gpus: tuple[int | str, ...] | None = None, **environ: str) -> DiscoveryRequest:
        return DiscoveryRequest(GAINS, gpus, environ, str(machine.sysfs), str(machine.procfs))

    return make


@pytest.fixture
def gpus(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nvml.FakeNvml:
    """GPUs as NVML tells them; none yet."""
    file = tmp_path / "nvml.txt"
    monkeypatch.setenv("FAKE_NVML", str(file))
    return nvml.FakeNvml(file, nvml.load(nvml_library))


@pytest.fixture
def closing() -> Iterator[list[Discovery]]:
    """Discoveries appended here are closed after the test."""
    found: list[Discovery] = []
    yield found
    for discovery in found:
        for sensor in discovery.sensors:
            sensor.close()
