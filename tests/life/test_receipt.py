"""Receipts: every figure comes out again, and an altered one is found."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.life.test_disclose import INFERENCE, MODEL, STATED
from tests.life.test_life import stored, written
from trainwatt.cli.main import cli
from trainwatt.errors import ConfigurationError
from trainwatt.life.receipt.archive import MANIFEST, Manifest, digest, packed, unpacked
from trainwatt.machine.process import this_process

TERMS = ("--intensity", "100", "--pue", "1.25", "--unmeasured", "typical")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)


def made(folder: Path, *arguments: object) -> Path:
    db = folder / "runs.db"
    if not db.exists():
        stored(folder)
    file = folder / "receipt.zip"
    result = call("disclose", *(arguments or (written(folder, MODEL + STATED + INFERENCE),)), *TERMS, "--receipt", file, "--db", db)
    assert result.exception is None, result.exception
    return file


def verified(file: Path, *arguments: object) -> Any:
    result = call("verify", file, *arguments, "--json")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    view = json.loads(result.stdout)
    assert view["holds"] is (result.exit_code == 0)
    return view


def altered(file: Path, name: str, change: Callable[[bytes], bytes], *, digests_too: bool = False) -> Path:
    """The receipt with one file changed; `digests_too`: also its digest in the manifest, and that of the manifest."""
    files = unpacked(file.read_bytes())
    files[name] = change(files[name])
    if digests_too:
        manifest = Manifest.read(files[MANIFEST])
        files[MANIFEST] = manifest._replace(files={**manifest.files, name: digest(files[name])}).as_bytes()
    other = file.with_name("altered.zip")
    other.write_bytes(packed(files))
    return other


def test_every_figure_holds(tmp_path: Path) -> None:
    file = made(tmp_path)
    view = verified(file)
    assert (view["holds"], view["differences"], view["altered"], view["changed_tables"]) == (True, [], [], [])
    assert (view["has_signature"], view["signature_holds"]) == (False, None)
    printed = call("verify", file).stdout
    assert "every figure holds" in printed
    assert "not signed" in printed


def test_it_needs_neither_the_database_nor_the_file_that_it_was_made_from(tmp_path: Path) -> None:
    file = made(tmp_path)
    (tmp_path / "runs.db").unlink()
    (tmp_path / "life.toml").unlink()
    assert verified(file)["holds"]


def test_it_has_the_runs_of_the_life_and_no_others(tmp_path: Path) -> None:
    db = stored(tmp_path, stranger={"project": "other"})
    assert db.exists()
    files = unpacked(made(tmp_path, "--project", "digits").read_bytes())
    (tmp_path / "extracted.db").write_bytes(files["runs.db"])
    with sqlite3.connect(tmp_path / "extracted.db") as connection:
        ids = {id_ for (id_,) in connection.execute("SELECT id FROM run")}
    assert "stranger" not in ids
    assert len(ids) == 8
    assert "digits" in files["life.toml"].decode()


def test_the_result_is_that_of_the_command(tmp_path: Path) -> None:
    file = made(tmp_path)
    result = json.loads(unpacked(file.read_bytes())["result.json"])
    whole = json.loads(call("life", tmp_path / "life.toml", *TERMS, "--json", "--db", tmp_path / "runs.db").stdout)
    assert result["life"] == whole


@pytest.mark.parametrize("digests_too", [False, True])
def test_an_altered_result_is_found_and_named(tmp_path: Path, digests_too: bool) -> None:
    """Even by one who has changed the digests too."""

    def change(data: bytes) -> bytes:
        result = json.loads(data)
        result["life"]["whole"]["total_g"] *= 0.9
        return (json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode()

    file = altered(made(tmp_path), "result.json", change, digests_too=digests_too)
    view = verified(file)
    assert not view["holds"]
    assert [d["figure"] for d in view["differences"]] == ["life.whole.total_g"]
    assert view["altered"] == ([] if digests_too else ["result.json"])
    assert "does not hold: life.whole.total_g is" in call("verify", file).stdout


def test_altered_readings_are_found(tmp_path: Path) -> None:
    def change(data: bytes) -> bytes:
        (tmp_path / "changed.db").write_bytes(data)
        with sqlite3.connect(tmp_path / "changed.db") as connection:
            connection.execute("UPDATE curve_point SET counter_j = counter_j / 2 WHERE segment_id = 's-first'")
        connection.close()
        return (tmp_path / "changed.db").read_bytes()

    view = verified(altered(made(tmp_path), "runs.db", change, digests_too=True))
    assert not view["holds"]
    assert any(d["figure"] == "life.whole.energy_j" for d in view["differences"])


def test_a_single_altered_byte_is_found_wherever_it_is(tmp_path: Path) -> None:
    data = made(tmp_path).read_bytes()
    pick = random.Random(1)
    for at in [0, 10, 11, len(data) - 1, *(pick.randrange(len(data)) for _ in range(12))]:
        file = tmp_path / "flipped.zip"
        file.write_bytes(data[:at] + bytes([data[at] ^ 1 << pick.randrange(8)]) + data[at + 1 :])
        result = call("verify", file, "--json")
        assert isinstance(result.exception, ConfigurationError) or result.exit_code == 1, at


def test_more_or_fewer_files_are_found(tmp_path: Path) -> None:
    file = made(tmp_path)
    files = unpacked(file.read_bytes())
    file.write_bytes(packed({**files, "more.txt": b"x"}))
    assert verified(file)["altered"] == ["more.txt"]
    file.write_bytes(packed({name: data for name, data in files.items() if name != "terms.json"}))
    view = verified(file)
    assert view["altered"] == ["terms.json"]
    assert view["error"] is not None


def test_a_receipt_of_another_version_says_which_factors_differ(tmp_path: Path) -> None:
    def change(data: bytes) -> bytes:
        manifest = Manifest.read(data)
        return manifest._replace(tables={**manifest.tables, "grid_intensity.csv": "0" * 64}).as_bytes()

    view = verified(altered(made(tmp_path), MANIFEST, change))
    assert view["changed_tables"] == ["grid_intensity.csv"]
    assert view["holds"]  # these factors are not used by these runs


# ---- signatures


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A private and a public key."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_a_signature_holds_for_its_key_only(tmp_path: Path) -> None:
    private, public = keys(tmp_path, "mine")
    _, other = keys(tmp_path, "other")
    file = made(tmp_path, "--project", "digits", "--sign", private)
    assert (verified(file)["has_signature"], verified(file)["signature_holds"]) == (True, None)
    assert verified(file, "--signed-by", public)["signature_holds"] is True
    wrong = verified(file, "--signed-by", other)
    assert (wrong["signature_holds"], wrong["holds"]) == (False, False)


def test_a_forger_without_the_key_is_found(tmp_path: Path) -> None:
    private, public = keys(tmp_path, "mine")
    file = made(tmp_path, "--project", "digits", "--sign", private)
    forged = altered(file, "terms.json", lambda _: b'{"pue": 1.0}\n', digests_too=True)
    view = verified(forged, "--signed-by", public)
    assert (view["signature_holds"], view["holds"]) == (False, False)
    unsigned = made(tmp_path, "--project", "digits")
    assert verified(unsigned, "--signed-by", public)["signature_holds"] is False
    assert "there is none" in call("verify", unsigned, "--signed-by", public).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("disclose", "--project", "digits"), ("nothing is asked for", "--form", "--receipt")),
        (("disclose", "--project", "digits", "--form", "gpai", "--sign", "k.pem"), ("--sign k.pem", "--receipt")),
        (("disclose", "--project", "digits", "--receipt", "r.zip", "-o", "x"), ("--output x", "--form")),
        (("disclose", "--project", "digits", "--receipt", "no/r.zip"), ("no folder",)),
        (("disclose", "--project", "digits", "--receipt", "r.zip", "--sign", "no.pem"), ("--sign no.pem", "openssl")),
        (("disclose", "--project", "digits", "--receipt", "r.zip", "--sign", "text"), ("--sign text", "openssl")),
        (("disclose", "--project", "digits", "--receipt", "r.zip", "--hardware", "no.csv"), ("no.csv", "name a CSV file")),
        (("disclose", "--project", "digits", "--receipt", "r.zip", "--intensity-csv", "no.csv"), ("no.csv", "name a CSV file")),
        (("verify", "no.zip"), ("no.zip", "cannot be read")),
        (("verify", "text"), ("damaged, or is none", "disclose --receipt")),
        (("verify", "plain.zip"), ("no receipt", "manifest.json")),
        (("verify", "bad.zip"), ("manifest.json", "damaged")),
        (("verify", "newer.zip"), ("another format",)),
        (("verify", "good.zip", "--signed-by", "text"), ("text is no public key", "openssl")),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no key, and no archive")
    for name, files in (
        ("plain", {"x": b"y"}), ("bad", {MANIFEST: b"[]"}), ("newer", {MANIFEST: b'{"format": 99}'}),
        ("good", {MANIFEST: b'{"format": 1, "software": "", "made_at": "", "files": {}, "tables": {}}'}),
    ):  # fmt: skip
        (tmp_path / f"{name}.zip").write_bytes(packed(files))
    place = ("--db", stored(tmp_path)) if arguments[0] == "disclose" else ()
    result = call(*arguments, *place)
    assert isinstance(result.exception, ConfigurationError)
    assert all(word in str(result.exception) for word in words), result.exception
    assert not (tmp_path / "r.zip").exists()


def test_an_archive_that_leads_out_of_its_folder_writes_nothing(tmp_path: Path) -> None:
    files = unpacked(made(tmp_path).read_bytes())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in {**files, "../escaped.txt": b"x"}.items():
            archive.writestr(name, data)
    (tmp_path / "evil.zip").write_bytes(target.getvalue())
    assert "'../escaped.txt'" in str(call("verify", tmp_path / "evil.zip").exception)
    assert not list(tmp_path.rglob("escaped.txt"))


def archive(*files: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as made:
        for name, data in files:
            made.writestr(name, data)
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive((MANIFEST, b"{}"), ("x", bytes(1 << 20)), compression=zipfile.ZIP_DEFLATED), "is compressed"),  # larger than the archive
        (archive((MANIFEST, b"{}"), ("x" * 300, b"")), "no receipt has a file of the name"),
        (archive((MANIFEST, b"{}"), ("a\x1b[31m", b"")), "no receipt has a file of the name"),
        (archive((MANIFEST, b"{}"), ("..", b"")), "no receipt has a file of the name"),
        (archive((MANIFEST, b'{"format": 1, "software": 5, "made_at": "", "files": {}, "tables": {}}')), "is damaged"),
        (archive((MANIFEST, b'{"format": 1, "software": "", "made_at": "", "files": [], "tables": {}}')), "is damaged"),
        (archive((MANIFEST, b'{"format": 1, "software": "", "made_at": "", "files": {"x": 3}, "tables": {}}')), "is damaged"),
        (archive((MANIFEST, b"[" * 100_000)), "is damaged"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "hostile.zip"
    file.write_bytes(data)
    assert words in str(call("verify", file).exception)


def _by_sql(sql: str) -> Callable[[bytes], bytes]:
    """A change of a database by SQL."""

    def change(data: bytes) -> bytes:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(data)
        connection.executescript(sql)
        return bytes(connection.serialize())

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("result.json", lambda _: b"[" * 100_000),
        ("result.json", lambda _: b"\xff"),
        ("terms.json", lambda _: b'{"hardware": "/etc/hostname"}'),
        ("terms.json", lambda _: b'{"series": [1]}'),
        ("terms.json", lambda _: b'{"pue": -1}'),
        ("terms.json", lambda _: b'{"pue": "1.2"}'),
        ("terms.json", lambda _: b'{"pue": true}'),
        ("terms.json", lambda _: b'{"pue": NaN}'),
        ("terms.json", lambda _: b'{"zone": 5}'),
        ("terms.json", lambda _: b'{"unmeasured": ["a", "b", "c"]}'),
        ("terms.json", lambda _: b"[" * 100_000),
        ("life.toml", lambda _: b"x = " + b"[" * 100_000),
        ("life.toml", lambda _: b"x = " + b"9" * 10_000),
        ("life.toml", lambda _: b"\xff"),
        ("runs.db", lambda _: b"no database"),
        ("runs.db", lambda _: b""),
        ("runs.db", lambda data: data[: len(data) // 2]),
        ("runs.db", _by_sql("UPDATE alembic_version SET version_num = 'from the future'")),
        ("runs.db", _by_sql("CREATE VIEW more AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT count(*) FROM n")),
        ("runs.db", _by_sql('UPDATE run SET settings = \'{"hardware": "/etc/hostname"}\'')),
        ("runs.db", _by_sql("UPDATE run SET duration_s = 'long', started_utc_ns = 'ago'")),
        ("runs.db", _by_sql("UPDATE curve_point SET counter_j = 1e308")),
    ],
)
def test_hostile_files_are_found_and_do_no_harm(tmp_path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    file = altered(made(tmp_path), name, change, digests_too=True)
    view = verified(file)
    assert view["holds"] is False
    assert view["error"] or view["differences"]
    assert "root" not in (view["error"] or "")


def test_a_hostile_table_of_hardware_is_found(tmp_path: Path) -> None:
    files = unpacked(made(tmp_path).read_bytes())
    for table in (b"\x00" * 1000, b"kind,name,embodied_kg\ngpu,L4,-5\n", b"kind,name,pattern,embodied_kg\ngpu,L4,(a+)+$,1e999\n"):
        (tmp_path / "hostile.zip").write_bytes(packed({**files, "hardware.csv": table}))
        view = verified(tmp_path / "hostile.zip")
        assert view["altered"] == ["hardware.csv"]
        assert view["error"]


def test_a_table_that_a_run_was_recorded_with_is_asked_for(tmp_path: Path) -> None:
    """Else the figures would depend on a file of the machine that verifies."""
    own = tmp_path / "own.csv"
    own.write_text("kind,words,name,embodied_kg\ngpu,L4,L4,77\n")
    db = stored(tmp_path, special={"stage": "training", "settings": json.dumps({"hardware": str(own)})})
    refused = call("disclose", "--project", "digits", "--receipt", tmp_path / "r.zip", "--db", db)
    assert f"--hardware {own}" in str(refused.exception)
    file = made(tmp_path, "--project", "digits", "--hardware", own)
    own.unlink()
    assert verified(file)["holds"]


def test_a_run_that_is_still_going_stays_so_in_a_receipt(tmp_path: Path) -> None:
    """Also where its process was on the machine that verifies, and has ended."""
    db = stored(tmp_path, going={"stage": "training", "status": "running"})
    me = this_process()
    with sqlite3.connect(db) as connection:
        connection.execute(
            "UPDATE segment SET status = 'running', host = ?, boot_id = ?, pid_namespace = ?, pid = ?, start_ticks = ?"
            " WHERE id = 's-going'",
            (me.host, me.boot_id, me.pid_namespace, me.pid, me.start_ticks),
        )
    connection.close()
    file = made(tmp_path, "--project", "digits")
    ended = _by_sql("UPDATE segment SET pid = 999999999 WHERE id = 's-going'")
    view = verified(altered(file, "runs.db", ended, digests_too=True))
    assert (view["differences"], view["error"]) == ([], None)
