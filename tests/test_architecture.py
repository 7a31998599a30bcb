"""docs/architecture.md and CONTRIBUTING.md agree with the code: every path exists, and every package is described in its own words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import trainwatt
from tests.fakes.world import ROOT
from tests.test_layering import INTEGRATIONS, PACKAGES, TRACKER

ARCHITECTURE, CONTRIBUTING = ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"
PAGES = [ARCHITECTURE, CONTRIBUTING]
FOLDERS = ("tracker", "integrations", "tests", "docs", "examples", ".ci")


def code(page: Path) -> list[str]:
    """What the prose of a page has in backticks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


def paths(page: Path) -> list[str]:
    """The files and folders that a page names."""
    return [text for text in code(page) if text.partition("/")[0] in FOLDERS or re.fullmatch(r"[\w.-]+\.(md|toml|txt)", text)]


def first_line(init: Path) -> str:
    return (ast.get_docstring(ast.parse(init.read_text())) or "").partition("\n")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_path_exists(page: Path) -> None:
    named = paths(page)
    assert len(named) > 5
    assert [path for path in named if path != "trainwatt.toml" and not (ROOT / path).exists()] == []


def test_every_module_that_is_run_exists() -> None:
    modules = re.findall(r"python -m (tests[\w.]*)", ARCHITECTURE.read_text())
    assert modules
    for module in modules:
        file = ROOT / module.replace(".", "/")
        assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), module


def test_every_name_is_in_the_file_it_is_said_to_be_in() -> None:
    named = re.findall(r"`(\w+)`(?: and `(\w+)`)? in `([\w./]+\.py)`", ARCHITECTURE.read_text())
    assert len(named) > 5
    for *names, file in named:
        text = (ROOT / file).read_text()
        assert [name for name in names if not re.search(rf"\b{name}\b", text)] == [], file


def test_every_package_is_described_by_the_first_line_of_its_docstring() -> None:
    table = ARCHITECTURE.read_text().partition("| package |")[2].partition("\n\n")[0]
    said = re.findall(r"^\| `([\w/]+)` \| (.+) \|$", table, re.MULTILINE)
    inits = {init.parent.relative_to(TRACKER).as_posix(): first_line(init) for init in TRACKER.rglob("__init__.py")}
    assert dict(said) == {name: line for name, line in inits.items() if name != "." and not name.startswith("storage/migrations/")}
    assert tuple(name for name, _ in said if "/" not in name) == PACKAGES


def public_names(module: str) -> set[str]:
    """What `__all__` lists, read from the source: an integration imports its framework."""
    root, _, name = module.partition(".")
    folder = TRACKER if not name.startswith("integrations") else ROOT
    file = folder / f"{name.replace('.', '/')}.py"
    tree = ast.parse((file if name and file.exists() else folder / name / "__init__.py").read_text())
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    assert root == "trainwatt"
    assert lists, f"{module} is not public: it has no __all__"
    return set(ast.literal_eval(lists[0]))


PUBLIC = {
    "trainwatt",
    "trainwatt.core",
    "trainwatt.torch",
    *(f"trainwatt.integrations.{file.stem}" for file in INTEGRATIONS.glob("[a-z]*.py")),
}
TEXTS = {page.name: page for page in (*sorted((ROOT / "examples").glob("*.py")), ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}


@pytest.mark.parametrize("name", TEXTS)
def test_docs_and_examples_import_public_names_only(name: str) -> None:
    text = TEXTS[name].read_text()
    source = text if name.endswith(".py") else "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "trainwatt":
            assert node.module in PUBLIC
            assert {alias.name for alias in node.names} <= public_names(node.module or "")
        if isinstance(node, ast.Import):
            assert {a.name for a in node.names if a.name.partition(".")[0] == "trainwatt"} <= PUBLIC


def test_every_public_name_exists() -> None:
    from trainwatt import core

    assert [name for name in trainwatt.__all__ if not hasattr(trainwatt, name)] == []
    assert [name for name in core.__all__ if not hasattr(core, name)] == []
    assert public_names("trainwatt.core") == set(core.__all__)
    assert public_names("trainwatt") == set(trainwatt.__all__)


def test_contributing_says_what_is_public() -> None:
    section = CONTRIBUTING.read_text().partition("## What is public")[2].partition("\n## ")[0]
    assert {"tracker/__init__.py", "tracker/core/__init__.py", "integrations/"} <= set(re.findall(r"`([^`]+)`", section))
