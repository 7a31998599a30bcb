"""Imports run downward only, and the pure files do no I/O: read from the syntax trees, imports inside functions too."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.world import ROOT

TRACKER, INTEGRATIONS = ROOT / "tracker", ROOT / "integrations"

LAYERS = (
    ("cli", "integrations", "__main__"),
    ("web",),
    ("session", "phase_context", "summary", "startup", "watching", "exporting", "stored_runs", "report"),
    ("footprinting", "paper", "comparison", "gates", "wording", "blocks", "listing"),
    ("recording", "phase_log", "compaction", "renewal", "rows", "describe", "sharing", "neighbours"),
    (
        "phases",
        "sampling",
        "channel",
        "calibration",
        "carbon",
        "config",
        "distributed",
        "sensors",
        "storage",
        "identity",
        "inventory",
        "work",
        "harmless",
        "verdict",
        "watch",
    ),
    (
        "integration",
        "curve",
        "gauging",
        "counting",
        "metering",
        "crosscheck",
        "windows",
        "comparing",
        "thinning",
        "power",
        "periods",
        "overlaps",
    ),
    ("model",),
    ("units", "notebook", "errors", "clock", "masking", "_version"),
)
"""From the top down. A file may import what is below it, and within its own layer too where that makes no circle."""

PURE = (
    "comparing",
    "comparison",
    "periods",
    "overlaps",
    "gates",
    "wording",
    "blocks",
    "carbon.change",
    "counting",
    "metering",
    "curve",
    "gauging",
    "integration",
    "crosscheck",
    "windows",
    "power",
    "notebook",
    "units",
    "describe",
    "wording",
    "rows",
    "thinning",
    "verdict",
    "masking",
    "carbon.accounting",
    "carbon.beside",
    "carbon.embodied",
    "carbon.host_share",
    "carbon.join",
    "carbon.terms",
    "carbon.wording",
    "cli.render",
    "cli.render_compare",
    "cli.render_list",
    "cli.render_watch",
    "web.assets",
    "paper.bibliography",
    "paper.document",
    "paper.factors",
    "paper.markup",
    "paper.methods",
    "paper.prose",
    "paper.tally",
    "report.accounts",
    "report.charts",
    "report.markdown",
    "report.markup",
    "report.page",
    "report.scale",
    "report.sections",
    "report.series",
    "report.style",
    "report.timeline",
    "report.words",
)
IMPURE = {
    *("threading", "_thread", "multiprocessing", "concurrent", "asyncio", "signal", "ctypes", "subprocess"),
    *("sqlite3", "sqlalchemy", "alembic", "os", "pathlib", "io", "shutil", "tempfile", "pynvml"),
    *("socket", "ssl", "http", "urllib", "requests", "time", "random", "secrets"),
}
PARTS_THAT_KNOW_NO_SIBLING = ("sensors", "storage", "sampling", "distributed", "config")


def module_name(file: Path) -> str:
    """ "cli.render" of tracker/presentation/terminal/run.py, "integrations.lightning" of integrations/lightning.py, "" of the package itself."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "tracker" else parts
    return ".".join(part for part in parts if part != "__init__")


def files() -> list[Path]:
    return sorted([*TRACKER.rglob("*.py"), *INTEGRATIONS.rglob("*.py")])


def imports(file: Path, *, types_too: bool = False) -> Iterator[str]:
    """The absolute names of all that a file imports: "trainwatt.core.sensing.Event", "os". Not what is for type checkers only."""
    package = ["trainwatt", *module_name(file).split(".")]
    package = [p for p in package if p] if file.name == "__init__.py" else package[:-1]
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
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not ast.unparse(node.test).startswith("not ")


def part(name: str) -> str | None:
    """ "storage" of "trainwatt.storage.write.writer.Writer"; None for what is not ours, or is the package's public face."""
    root, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    return first if root == "trainwatt" and (first in KNOWN) else None


KNOWN = {name for layer in LAYERS for name in layer}
DEPTH = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}
EDGES = {(module_name(f).partition(".")[0], p) for f in files() if module_name(f) for name in imports(f) if (p := part(name))}


def test_every_file_has_its_layer() -> None:
    tops = {module_name(f).partition(".")[0] for f in files()} - {""}
    assert tops == KNOWN


def test_imports_run_downward_only() -> None:
    upward = sorted((a, b) for a, b in EDGES if DEPTH[b] < DEPTH[a])
    assert upward == []


def test_imports_make_no_circle() -> None:
    seen: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' → '.join([*path, name])}"
        if name not in seen:
            seen[name] = name
            for a, b in sorted(EDGES):
                if a == name and b != name:
                    visit(b, (*path, name))

    for name in sorted(KNOWN):
        seen.clear()
        visit(name, ())


def test_siblings_do_not_know_each_other() -> None:
    """Sensors, the store, the sampler and the configuration meet in the session only."""
    crossing = sorted((a, b) for a, b in EDGES if a != b and a in PARTS_THAT_KNOW_NO_SIBLING and b in PARTS_THAT_KNOW_NO_SIBLING)
    assert crossing == []


def test_commands_do_not_know_each_other() -> None:
    """Each is one file; what they share is in the files named here, and `attach` ends with the report of `run`."""
    shared = {"options", "output", "progress", "terms_options", "render", "render_compare", "render_list", "render_watch", "main"}
    commands = {f.stem for f in (TRACKER / "cli").glob("*.py")} - shared - {"__init__"}
    crossing = {
        (f.stem, name.split(".")[2])
        for f in (TRACKER / "cli").glob("*.py")
        for name in imports(f)
        if name.startswith("trainwatt.cli.") and name.split(".")[2] in commands
    }
    assert crossing <= {("attach", "run")}


@pytest.mark.parametrize("name", PURE)
def test_pure_files_import_no_threads_no_database_no_network_no_clock(name: str) -> None:
    file = TRACKER / f"{name.replace('.', '/')}.py"
    assert file.read_text().startswith('"""PURE')
    assert {n.partition(".")[0] for n in imports(file)} & IMPURE == set()
    impure_parts = {"session", "startup", "recording", "config", "storage", "sensors", "identity", "inventory", "sharing"}
    assert {p for n in imports(file) if (p := part(n))} & impure_parts == set()


def test_integrations_use_only_the_public_names() -> None:
    from trainwatt import __all__ as public

    for file in INTEGRATIONS.rglob("*.py"):
        ours = {n for n in imports(file, types_too=True) if n.partition(".")[0] == "trainwatt"}
        assert ours <= {f"trainwatt.{name}" for name in public}


def test_the_tracker_never_imports_a_framework() -> None:
    libraries = "alembic click platformdirs pyarrow pynvml requests rich rich_click sqlalchemy trainwatt urllib3"
    allowed = set(libraries.split()) | set(sys.stdlib_module_names)
    extras = {"web": {"anyio", "starlette"}, "serve": {"uvicorn"}}
    for file in TRACKER.rglob("*.py"):
        of_extra = extras.get(file.parent.name, set()) | extras.get(file.stem, set())
        assert {n.partition(".")[0] for n in imports(file)} <= allowed | of_extra, file


def test_the_training_process_writes_with_the_standard_library_only() -> None:
    """SQLAlchemy is for reading: what runs beside a training loads neither it nor click."""
    for name in ("session", "startup", "recording", "sampling", "phases", "rows", "storage/writer", "storage/place", "storage/revision"):
        top = {n.partition(".")[0] for n in imports(TRACKER / f"{name}.py")}
        assert top & {"sqlalchemy", "alembic", "rich", "rich_click", "click", "pynvml"} == set()


def test_nothing_is_printed_outside_the_command_line() -> None:
    for file in files():
        if not module_name(file).startswith("cli"):
            calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
            assert calls == [], file


def test_no_signal_handler_is_installed_outside_the_command_line() -> None:
    for file in files():
        if not module_name(file).startswith("cli"):
            assert "signal" not in {n.partition(".")[0] for n in imports(file)}, file


def test_no_file_is_much_longer_than_300_lines() -> None:
    assert {str(f): n for f in files() if (n := len(f.read_text().splitlines())) > 320} == {}
