"""Runs each command of the installed trainwatt once, with the standard library only: `python tests/smoke.py`, in any environment.

`.ci/versions` does so with the lowest versions of the dependencies, and with the newest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HANGS_S = 300
TRAINWATT = [sys.executable, "-P", "-m", "trainwatt"]
COMMANDS = (
    "run attach list show compare watch export serve footprint report estimate zones hardware delete doctor completion"
    " life whatif advise disclose verify"
)
KEYS = """
import sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
key = Ed25519PrivateKey.generate()
with open(sys.argv[1], "wb") as file:
    file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
with open(sys.argv[2], "wb") as file:
    file.write(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
"""
INSIDE = """
import time
from trainwatt import EnergyTracker
with EnergyTracker() as tracker:
    with tracker.phase("train"):
        tracker.update(samples=8)
        time.sleep(0.3)
print(tracker.summary())
"""
OLDER = """
import sqlite3, sys
from trainwatt.storage import revision
database = sqlite3.connect(sys.argv[1])
for statement in [*revision.statements_of("0001"), revision.VERSION_TABLE, "INSERT INTO alembic_version VALUES ('0001')"]:
    database.execute(statement)
database.commit()
database.close()
"""


def trainwatt(*arguments: str, code: int = 0) -> str:
    """Run a command; its output. Ends the program if it does not end with `code`."""
    ended = subprocess.run([*TRAINWATT, *arguments], capture_output=True, text=True, timeout=HANGS_S)
    if ended.returncode != code:
        sys.exit(f"trainwatt {' '.join(arguments)}: exit code {ended.returncode}, not {code}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def track() -> None:
    """Two runs with a tracker inside, one of a script, and one that fails."""
    for name in ("wide", "deep"):
        said = trainwatt("run", "--project", "smoke", "--name", name, "--zone", "FR", "--", sys.executable, "-P", "-c", INSIDE)
        assert "phase train" in said, said
    subprocess.run([sys.executable, "-P", "-c", INSIDE], check=True, capture_output=True, timeout=HANGS_S)
    trainwatt("run", "--", "sh", "-c", "exit 3", code=3)


def look(folder: Path) -> None:
    """All commands that read."""
    for command in COMMANDS.split():
        trainwatt(command, "--help")
    for arguments in (["list"], ["list", "--by", "project"], ["show", "wide"], ["watch", "wide"], ["compare", "wide", "deep"], ["doctor"]):
        assert trainwatt(*arguments)
    assert len(json.loads(trainwatt("list", "--json"))["runs"]) == 4
    assert json.loads(trainwatt("show", "wide", "--json"))["work"] == {"samples": 8}
    trainwatt("report", "wide", "-o", str(folder / "report.html"))
    trainwatt("footprint", "wide", "deep", "--format", "tex")
    trainwatt("estimate", "--device", "A100 80GB", "--count", "8", "--hours", "24", "--watts", "330")
    trainwatt("zones", "sweden")
    trainwatt("hardware", "--match", "NVIDIA H100 80GB HBM3")
    trainwatt("completion", "bash")
    trainwatt("export", "--what", "curves", "wide", "-o", str(folder / "curves.csv"))
    trainwatt("export", "-o", str(folder / "runs.parquet"))
    live(folder)
    trainwatt("delete", "deep", "--yes")
    trainwatt("list", "--nonsense", code=2)
    trainwatt("show", "nobody", code=3)


def live(folder: Path) -> None:
    """All commands about a model's whole life."""
    assert "training" in trainwatt("life", "--project", "smoke")
    assert "in SE" in trainwatt("whatif", "wide", "--zone", "SE")
    assert trainwatt("advise", "--project", "smoke")
    assert json.loads(trainwatt("disclose", "--project", "smoke", "--form", "cyclonedx"))["bomFormat"] == "CycloneDX"
    key, public, receipt = (str(folder / name) for name in ("key.pem", "key.pub", "receipt.zip"))
    subprocess.run([sys.executable, "-P", "-c", KEYS, key, public], check=True, timeout=HANGS_S)
    trainwatt("disclose", "--project", "smoke", "--receipt", receipt, "--sign", key)
    assert "every figure holds" in trainwatt("verify", receipt, "--signed-by", public)


def upgrade(folder: Path) -> None:
    """A database of the first version is brought to this one."""
    old = str(folder / "old.db")
    subprocess.run([sys.executable, "-P", "-c", OLDER, old], check=True, timeout=HANGS_S)
    trainwatt("list", "--db", old)
    trainwatt("run", "--db", old, "--", "true")
    assert len(json.loads(trainwatt("list", "--db", old, "--json"))["runs"]) == 1


def serve() -> None:
    """The pages."""
    server = subprocess.Popen([*TRAINWATT, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        said, link = "", None
        while link is None and (line := server.stdout.readline()):
            said += line  # a library may say something first
            link = re.search(r"(http://\S+/)\?token=(\S+)", line)
        assert link, said
        for path in ("", "projects"):
            page = urllib.request.Request(link[1] + path, headers={"Authorization": f"Bearer {link[2]}"})
            with urllib.request.urlopen(page, timeout=HANGS_S) as answer:
                assert b"smoke" in answer.read()
    finally:
        server.terminate()
        server.wait(HANGS_S)
        if server.stdout is not None:
            server.stdout.close()


def main() -> None:
    """Everything, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in [name for name in os.environ if name.startswith("TRAINWATT_")]:
            del os.environ[name]
        os.environ |= {"TRAINWATT_DB": f"{folder}/runs.db", "COLUMNS": "100"}
        track()
        look(Path(folder))
        upgrade(Path(folder))
        serve()
        os.chdir("/")
    print(f"{len(COMMANDS.split())} commands work with {trainwatt('--version').strip()}")


if __name__ == "__main__":
    main()
