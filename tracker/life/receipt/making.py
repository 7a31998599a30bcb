"""Makes a receipt."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from ..._version import __version__
from ...analysis.footprint import times_of
from ...analysis.open_store import open_store
from ...carbon.series import Span
from ...carbon.tables.hardware import table
from ...carbon.terms import Terms
from ...errors import ConfigurationError, StoreError
from ...machine.files import read_regular
from ...machine.resources import folder_of
from ...storage.merge import places
from ...storage.merge.merging import Merge, Place
from ...storage.place import files_in, is_server
from ..footprints import Timed, runs_of
from ..plan import Life
from .archive import HARDWARE, INTENSITIES, LIFE, MANIFEST, RESULT, RUNS, SIGNATURE, TERMS, Manifest, digest, packed
from .computing import computed
from .inputs import Asked, series_as_csv
from .signing import private_key, raw


def receipt(
    file: Path | None,
    life: Life,
    terms: Terms,
    place: str | None,
    made_at: str,
    sign: Path | None,
    say: Callable[[str], None],
    timed: Timed | None = None,
) -> bytes:
    """The bytes of a receipt of a life that `file` describes, or of the runs of its project without one. `timed`: as `gathered` takes it.
    Raises TrainwattError."""
    key = None if sign is None else private_key(sign)
    with tempfile.TemporaryDirectory(prefix="trainwatt-receipt-") as name:
        folder = Path(name)
        (folder / LIFE).write_bytes(_described(file, life))
        (folder / TERMS).write_text(Asked(life.name, terms).as_json(), encoding="utf-8")
        if terms.hardware is not None:
            table(terms.hardware)  # says what is wrong with it
            (folder / HARDWARE).write_bytes(read_regular(Path(terms.hardware)).content)
        spans = _copy_runs(life, place, folder / RUNS)
        for series in () if timed is None else timed(terms, spans).series:
            (folder / INTENSITIES).write_text(series_as_csv(series), encoding="utf-8")
        result = computed(folder, say)
        (folder / RESULT).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    digests = {name: digest(data) for name, data in files.items()}
    signed_by = None if key is None else raw(key.public_key())
    files[MANIFEST] = Manifest(f"trainwatt {__version__}", made_at, digests, digests_of_tables(), signed_by).as_bytes()
    if key is not None:
        files[SIGNATURE] = key.sign(files[MANIFEST])
    return packed(files)


def _described(file: Path | None, life: Life) -> bytes:
    """The file of a life, or one that says as much as its project does. Raises ConfigurationError."""
    if file is None:
        project = json.dumps(life.project, ensure_ascii=False).replace("\x7f", r"\u007f")  # TOML takes no DEL
        return f"[model]\nproject = {project}\n".encode()
    if not file.is_file():
        raise ConfigurationError(f"{file} can be read only once, and a receipt has it too: write it to a file first, and name that")
    return file.read_bytes()


def digests_of_tables() -> dict[str, str]:
    """The digest of each bundled table of factors, by its name."""
    folder = folder_of("trainwatt.carbon.tables", "data")
    return {
        file.name: digest(file.read_bytes()) for file in sorted(folder.iterdir(), key=lambda file: file.name) if file.name.endswith(".csv")
    }


def _copy_runs(life: Life, place: str | None, target: Path) -> list[Span]:
    """The runs of a life, and the cached intensities, as a database of their own. Returns when they were measured."""
    into, spans = places.target(str(target)), []
    if life.has_runs:
        store = open_store(place)
        of, measured = runs_of(store, life)
        run_ids = list(dict.fromkeys([*of.stages, *measured]))
        spans = times_of(store, run_ids)
        for source in _sources(store.place):
            merge = Merge(source, into, run_ids)
            for batch in merge.batches():
                merge.take(batch)
            merge.take_intensities()
            if merge.taken.failed:
                failed = merge.taken.failed[0]
                raise ConfigurationError(f"run {failed.run_id[:8]} cannot be put into a receipt: {failed.reason}; leave it out of the file")
    into.engine.dispose()
    with closing(sqlite3.connect(target)) as connection:  # one file, without those of a database in use
        connection.execute("PRAGMA journal_mode = DELETE")
        _leave_out(connection, spans)
        connection.execute("VACUUM")
    return spans


def _sources(place: str) -> Iterator[Place]:
    """The databases that have the runs: one, or those in a folder. Of a folder, a file that cannot be read is left out, as in lists. Raises
    StoreError."""
    if is_server(place) or not Path(place).is_dir():
        yield places.source(place)
        return
    for file in files_in(Path(place)):
        with suppress(StoreError):
            yield places.source(str(file))


def _leave_out(connection: sqlite3.Connection, spans: Sequence[Span]) -> None:
    """Delete the cached intensities of other times: they tell where others have run, and no figure depends on them."""
    connection.execute("CREATE TEMPORARY TABLE span (start_ns INTEGER, end_ns INTEGER)")
    connection.executemany("INSERT INTO span VALUES (?, ?)", spans)
    connection.execute(
        "DELETE FROM grid_intensity WHERE NOT EXISTS (SELECT 1 FROM span WHERE start_ns < end_utc_ns AND end_ns > start_utc_ns)"
    )
    connection.commit()
