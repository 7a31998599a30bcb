"""`trainwatt merge SOURCE… --into DB`: the runs of several databases in one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click

from ...analysis.view import SCHEMA_VERSION
from ...config import resolve, working_folder
from ...errors import ConfigurationError, StoreError
from ...presentation.words.quantities import count
from ...presentation.words.safe_text import clean
from ...storage.place import files_in, is_server, locate, masked, sqlite_path
from ..options import json_option
from ..output import echo, say
from ..progress import counted

if TYPE_CHECKING:
    from ...core.contract import MergedJson
    from ...storage.merge.merging import Place, Taken

FAILED = 1


class _Source(NamedTuple):
    """A database to read, and what is to be said of it: its place without a password."""

    place: str
    name: str


@click.command("merge")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--into", metavar="DB", help="The database to write: a file, a folder, or postgresql://USER@HOST/DATABASE.")
@click.option("--pending", is_flag=True, help="Instead of SOURCE: the runs of this machine that are not yet complete on the server.")
@click.option("--follow", is_flag=True, hidden=True, help="With --pending: as long as runs go on.")
@click.option("--from", "local", hidden=True, help="With --pending: the local file.")
@json_option
def command(sources: tuple[str, ...], into: str | None, pending: bool, follow: bool, local: str | None, as_json: bool) -> None:
    """Take the runs of several databases into one: those of several nodes, or those of a file into a team's server.

    SOURCE is a file, a folder whose files end with .db, or the URL of a server. Sources are never changed. Runs with one id are one run.
    Merging again changes nothing, brings runs up to date that have grown, and goes on after a merge that was ended.
    """
    if pending:
        if sources:
            raise click.UsageError("--pending takes no SOURCE: the runs are in the local file of this machine")
        _bring(into, local, follow=follow)
        return
    if not sources or into is None:
        raise click.UsageError("name what is to be merged, and the database to write: trainwatt merge node1.db node2.db --into all.db")
    from ...storage.merge import places

    place = _located(into)
    every = list(_sources(sources, place))
    target = places.target(place)
    merged = [_merged(source, target, hidden=as_json) for source in every]
    if as_json:
        echo(json.dumps({"schema_version": SCHEMA_VERSION, "into": masked(place), "sources": merged}, indent=2))
    else:
        for one in merged:
            _print(one)
    if any(one["error"] is not None or one["failed"] for one in merged):
        raise SystemExit(FAILED)


def _bring(server: str | None, local: str | None, *, follow: bool) -> None:
    """Bring the runs that the local file owes a server, by default the one that the settings name. Raises StoreError."""
    from ...machine.process import this_process
    from ...storage.owed.bringing import awaited, bring
    from ...storage.owed.bringing import follow as follow_runs
    from ...storage.owed.outbox import Outbox

    config = resolve({"db": server}, os.environ, working_folder())
    place = locate(None, {}, config.db)
    if not is_server(place):
        raise ConfigurationError("--pending needs a server: name it with --into postgresql://USER@HOST/DATABASE, or with TRAINWATT_DB")
    outbox = Outbox(Path(os.path.realpath(local or sqlite_path(place))), place)
    owed = len(outbox.owed())
    if not owed:
        echo(f"nothing is owed to {masked(place)}")
    elif follow:
        follow_runs(outbox, lambda: this_process(config.procfs))
    else:
        with outbox.locked() as mine:
            if mine:
                bring(outbox, this_process(config.procfs))
            elif (fault := awaited(outbox)) is not None:
                raise StoreError(f"another process is bringing {count(owed, 'run')}: {fault}")
        echo(f"{count(owed, 'run')} of {outbox.real_path} brought to {masked(place)}")


def _located(db: str) -> str:
    if not db:
        raise ConfigurationError("--into is empty: name a file, a folder or a server")
    return locate(db, {}, None)


def _sources(given: Sequence[str], target: str) -> Iterator[_Source]:
    """The databases to read, each once. Raises ConfigurationError for one that is the target, and for a folder without databases."""
    from ...storage.merge.places import is_same

    seen: list[str] = []
    for one in given:
        folder = Path(one).expanduser()
        whole = folder.is_dir()
        found = [str(file) for file in files_in(folder)] if whole else [_located(one)]
        if not found:
            raise ConfigurationError(f"the folder {one} has no database: no file in it ends with .db. Name a file or another folder.")
        for place in found:
            if is_same(place, target):
                if whole:
                    continue  # a folder may hold what its files are merged into
                raise ConfigurationError(f"{masked(place)} is both a source and the target: name another database with --into")
            if not any(is_same(place, other) for other in seen):
                seen.append(place)
                yield _Source(place, masked(place))


def _merged(source: _Source, target: Place, *, hidden: bool) -> MergedJson:
    """Merge one database. What is wrong with it is said, and the others are merged all the same."""
    from ...storage.merge import places
    from ...storage.merge.merging import Merge

    taken, error = None, None
    try:
        merge = Merge(places.source(source.place), target)
        taken = merge.taken
        batches, what = merge.batches(), f"merging {clean(os.path.basename(source.name))}"
        for batch in counted(batches, what, sum(map(len, batches)), hidden=hidden):
            merge.take(batch)
        merge.take_intensities()
    except (StoreError, ConfigurationError) as fault:
        error = str(fault)
        say(error)
    return _json(source, taken, error)


def _json(source: _Source, taken: Taken | None, error: str | None) -> MergedJson:
    return {
        "source": source.name,
        "added": taken.added if taken else 0,
        "renewed": taken.renewed if taken else 0,
        "unchanged": taken.unchanged if taken else 0,
        "failed": [{"run": run_id, "reason": reason} for run_id, reason in taken.failed] if taken else [],
        "error": error,
    }


def _print(merged: MergedJson) -> None:
    words = [f"{count(merged['added'], 'run')} added"]
    if merged["renewed"]:
        words.append(f"{merged['renewed']} brought up to date")
    if merged["unchanged"]:
        words.append(f"{merged['unchanged']} unchanged")
    if merged["error"] is None:
        echo(clean(f"{merged['source']}: {', '.join(words)}"))
    for failed in merged["failed"]:
        say(f"run {failed['run']} of {merged['source']} is left out: {failed['reason']}")
