"""The sinks that the settings of a run name, made by the packages that offer them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from ...core.sink import GROUP, Sink
from ...errors import ConfigurationError, TrainwattError
from ...texts import error_text
from ...unwarned import unwarned

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Chosen(NamedTuple):
    """A sink, and the name by which the user has chosen it."""

    name: str
    sink: Sink


def name_of(setting: str) -> str:
    """The name of the sink in "name" or "name=text"."""
    return setting.partition("=")[0]


def chosen(settings: Sequence[str]) -> list[Chosen]:
    """The sinks of these settings, each "name" or "name=text". Raises ConfigurationError if one is not there, cannot be loaded, or does
    not take its text."""
    if not settings:
        return []
    from importlib.metadata import entry_points  # slow to load, and most runs have no sinks

    offered: dict[str, EntryPoint] = {entry.name: entry for entry in reversed(tuple(entry_points(group=GROUP)))}  # the first one counts
    return [_made(setting, offered) for setting in settings]


def of_process(sinks: Sequence[Chosen], *, speaks: bool, around: Collection[str]) -> list[Chosen]:
    """The sinks that may be one process's of a run. `speaks`: it is the first rank, or there are none. `around` names the sinks of the
    command around it. Which process of a machine has those of the machine is known when it reads sensors."""
    return [one for one in sinks if one.sink.per_host or (speaks and one.name not in around)]


def _made(setting: str, offered: dict[str, EntryPoint]) -> Chosen:
    name, _, text = setting.partition("=")
    if (entry := offered.get(name)) is None:
        from difflib import get_close_matches  # only after a mistake

        meant = "".join(f" (did you mean {near}?)" for near in get_close_matches(name, offered, 1))
        raise ConfigurationError(f"sinks: there is no sink {name!r}{meant}; there are {', '.join(sorted(offered)) or 'none'}")
    try:
        make = cast(Callable[[str], Sink], unwarned(entry.load))
        return Chosen(name, unwarned(make, text))
    except TrainwattError as error:
        raise ConfigurationError(f"sinks: {setting!r}: {error}") from error
    except Exception as error:  # the code is that of another package
        raise ConfigurationError(f"sinks: {setting!r} of {_package(entry)} cannot be used: {error_text(error)}") from error


def _package(entry: EntryPoint) -> str:
    return entry.value if entry.dist is None else entry.dist.name
