"""An option that takes one value, given twice with two values: click uses the last one without a word, so the other would be lost."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import rich_click as click

from ..errors import ConfigurationError

LAST_COUNTS = frozenset(
    f"--{name}"
    for name in (
        *("by", "columns", "cooldown", "die-with", "format", "host", "interval", "output", "period", "port", "precision", "runs", "sort"),
        "warmup",
    )
)
"""Options that say how a command works or prints, and not which runs, names or terms are meant. An alias may have one of them, and what is
written behind the alias counts, as everywhere."""


def require_once(command: click.Command, parent: click.Context, name: str, arguments: list[str]) -> None:
    """Raises ConfigurationError if an option of `command` that takes one value has several different ones in `arguments`.

    Flags may be repeated, and so may a value: nothing is lost. What else is wrong with the arguments is said when the command reads them.
    """
    probe = copy.copy(command)
    probe.params = [_collecting(option) for option in command.params]
    context = command.context_class(probe, parent=parent, info_name=name, **command.context_settings)
    try:
        given, _, _ = probe.make_parser(context).parse_args(list(arguments))
    except click.UsageError:
        return
    for option in given_once(command):
        values = list(dict.fromkeys(given.get(option.name or "", ())))
        if len(values) > 1:
            label = spelled(option)
            each = f" and {label} ".join(map(str, values))
            raise ConfigurationError(f"{label} {each}: this option takes one value, and only the last would count; give one of them")


def given_once(command: click.Command) -> Iterator[click.Option]:
    """The options of which only one value may be given."""
    for option in command.params:
        if isinstance(option, click.Option) and not (option.multiple or option.is_flag or option.count or spelled(option) in LAST_COUNTS):
            yield option


def spelled(option: click.Option) -> str:
    """The long name of an option."""
    return max(option.opts, key=len)


def _collecting(option: click.Parameter) -> click.Parameter:
    """The option as one that keeps all of its values."""
    kept = copy.copy(option)
    if isinstance(kept, click.Option) and not (kept.is_flag or kept.count):
        kept.multiple = True
    return kept
