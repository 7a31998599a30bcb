"""The layout of the package: which file may import which, and how large files and folders may be. Read from the syntax trees."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.fakes.world import ROOT

TRACKER, INTEGRATIONS = ROOT / "tracker", ROOT / "integrations"

PACKAGES = (
    *("masking", "core", "machine", "settings", "energy", "storage", "sensors"),
    *("carbon", "importing", "analysis", "life", "presentation", "tracking", "web", "cli"),
)
"""From bottom to top: a package imports what stands before it, and itself. See docs/architecture.md."""
FILES_BELOW_ALL = {"errors", "log", "texts", "unwarned", "_version"}
"""Files of the top level that import no package but `masking`; `config` imports `core`, and `settings` with what stands below it."""
BELOW_ALL = FILES_BELOW_ALL | {"masking"}
TOP_LEVEL = FILES_BELOW_ALL | {"__init__", "__main__", "config", "torch"}
MOST_LINES, MOST_FILES = 300, 12

PURE_PACKAGES = ("core", "energy", "masking", "presentation")
"""All their files do arithmetic or make text, and nothing else."""
PURE_FILES = (
    "analysis.comparing.compared",
    "analysis.comparing.comparison",
    "analysis.footprint_totals",
    "analysis.comparing.gates",
    "analysis.kept_footprint",
    "analysis.over_time.periods",
    "analysis.over_time.timeline",
    "analysis.overlaps",
    "analysis.view",
    "analysis.work.compute",
    "analysis.work.units",
    "carbon.accounting",
    "carbon.assumption",
    "carbon.beside",
    "carbon.difference",
    "carbon.embodied",
    "carbon.host_share",
    "carbon.grid.ranged",
    "carbon.join",
    "carbon.tables.basis",
    "carbon.tables.spread",
    "carbon.terms",
    "life.advice.advising",
    "life.advice.circumstances",
    "life.advice.devices",
    "life.advice.loss",
    "life.advice.stretches",
    "life.advice.work",
    "life.busy",
    "life.disclosing.compute",
    "life.disclosing.disclosure",
    "life.disclosing.hardware",
    "life.embodied_share",
    "life.entries",
    "life.figures",
    "life.grids",
    "life.inference",
    "life.plan",
    "life.whatif.change",
    "life.whatif.modelled.another_device",
    "life.whatif.modelled.busier",
    "life.whatif.modelled.compared",
    "life.whatif.modelled.effect",
    "life.whatif.modelled.facts",
    "life.whatif.modelled.power_limit",
    "life.whatif.starting",
    "life.whole",
    "machine.proc",
    "tracking.sharing.gpu_use",
    "tracking.outcome",
    "tracking.recording.rows",
    "tracking.work.batches",
    "tracking.work.decorated",
    "web.assets",
)
NOT_PURE = {"core.clock", "presentation.notebook.summary", "presentation.notebook.runs"}
"""Clocks are read in `core.clock`; `summary()` and `runs()` open the store when they are called."""
IMPURE = {
    *("threading", "_thread", "multiprocessing", "concurrent", "asyncio", "signal", "ctypes", "subprocess"),
    *("sqlite3", "sqlalchemy", "alembic", "os", "pathlib", "shutil", "tempfile", "pynvml"),
    *("socket", "ssl", "http", "urllib", "requests", "time", "random", "secrets"),
}


def module_name(file: Path) -> str:
    """ "cli.look.show" of tracker/cli/look/show.py, "integrations.lightning", "core" of core/__init__.py, "__init__" of the top."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "tracker" else parts
    return ".".join(parts if len(parts) == 1 else [part for part in parts if part != "__init__"])


def files() -> list[Path]:
    return sorted([*TRACKER.rglob("*.py"), *INTEGRATIONS.rglob("*.py")])


@cache
def imports(file: Path, *, types_too: bool = False) -> frozenset[str]:
    """The absolute names of all that a file imports, in functions too: "trainwatt.core.run.Event", "os". Without what is imported for
    type checkers only."""
    return frozenset(_imports(file, types_too))


def _imports(file: Path, types_too: bool) -> Iterator[str]:
    package = ["trainwatt", *module_name(file).split(".")]
    package = [p for p in package if p != "__init__"] if file.name == "__init__.py" else package[:-1]
    tree = ast.parse(file.read_text())
    skipped = {id(n) for node in ast.walk(tree) if not types_too and _for_types_only(node) for n in ast.walk(node) if n is not node}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


MODULES = {module_name(file): file for file in files()}


def module_of(imported: str) -> str | None:
    """The file of ours that "trainwatt.core.run.Event" comes from: "core.run"; None for what is not ours, or is public."""
    root, _, name = imported.partition(".")
    while root == "trainwatt" and name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name if root == "trainwatt" and name else None


def edges(*, types_too: bool = False) -> set[tuple[str, str]]:
    """Which of our files imports which."""
    return {(name, of) for name, file in MODULES.items() for i in imports(file, types_too=types_too) if (of := module_of(i)) and of != name}


def rank(module: str) -> int:
    """How high a file stands."""
    top = module.partition(".")[0]
    if top in BELOW_ALL:
        return -1
    if top == "config":
        return 2 * PACKAGES.index("settings") + 1
    return 2 * PACKAGES.index(top) if top in PACKAGES else 2 * len(PACKAGES)


def test_the_top_level_is_fourteen_packages_and_nine_files() -> None:
    assert {p.name for p in TRACKER.iterdir() if (p / "__init__.py").exists()} == set(PACKAGES)
    assert {p.stem for p in TRACKER.glob("*.py")} == TOP_LEVEL


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_what_belongs_in_it(package: str) -> None:
    for init in (TRACKER / package).rglob("__init__.py"):
        text = ast.get_docstring(ast.parse(init.read_text()))
        assert text, f"{init} has no docstring"
        assert text.partition("\n")[0].endswith("."), init


def test_imports_run_downward_only() -> None:
    """What is imported for types only counts too."""
    entry = {"__init__", "__main__"}
    assert sorted((a, b) for a, b in edges(types_too=True) if rank(b) > rank(a) and a not in entry) == []


APART = {
    ("web", "tracking"),
    ("sensors", "storage"),
    ("sensors", "energy"),
    ("carbon", "sensors"),
    ("analysis", "sensors"),
    ("energy", "machine"),
}
"""Packages that do not know each other, in neither direction. They meet in `tracking`, or in the database."""


def test_packages_that_stay_apart_do_not_know_each_other() -> None:
    between = {(a.partition(".")[0], b.partition(".")[0]) for a, b in edges(types_too=True)}
    assert between & (APART | {(b, a) for a, b in APART}) == set()


def test_imports_make_no_circle() -> None:
    below: dict[str, set[str]] = {name: set() for name in MODULES}
    for a, b in edges():
        below[a].add(b)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' → '.join([*path, name])}"
        if name not in done:
            for other in sorted(below[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(MODULES):
        visit(name, ())


def test_commands_do_not_know_each_other() -> None:
    """Each is one file."""
    crossing = {(a, b) for a, b in edges() if a.startswith("cli.") and b.startswith("cli.") and a.count(".") == b.count(".") == 2}
    assert crossing == set()


PURE = sorted({m for m in MODULES if m.partition(".")[0] in PURE_PACKAGES} - NOT_PURE | set(PURE_FILES))


@pytest.mark.parametrize("name", PURE)
def test_pure_files_import_no_threads_no_database_no_network_no_clock(name: str) -> None:
    assert {n.partition(".")[0] for n in imports(MODULES[name])} & IMPURE == set()
    reached = {of for i in imports(MODULES[name]) if (of := module_of(i))}
    assert {of for of in reached if of.partition(".")[0] in {"storage", "sensors", "tracking", "config"}} <= {"tracking.recording.rows"}


def test_integrations_use_only_the_public_names() -> None:
    from trainwatt import __all__ as top
    from trainwatt.core import __all__ as core

    public = {f"trainwatt.{name}" for name in top} | {f"trainwatt.core.{name}" for name in core}
    for file in INTEGRATIONS.rglob("*.py"):
        ours = {n for n in imports(file, types_too=True) if n.partition(".")[0] == "trainwatt"}
        assert {n for n in ours if not n.startswith(("trainwatt.integrations._", "trainwatt.integrations.sinks._"))} <= public


def test_the_tracker_never_imports_a_framework() -> None:
    libraries = "alembic click platformdirs psutil pyarrow pynvml requests rich rich_click sqlalchemy trainwatt urllib3"
    allowed = set(libraries.split()) | set(sys.stdlib_module_names)
    extras = {"web": {"starlette"}, "serving": {"starlette", "uvicorn"}, "receipt": {"cryptography"}}
    for file in TRACKER.rglob("*.py"):
        of_extra = {"torch"} if file == TRACKER / "torch.py" else extras.get(file.parent.name, set())
        assert {n.partition(".")[0] for n in imports(file)} <= allowed | of_extra, file


def test_the_training_process_writes_with_the_standard_library_only() -> None:
    """SQLAlchemy is for reading: what runs beside a training loads neither it nor click."""
    beside = [
        m for m in MODULES if m.startswith(("tracking.", "storage.write.", "storage.spill.")) or m in ("storage.place", "storage.revision")
    ]
    for name in beside:
        top = {n.partition(".")[0] for n in imports(MODULES[name])}
        assert top & {"sqlalchemy", "alembic", "rich", "rich_click", "click", "pynvml"} == set(), name


def test_nothing_is_printed_outside_the_command_line() -> None:
    for file in files():
        if not module_name(file).startswith("cli"):
            calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
            assert calls == [], file


def test_no_signal_handler_is_installed_outside_the_command_line() -> None:
    for file in files():
        if not module_name(file).startswith("cli"):
            assert "signal" not in {n.partition(".")[0] for n in imports(file)}, file


def test_no_file_is_longer_than_300_lines() -> None:
    assert {str(f): n for f in files() if (n := len(f.read_text().splitlines())) > MOST_LINES} == {}


def test_no_folder_holds_more_than_a_dozen_files() -> None:
    held = Counter(file.parent for file in files() if file.name != "__init__.py")
    assert {str(folder): n for folder, n in held.items() if n > MOST_FILES} == {}
