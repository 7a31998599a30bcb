"""Whatever is altered in a receipt is refused or named: every digit, every cell, and every byte of the archive."""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.life.test_disclose import INFERENCE, MODEL, STATED
from tests.life.test_life import written
from tests.life.test_receipt import altered, call, keys, made, verified
from trainwatt.errors import ConfigurationError
from trainwatt.life.receipt.archive import MANIFEST, RESULT, SIGNATURE, Manifest, digest, packed, unpacked
from trainwatt.life.receipt.verifying import verified as found_in

if TYPE_CHECKING:
    from trainwatt.core.contract import VerifiedJson

LIFE = MODEL + STATED + INFERENCE
ADDED = '[[add]]\nstage = "training"\nname = "x"\nsource = "a bill"\nenergy_kwh = [1, 2, 3]\n'


def receipt_of(folder: Path, *more: object, text: str = LIFE) -> bytes:
    return made(folder, written(folder, text), *more).read_bytes()


def signed(folder: Path, text: str = LIFE) -> tuple[bytes, Path]:
    private, public = keys(folder, "mine")
    return receipt_of(folder, "--sign", private, text=text), public


def said(data: bytes, key: Path | None = None) -> VerifiedJson:
    return found_in(data, key, lambda _: None)


def with_digit(data: bytes, at: int) -> bytes:
    """Another digit at a place."""
    return data[:at] + b"%d" % ((data[at] - ord("0") + 1) % 10) + data[at + 1 :]


@pytest.mark.parametrize("has_key", [False, True])
def test_no_byte_of_the_archive_can_be_altered(tmp_path: Path, has_key: bool) -> None:
    """Not one is harmless: the bytes of an archive follow from its files, so its times, flags and names of systems are compared too."""
    data, key = signed(tmp_path, ADDED) if has_key else (receipt_of(tmp_path, text=ADDED), None)
    assert said(data, key)["holds"]
    pick = random.Random(7)
    directory = data.index(b"PK\x01\x02")
    places = [*(pick.randrange(len(data)) for _ in range(250)), *(pick.randrange(directory, len(data)) for _ in range(150))]
    for at in places:
        other = data[:at] + bytes([data[at] ^ 1 << pick.randrange(8)]) + data[at + 1 :]
        try:
            found = said(other, key)
        except ConfigurationError:
            continue
        assert not found["holds"], at
        assert found["altered"], at


@pytest.mark.parametrize("has_key", [False, True])
def test_a_digit_of_a_file_is_found_although_the_archive_is_packed_again(tmp_path: Path, has_key: bool) -> None:
    data, key = signed(tmp_path) if has_key else (receipt_of(tmp_path), None)
    files, pick = unpacked(data), random.Random(3)
    for name, text in files.items():
        digits = [m.start() for m in re.finditer(rb"\d", text)]
        for at in pick.sample(digits, min(len(digits), 12)):
            try:
                found = said(packed({**files, name: with_digit(text, at)}), key)
            except ConfigurationError:
                if name == MANIFEST:  # the number of the format
                    continue
                raise
            assert not found["holds"], (name, at)
            assert name in found["altered"]
            assert (SIGNATURE in found["altered"]) is (has_key and name in (MANIFEST, SIGNATURE))
            assert found["signature_holds"] is (None if not has_key else name not in (MANIFEST, SIGNATURE))


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Each number in a JSON value, and what sets it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        at = f"{place}[{key}]" if isinstance(value, list) else f"{place}.{key}" if place else str(key)
        if isinstance(item, int | float) and not isinstance(item, bool):
            yield at, partial(value.__setitem__, key)
        else:
            yield from numbers(item, at)


def _instead(new: bytes, _: bytes) -> bytes:
    return new


def test_every_figure_is_computed_again(tmp_path: Path) -> None:
    """An altered one is named, even if all digests fit it."""
    file = made(tmp_path, written(tmp_path, LIFE))
    result = json.loads(unpacked(file.read_bytes())[RESULT])
    every = [place for place, _ in numbers(result)]
    assert len(every) > 500
    for place in random.Random(5).sample(every, 20):
        changed = json.loads(json.dumps(result))
        dict(numbers(changed))[place](-1.5)
        text = (json.dumps(changed, indent=2, ensure_ascii=False) + "\n").encode()
        found = said(altered(file, RESULT, partial(_instead, text), digests_too=True).read_bytes())
        assert [d["figure"] for d in found["differences"]] == [place]


def test_a_signature_finds_what_the_digests_were_made_to_fit(tmp_path: Path) -> None:
    """Also what is in no figure: the name of a machine, the time of the receipt, and another key in place of that of the signer."""
    data, key = signed(tmp_path)
    _, other = keys(tmp_path, "other")
    files = unpacked(data)
    manifest = Manifest.read(files[MANIFEST])
    cells = packed_with(files, {"runs.db": files["runs.db"].replace(b"node-a", b"node-b")})
    times = packed({**files, MANIFEST: manifest._replace(made_at="2001-01-01T00:00:00Z").as_bytes()})
    for forged in (cells, times):
        found = said(forged, key)
        assert (found["holds"], found["signature_holds"]) == (False, False)
        assert SIGNATURE in said(forged)["altered"]  # without a key, too
    private, _ = keys(tmp_path, "forger")
    own = receipt_of(tmp_path, "--sign", private)
    assert said(own)["holds"]
    assert (said(own, key)["holds"], said(own, key)["signature_holds"]) == (False, False)
    assert said(own)["signed_by"] != said(data)["signed_by"]
    assert said(data, other)["signature_holds"] is False


def packed_with(files: dict[str, bytes], changed: dict[str, bytes]) -> bytes:
    """Files in place of others, with digests that fit."""
    manifest = Manifest.read(files[MANIFEST])
    digests = {**manifest.files, **{name: digest(data) for name, data in changed.items()}}
    return packed({**files, **changed, MANIFEST: manifest._replace(files=digests).as_bytes()})


@pytest.mark.parametrize("missing", [SIGNATURE, "its key"])
def test_a_signature_and_the_key_that_it_is_of_belong_together(tmp_path: Path, missing: str) -> None:
    data, key = signed(tmp_path, ADDED)
    files = unpacked(data)
    if missing == SIGNATURE:
        del files[SIGNATURE]
    else:
        files[MANIFEST] = Manifest.read(files[MANIFEST])._replace(signed_by=None).as_bytes()
    found = said(packed(files))
    assert (found["holds"], found["altered"]) == (False, [SIGNATURE])
    assert said(packed(files), key)["signature_holds"] is False


MEASURED = {
    "curve_point": ("t_ns", "counter_j"),
    "device": ("gain_class", "included_in_total", "kind"),
    "run": ("duration_s", "status", "stage", "tags"),
    "inventory": ("detail",),
}
"""Some of the cells that figures depend on."""
NEW_CELLS = {
    "detail": '{"model": "NVIDIA H100"}', "stage": "data", "tags": '{"final": "yes"}', "status": "failed", "kind": "cpu",
    "included_in_total": 0, "gain_class": "another",
}  # fmt: skip


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in MEASURED.items() for column in columns])
def test_a_cell_that_a_figure_depends_on_changes_a_figure(tmp_path: Path, table: str, column: str) -> None:
    def change(data: bytes) -> bytes:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(data)
        [(row, cell)] = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid DESC LIMIT 1").fetchall()
        new = NEW_CELLS[column] if column in NEW_CELLS else cell - cell / 8
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
        connection.commit()
        return bytes(connection.serialize())

    view = verified(altered(made(tmp_path), "runs.db", change, digests_too=True))
    assert not view["holds"]
    assert view["error"] or view["differences"]


def test_a_signature_finds_each_altered_cell(tmp_path: Path) -> None:
    """Of whatever table and column, although no figure depends on most of them, and all digests fit."""
    files = unpacked(signed(tmp_path)[0])
    places = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(files["runs.db"])
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            places += [(table, column) for column in columns if rows]
    assert len(places) > 60
    for table, column in random.Random(11).sample(places, 15):
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(files["runs.db"])
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(f"UPDATE {table} SET {column} = CASE WHEN {column} = 7 THEN 8 ELSE 7 END WHERE rowid = 1")
            connection.commit()
            found = said(packed_with(files, {"runs.db": bytes(connection.serialize())}))
        assert SIGNATURE in found["altered"], (table, column)
        assert not found["holds"]


def rezipped(data: bytes, change: Callable[[zipfile.ZipInfo], None] = lambda _: None, names: list[str] | None = None) -> bytes:
    """The same files in an archive that is made in another way."""
    files, target = unpacked(data), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names or sorted(files):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            change(info)
            archive.writestr(info, files[name])
    return target.getvalue()


def _set(**values: object) -> Callable[[zipfile.ZipInfo], None]:
    def change(info: zipfile.ZipInfo) -> None:
        for name, value in values.items():
            setattr(info, name, value)

    return change


def _with_comment(data: bytes) -> bytes:
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = b"more"
    return target.getvalue()


def _hidden_behind(data: bytes) -> bytes:
    """Another archive after this one: which of them is read depends on the program."""
    return data + packed({**unpacked(data), "life.toml": b""})


def _with_local_name(data: bytes) -> bytes:
    """Another name in the local header than in the directory."""
    return data.replace(b"life.toml", b"LIFE.toml", 1)


@pytest.mark.parametrize(
    "change",
    [
        _with_comment,
        _hidden_behind,
        _with_local_name,
        lambda data: data + b"\0",
        lambda data: b"\0" + data,
        lambda data: b"#!/bin/sh\n" + data,
        lambda data: rezipped(data, _set(date_time=(2026, 1, 1, 0, 0, 0))),
        lambda data: rezipped(data, _set(extra=struct.pack("<HH4s", 0x7875, 4, b"more"))),
        lambda data: rezipped(data, _set(comment=b"more")),
        lambda data: rezipped(data, _set(external_attr=0o777 << 16)),
        lambda data: rezipped(data, _set(create_system=0)),
        lambda data: rezipped(data, names=sorted(unpacked(data), reverse=True)),
        lambda data: packed({**unpacked(data), "LIFE.TOML": b"x"}),
        lambda data: packed({**unpacked(data), "Manifest.json": b"{}"}),
        lambda data: packed({**unpacked(data), "manifest.json.sig": b"x" * 64}),
        lambda data: packed({**unpacked(data), "manifest.json ": b"{}"}),
    ],
)
def test_an_archive_that_is_made_otherwise_does_not_hold(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    data = receipt_of(tmp_path, text=ADDED)
    assert rezipped(data) == data
    try:
        found = said(change(data))
    except ConfigurationError:
        return
    assert not found["holds"]
    assert found["altered"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    data = receipt_of(tmp_path, text=ADDED)
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("life.toml", b"other")
    with pytest.raises(ConfigurationError, match="damaged"):
        said(target.getvalue())


def test_the_digest_of_a_receipt_is_told(tmp_path: Path) -> None:
    """It can be published, so that a receipt without a signature can be compared with it."""
    file = made(tmp_path)
    view = verified(file)
    assert re.fullmatch("[0-9a-f]{64}", view["digest"])
    assert f"its digest: {view['digest']}" in call("verify", file).stdout
    forged = altered(file, "life.toml", lambda data: data + b"# more", digests_too=True)
    assert verified(forged)["digest"] != view["digest"]
    assert verified(forged)["holds"]  # no figure depends on a comment


@pytest.mark.parametrize("software", ["trainwatt 0.0.9", None])
def test_what_a_newer_version_tells_more_is_no_difference(tmp_path: Path, software: str | None) -> None:
    """Of the same version, a figure that is gone is one."""
    files = unpacked(receipt_of(tmp_path))
    result = json.loads(files[RESULT])
    del result["life"]["whole"]["total_g"], result["runs"][0]["carbon"]
    manifest = Manifest.read(files[MANIFEST])
    files[MANIFEST] = manifest._replace(software=software or manifest.software).as_bytes()
    found = said(packed_with(files, {RESULT: json.dumps(result).encode()}))
    assert [d["figure"] for d in found["differences"]] == ([] if software else ["life.whole.total_g", "runs[0].carbon"])


def test_an_error_names_the_file_of_the_receipt(tmp_path: Path) -> None:
    found = said(altered(made(tmp_path), "life.toml", lambda _: b"x = ").read_bytes())
    assert found["error"] is not None
    assert found["error"].startswith("life.toml is no TOML")
