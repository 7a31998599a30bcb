"""The options of commands that store runs which the tracker did not record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

import rich_click as click

from ..config import resolve, working_folder
from ..core.run import Stage
from ..errors import ConfigurationError, StoreError
from ..machine.process import this_process
from ..storage import place
from ..storage.owed.outbox import Outbox
from ..storage.write.statements import Rows, Statement
from ..storage.write.writer import Writer
from .options import Decorator, db_option, since_utc_ns, with_options
from .output import say

STAGES = tuple(stage.value for stage in Stage)


class KeptAs(NamedTuple):
    """What a stored run is called, when it began, and in which database it is."""

    project: str | None
    name: str | None
    group: str | None
    stage: str | None
    started_utc_ns: int | None
    db: str | None

    def given(self) -> list[str]:
        """The options that are given."""
        return [f"--{name.removesuffix('_utc_ns')}" for name, value in self._asdict().items() if value is not None]


def kept_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What stored runs are called, and where they are stored. The command gets them as one argument, `kept`."""
    options: list[Decorator] = [
        click.option("--project", help="The project that the run belongs to."),
        click.option("--name", help="A name for the run."),
        click.option("--group", help="A group of runs, such as one sweep."),
        click.option("--stage", type=click.Choice(STAGES), help="The stage of the model's life."),
        click.option("--started", metavar="WHEN", help="When it began, where nothing else says so: 2026-11-01, 2026-11-01T14:05, 7d."),
        db_option,
    ]

    @wraps(function)
    def command(*, project: Any, name: Any, group: Any, stage: Any, started: str | None, db: Any, **others: Any) -> Any:
        return function(kept=KeptAs(project, name, group, stage, _began(started), db), **others)

    return with_options(options, command)


def _began(text: str | None) -> int | None:
    try:
        return since_utc_ns(text)
    except ConfigurationError:
        raise ConfigurationError(f"--started {text}: give a date or time such as 2026-11-01T14:05, or how long ago, such as 7d") from None


class _Noting(Writer):
    """A writer that remembers which runs it wrote."""

    noted: tuple[str, ...] = ()

    def write(self, rows: Rows, updates: Rows | None = None, then: Sequence[Statement] = ()) -> None:
        super().write(rows, updates, then)
        self.noted += tuple(str(row["id"]) for row in rows.get("run", ()))


@contextmanager
def opened(db: str | None) -> Iterator[Writer]:
    """The database to write, by default the one that trackers started in this folder use. What is written for a server is brought there
    at the end. Raises ConfigurationError and StoreError."""
    config = resolve({"db": db}, os.environ, working_folder())
    located = place.locate(None, {}, config.db)
    writer = _Noting.open(place.sqlite_path(located))
    assert isinstance(writer, _Noting)
    try:
        yield writer
    finally:
        writer.close()
    if place.is_server(located) and writer.noted:
        _bring(Outbox(writer.real_path, located), writer.noted, config.procfs)


def _bring(outbox: Outbox, run_ids: Sequence[str], procfs: str) -> None:
    from ..storage.owed.bringing import bring_now  # loads SQLAlchemy

    try:
        for run_id in run_ids:
            outbox.add(run_id)
    except OSError as error:
        raise StoreError(f"{outbox.folder} cannot be written: {error.strerror}. The runs are in {outbox.real_path} only.") from error
    if (missing := bring_now(outbox, this_process(procfs))) is not None:
        say(f"the runs are in {outbox.real_path}, and not on {place.masked(outbox.server)} yet: {missing}")
