"""A folder's files as one store."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, delete, select

from ...errors import StoreBusyError, StoreError
from ...log import warn
from ..engine import make_engine, reading, writing
from ..merge.merging import Merge, Place
from ..merge.places import source
from ..place import files_in
from ..read.rows import chunks_of
from ..read.store import Store
from ..read.vanished import Here, vanished_of
from ..schema import RUN, SEGMENT
from .cache import Cache, stamp_text

T = TypeVar("T")
LOOK_S, SHARE = 1.0, 5
"""While a command reads again and again: the least time between two looks at the files, and how many times as long as a look it is."""


class _Opened(NamedTuple):
    """A file that can be read, and its runs."""

    place: Place
    run_ids: set[str]


class FolderStore(Store):
    """All files of a folder that end with .db, as one database. A run with processes in several files is one run.

    Reading never changes a file. What is written goes to the file that has the run.
    """

    def __init__(self, folder: Path, own: Path, environ: Mapping[str, str]) -> None:
        """`own` is the file that trackers on this host write. Raises StoreError if no file can be read."""
        self._folder, self._own = folder, own
        self._cache = Cache(folder, environ)
        self._look_next_s = 0.0
        self._said: set[str] = set()
        self._lock = threading.Lock()
        super().__init__(make_engine(str(self._cache.path)), str(folder))
        self._refresh()

    def delete(self, run_ids: Iterable[str]) -> int:
        """Delete runs from all files that have them. Returns how many runs were deleted."""
        ids = set(run_ids)
        for file, own in self._files_of(ids).items():
            Store.open(str(file)).delete(own)
        before = self._known(ids)
        self._refresh()
        return len(before - self._known(ids))

    def add_footprints(self, footprints: Sequence[Mapping[str, object]]) -> None:
        """Keep each footprint in the first file that has its run."""
        left = list(footprints)
        for file, own in self._files_of(str(row["run_id"]) for row in left).items():
            if here := [row for row in left if row["run_id"] in own]:
                Store.open(str(file)).add_footprints(here)
                left = [row for row in left if row["run_id"] not in own]
        self._refresh()

    def cache_intensities(self, values: Sequence[Mapping[str, object]]) -> None:
        """Keep a provider's intensities in this host's file, or in the first one if this host has none."""
        file = self._own if self._own.exists() else files_in(self._folder)[0]
        Store.open(str(file)).cache_intensities(values)
        self._refresh()

    def mark_vanished(self, here: Here) -> list[str]:
        """`Store.mark_vanished`, in the files."""
        vanished = self._read(lambda connection: vanished_of(connection, here))
        if vanished.segments:
            of = self._read(lambda connection: _runs_of(connection, list(vanished.segments)))
            for file in self._files_of(of):
                try:
                    Store.open(str(file)).mark_vanished(here)
                except StoreError:
                    continue
            self._refresh()
            self._unwritten = self._read(lambda connection: vanished_of(connection, here))
        return list(vanished.runs)

    def _read(self, question: Callable[[Connection], T]) -> T:
        if time.monotonic() >= self._look_next_s:
            self._refresh()
        return super()._read(question)

    def _refresh(self) -> None:
        """Bring the cache up to date. Raises StoreError."""
        begun_s = time.monotonic()
        with self._lock, self._cache.locked() as kept:
            files = {file.name: file for file in files_in(self._folder)}
            stamps = {name: stamp_text(file) for name, file in files.items()}
            known: dict[str, str] = dict(kept.execute("SELECT name, stamp FROM folder_file"))
            runs: dict[str, set[str]] = {name: set() for name in known}
            for name, run_id in kept.execute("SELECT name, run_id FROM folder_run"):
                runs[name].add(run_id)
            changed = {name for name in files if not stamps[name] or known.get(name) != stamps[name]}
            opened, unreadable = self._opened(files, changed)
            gone = {name for name in known if name not in files} | unreadable
            lost = {run_id for name in gone for run_id in runs.get(name, ())}
            lost |= {run_id for name, of in opened.items() for run_id in runs.get(name, set()) - of.run_ids}
            if lost:  # what other files have of these runs is taken in once more
                self._forget(lost)
                again = {name for name, ids in runs.items() if name not in gone | changed and ids & lost}
                opened |= self._opened(files, again)[0]
            target = Place(make_engine(str(self._cache.path), writes=True), str(self._cache.path))
            for name, of in opened.items():
                self._take(name, of.place, target)
            _remember(kept, gone, {name: (stamps[name], of.run_ids) for name, of in opened.items()})
            if not opened and not known.keys() - gone:
                raise StoreError(f"no file in {self._folder} can be read as a database. Track a run, or name another place with --db.")
        ended_s = time.monotonic()
        self._look_next_s = ended_s + max(LOOK_S, SHARE * (ended_s - begun_s))

    def _opened(self, files: Mapping[str, Path], names: Iterable[str]) -> tuple[dict[str, _Opened], set[str]]:
        """Those of the files that can be read, and the names of those that are no database. What is wrong with a file is said once."""
        opened: dict[str, _Opened] = {}
        unreadable: set[str] = set()
        for name in sorted(names):
            try:
                place = source(str(files[name]))
                with reading(place.engine) as connection:
                    opened[name] = _Opened(place, {str(run_id) for run_id in connection.scalars(select(RUN.c.id))})
            except StoreBusyError as error:
                self._say(name, f"{error} What is new in it is missing here.")
            except StoreError as error:
                unreadable.add(name)
                self._say(name, f"{error} The other files of {self._folder} are read.")
        return opened, unreadable

    def _forget(self, run_ids: Iterable[str]) -> None:
        with writing(make_engine(str(self._cache.path), writes=True)) as connection:
            for chunk in chunks_of(run_ids):
                connection.execute(delete(RUN).where(RUN.c.id.in_(chunk)))

    def _take(self, name: str, of: Place, target: Place) -> None:
        merge = Merge(of, target)
        try:
            for batch in merge.batches():
                merge.take(batch)
            merge.take_intensities()
        except StoreBusyError as error:
            self._say(name, f"{error} What is new in it is missing here.")
        for failed in merge.taken.failed:
            self._say(f"{name} {failed.run_id}", f"run {failed.run_id} of {self._folder / name} is left out: {failed.reason}")

    def _say(self, about: str, text: str) -> None:
        if about not in self._said:
            self._said.add(about)
            warn("%s", text)

    def _files_of(self, run_ids: Iterable[str]) -> dict[Path, list[str]]:
        """The files that have some of these runs, and which."""
        found: dict[Path, list[str]] = {}
        ids = set(run_ids)
        with self._cache.locked() as kept:
            for name, run_id in kept.execute("SELECT name, run_id FROM folder_run ORDER BY name, run_id"):
                if run_id in ids:
                    found.setdefault(self._folder / name, []).append(run_id)
        return found

    def _known(self, run_ids: Iterable[str]) -> set[str]:
        chunks = chunks_of(run_ids)
        return super()._read(lambda c: {i for chunk in chunks for i in c.scalars(select(RUN.c.id).where(RUN.c.id.in_(chunk)))})


def _remember(kept: sqlite3.Connection, gone: Iterable[str], seen: Mapping[str, tuple[str, Iterable[str]]]) -> None:
    """Note the stamps and the runs of files, and forget those that are gone."""
    kept.execute("BEGIN IMMEDIATE")
    for name in {*gone, *seen}:
        kept.execute("DELETE FROM folder_file WHERE name = ?", (name,))
        kept.execute("DELETE FROM folder_run WHERE name = ?", (name,))
    for name, (stamp, run_ids) in seen.items():
        kept.execute("INSERT INTO folder_file VALUES (?, ?)", (name, stamp))
        kept.executemany("INSERT INTO folder_run VALUES (?, ?)", [(name, run_id) for run_id in run_ids])
    kept.execute("COMMIT")


def _runs_of(connection: Connection, segment_ids: Iterable[str]) -> set[str]:
    return {
        run_id for chunk in chunks_of(segment_ids) for run_id in connection.scalars(select(SEGMENT.c.run_id).where(SEGMENT.c.id.in_(chunk)))
    }
