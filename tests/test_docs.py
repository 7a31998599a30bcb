"""What README and docs say exists, and what exists is said."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import rich_click as click

from tests.commands_page import PAGE, page
from trainwatt import EnergyTracker
from trainwatt.cli.main import COMMANDS, cli
from trainwatt.config import PREFIX, Config
from trainwatt.core.run import EventKind

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "SKILL.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_exist(page: Path) -> None:
    said = set(re.findall(r"^trainwatt ([a-z]+)\b", "\n".join(_code(page.read_text())), re.MULTILINE))
    assert said <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_a_tracker_is_said_to_do_it_does(page: Path) -> None:
    said = set(re.findall(r"\btracker\.([a-z_]+)\(", page.read_text()))
    assert [name for name in sorted(said) if not hasattr(EnergyTracker, name)] == []


def test_every_command_is_in_the_readme() -> None:
    missing = [word for word in COMMANDS if word != "ls" and f"trainwatt {word}" not in README]
    assert missing == []


def test_the_page_of_commands_says_what_help_says() -> None:
    assert PAGE.read_text() == page(), "python -m tests.commands_page"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_are_spelled_as_they_can_be_typed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option exists and takes such a value. No command is run."""
    monkeypatch.chdir(tmp_path)
    context = click.Context(cli, info_name="trainwatt", **cli.context_settings)
    for line in _typed(page.read_text()):
        word, *arguments = shlex.split(line.partition("trainwatt ")[2], comments=True)
        command = cli.get_command(context, word)
        assert command is not None, line
        try:
            command.make_context(word, arguments, context)
        except click.UsageError as error:
            raise AssertionError(f"{line}: {error.format_message()}") from None


def test_settings_are_those_of_the_table() -> None:
    table = (ROOT / "docs" / "track.md").read_text().partition("## Settings")[2].partition("## ")[0]
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", table))
    settings = {f.name.upper() for f in fields(Config)}
    assert named <= settings
    arguments = set(re.findall(r"`([a-z_]+)`", table))
    assert {f.name for f in fields(Config)} - {"baseline_s", "scope"} <= arguments


def test_the_readme_lists_every_kind_of_event() -> None:
    table = README.partition("| event |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [kind.value for kind in EventKind]


def test_every_kind_of_event_is_raised() -> None:
    named = {
        node.attr
        for file in (ROOT / "tracker").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "EventKind"
    }
    assert named >= {kind.name for kind in EventKind}


@pytest.mark.parametrize("name", ["example", "tests"])
def test_the_two_commands_are_marked(name: str) -> None:
    assert f"<!-- command: {name} -->" in README


def test_no_line_promises_what_is_still_to_be_filled_in() -> None:
    assert [page.name for page in PAGES if "@@" in page.read_text()] == []


def _typed(text: str) -> list[str]:
    """The lines of shell blocks that call trainwatt, without the variables before and the pipe after."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    calls = (re.match(r"(?:[A-Z_]+=\S* |srun \S+ )*(trainwatt .*)", line) for line in lines)
    return [call[1].partition(" | ")[0].partition(" > ")[0] for call in calls if call is not None]


def _code(text: str) -> list[str]:
    """Code blocks and inline code."""
    return re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
