"""`trainwatt trust`: allow a file of settings to name code, sinks, a database or files elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import rich_click as click

from ..config import working_folder
from ..errors import ConfigurationError
from ..presentation.words.safe_text import clean
from ..settings import consent
from ..settings.named import NOTHING
from ..settings.search import OWN, SHARED, NotFollowed, SettingsFile, folders, load
from .options import json_option
from .output import echo

SCHEMA_VERSION = 1


@click.command("trust")
@click.argument("path", required=False, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]")
@click.option("--list", "listed", is_flag=True, help="List what is allowed, and what has changed since.")
@click.option("--forget", is_flag=True, help="Take back what was allowed.")
@json_option
def command(path: Path | None, listed: bool, forget: bool, as_json: bool) -> None:
    """Allow a file of settings to name sensors, sinks, a database, or files elsewhere. Look at the file and the code that it names first.

    Takes the file that a run in the folder would use, by default in the working directory. What is allowed is printed. It is allowed until
    the settings or the code change, and to this user only.
    """
    if forget and (listed or as_json):
        raise click.UsageError("--forget changes what --list and --json show: give one of them")
    if listed or as_json:
        _list(as_json)
    elif forget:
        _forget(_absolute(path))
    else:
        _allow(_file(_absolute(path)))


def _absolute(path: Path | None) -> Path:
    return working_folder() if path is None else Path(os.path.abspath(path))


def _file(path: Path) -> SettingsFile:
    """The file of settings at a path, or the one that a run in that folder would use. Raises ConfigurationError if there is none."""
    places = folders(path) if os.path.isdir(path) else []
    if not places and path.name not in (OWN, SHARED):
        raise ConfigurationError(f"{path} is no file of settings: name a {OWN}, a {SHARED}, or the folder of the project")
    for candidate in [place / name for place in places for name in (OWN, SHARED)] or [path]:
        found = load(candidate)
        if isinstance(found, NotFollowed):
            raise ConfigurationError(f"{candidate} cannot be read as settings; correct it, or move it away")
        if found is not None:
            return found
    where = f"in {places[0]}" + (f" or above, up to {places[-1]}" if len(places) > 1 else "") if places else f"at {path}"
    raise ConfigurationError(f"there are no settings {where}: neither a {OWN} nor a {SHARED} with a table [tool.trainwatt]")


def _allow(found: SettingsFile) -> None:
    if not found.needs_consent:
        echo(f"{clean(str(found.path))} names no code, no database and no file elsewhere: there is nothing to allow.")
        return
    consent.give(found.needed)
    echo(f"{clean(str(found.path))} is allowed:")
    for name in found.named.settings if found.doubt is None else found.named.values:
        echo(f"  {name} = {clean(json.dumps(found.named.values[name], default=str, ensure_ascii=False))}")
    for file, digest in found.named.code.items():
        echo(f"  {clean(file)} {'cannot be read, and is not run' if digest == NOTHING else 'is run'}")
    if found.doubt is not None:
        echo(f"Other users can change it: {clean(str(found.doubt.at))} is not yours alone.")
    echo("This holds until the settings or the code change. `trainwatt trust --forget` takes it back.")


def _forget(path: Path) -> None:
    candidates = [place / name for place in folders(path) for name in (OWN, SHARED)] if os.path.isdir(path) else [path]
    forgotten = next((real for file in candidates if consent.take_back(real := Path(os.path.realpath(file)))), None)
    if forgotten is None:
        raise ConfigurationError(f"nothing is allowed for {path}; `trainwatt trust --list` shows what is")
    echo(f"{clean(str(forgotten))} is not allowed any more.")


def _list(as_json: bool) -> None:
    rows = [(one.file, _state(one)) for one in consent.all_given()]
    if as_json:
        echo(json.dumps({"schema_version": SCHEMA_VERSION, "allowed": [{"file": f, "state": state} for f, state in rows]}, indent=2))
        return
    for file, state in rows:
        echo(f"{clean(file)}{'' if state == 'valid' else f'  ({state})'}")


def _state(given: consent.Consent) -> str:
    """Whether what was allowed still holds: "valid", "changed" or "gone"."""
    try:
        found = load(Path(given.file))
    except ConfigurationError:
        return "changed"
    if found is None:
        return "gone"
    return "changed" if isinstance(found, NotFollowed) or given.changed(found.needed) is not None else "valid"
