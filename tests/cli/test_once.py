"""An option that takes one value, given twice: no value is lost without a word."""

from __future__ import annotations

import pytest
import rich_click as click
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from trainwatt.cli.main import COMMANDS, cli
from trainwatt.cli.once import LAST_COUNTS, given_once, require_once, spelled
from trainwatt.errors import ConfigurationError


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--project", "A", "--project", "B"), "--project A and --project B: this option takes one value"),
        (("footprint", "--status", "completed", "--status", "failed"), "--status completed and --status failed"),
        (("report", "--group=a", "--group=b", "--group", "a"), "--group a and --group b: "),
        (("compare", "a", "b", "--since", "7d", "--since", "1h"), "--since 7d and --since 1h"),
        (("export", "--what", "runs", "--what", "phases"), "--what runs and --what phases"),
        (("estimate", "--pue", "1.1", "--pue", "1.4"), "--pue 1.1 and --pue 1.4"),
        (("zones", "--kind", "country", "--kind", "alias"), "--kind country and --kind alias"),
        (("delete", "--db", "one.db", "--db", "two.db", "a"), "--db one.db and --db two.db"),
        (("run", "--stage", "data", "--stage", "training", "--", "true"), "--stage data and --stage training"),
    ],
)
def test_two_values_are_named_and_refused(arguments: tuple[str, ...], said: str) -> None:
    error = call(*arguments).exception
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(said)
    assert str(error).endswith("only the last would count; give one of them")


def options() -> list[tuple[str, click.Command, click.Option]]:
    context = click.Context(cli, info_name="trainwatt")
    commands = [(word, cli.get_command(context, word)) for word in COMMANDS]
    found = [(word, of, option) for word, of in commands if of is not None for option in of.params]
    return [(word, of, option) for word, of, option in found if isinstance(option, click.Option)]


def test_every_option_that_says_which_runs_names_or_terms_are_meant_is_given_once() -> None:
    context = click.Context(cli, info_name="trainwatt")
    once = [(word, of, spelled(option)) for word, of, option in options() if option in given_once(of)]
    assert {"--project", "--group", "--stage", "--status", "--since", "--limit", "--name", "--kind", "--zone", "--pue", "--db"} <= {
        name for _, _, name in once
    }
    for word, command, name in once:
        values = ("***", "***") if name == "--token" else ("one", "two")
        with pytest.raises(ConfigurationError) as caught:
            require_once(command, context, word, [name, "one", name, "two"])
        assert str(caught.value).startswith(f"{name} {values[0]} and {name} {values[1]}: this option takes one value")
        require_once(command, context, word, [name, "one", name, "one"])


def test_of_how_a_command_works_the_last_word_counts() -> None:
    """An alias may say --format md; what is written behind it overrides that."""
    assert set(map(spelled, (option for _, _, option in options()))) >= LAST_COUNTS
    for word, command, option in options():
        if spelled(option) in LAST_COUNTS:
            require_once(command, click.Context(cli), word, [spelled(option), "one", spelled(option), "two"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("zones", "no", "--kind", "country", "--kind", "country"),
        ("zones", "no", "--json", "--json"),
        ("estimate", "--energy-kwh", "1", "--zone", "FR", "--zone", "NO"),
    ],
)
def test_what_loses_nothing_may_be_repeated(arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exception is None


def test_options_of_the_command_that_is_measured_are_its_own() -> None:
    command = cli.get_command(click.Context(cli), "run")
    assert command is not None
    parent = click.Context(cli, info_name="trainwatt")
    require_once(command, parent, "run", ["--project", "a", "--", "train", "--project", "b", "--name", "c", "--name", "d"])
    require_once(command, parent, "run", ["--project", "a", "train", "--project", "b"])


def test_what_else_is_wrong_is_said_by_the_command() -> None:
    assert isinstance(call("list", "--unknown", "--project", "a", "--project", "b").exception, click.UsageError)


def test_a_shell_completes_what_is_written_so_far_all_the_same() -> None:
    words = ["list", "--project", "a", "--project", "b"]
    found = ShellComplete(cli, {}, "trainwatt", "_TRAINWATT_COMPLETE").get_completions(words, "--stat")
    assert [item.value for item in found] == ["--status"]
