"""What importing costs: nothing that a training does not need is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fakes.world import HANGS_S, ROOT, World

HEAVY = {
    "psutil",
    "pynvml",
    "sqlalchemy",
    "alembic",
    "requests",
    "rich",
    "rich_click",
    "click",
    "torch",
    "numpy",
    "lightning",
    "platformdirs",
}


def loaded(code: str) -> set[str]:
    """The top-level modules that `code` loads, beyond those of a bare interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; before = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"],
        capture_output=True, text=True, cwd=ROOT.parent, check=True, timeout=HANGS_S,
    )  # fmt: skip
    return {name.partition(".")[0] for name in ended.stdout.split()}


@pytest.mark.parametrize(
    "code",
    ["import trainwatt", "from trainwatt import EnergyTracker", "from trainwatt import EnergyTracker, Summary; EnergyTracker(project='x')"],
)
def test_importing_the_tracker_loads_nothing_heavy(code: str) -> None:
    assert loaded(code) & HEAVY == set()


def test_importing_the_package_alone_loads_next_to_nothing() -> None:
    assert loaded("import trainwatt") & {"sqlite3", "threading", "socket", "logging", "ctypes", "tomllib", "json"} == set()


def test_a_whole_run_needs_neither_sqlalchemy_nor_torch(world: World) -> None:
    """Half a second of import would be part of what is measured."""
    code = (
        "import sys\nfrom trainwatt import EnergyTracker\nwith EnergyTracker() as t:\n    with t.phase('p'): pass\n"
        "print({'sqlalchemy', 'alembic', 'torch', 'numpy', 'rich', 'click'} & set(sys.modules))"
    )
    ended = world.run_python(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "set()\n", "")


def test_every_public_name_can_be_imported() -> None:
    import trainwatt

    for name in trainwatt.__all__:
        assert getattr(trainwatt, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        _ = trainwatt.Nothing


def test_the_folder_under_its_own_name_is_refused_with_the_mend() -> None:
    ended = subprocess.run([sys.executable, "-c", "import tracker"], capture_output=True, text=True, cwd=ROOT, timeout=HANGS_S)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    for words in ("trainwatt", "'tracker'", "pip install -e .", "import trainwatt"):
        assert words in last
