"""One process of a run owns a sensor, for as long as it lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from trainwatt.storage.write.owners import Owners

OTHER = """
import sys
from pathlib import Path
from trainwatt.storage.write.owners import Owners
print(Owners(Path(sys.argv[1]), *sys.argv[2:]).take("gpu"), flush=True)
sys.stdin.read()
"""


def other(db: Path, run_id: str = "run", machine: str = "boot") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OTHER, str(db), run_id, machine]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_first_process_owns_a_sensor_until_it_is_killed(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    first, mine = other(db), Owners(db, "run", "boot")
    assert said(first) == "True"
    assert not mine.take("gpu")
    assert mine.take("cpu")
    first.kill()
    first.communicate()
    assert mine.take("gpu")
    assert mine.take("gpu")
    later = other(db)
    assert said(later) == "False"
    later.communicate()


def test_runs_do_not_disturb_each_other(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    first = other(db, "one")
    assert said(first) == "True"
    assert Owners(db, "two", "boot").take("gpu")
    first.communicate()


def test_hosts_that_share_the_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Processors and memory have the same names on every host."""
    db = tmp_path / "runs.db"
    first = other(db, machine="boot of node-a")
    assert said(first) == "True"
    assert Owners(db, "run", "boot of node-b").take("gpu")
    assert not Owners(db, "run", "boot of node-a").take("gpu")
    first.communicate()


def test_two_trackers_of_one_process_do_not_both_own_a_sensor(tmp_path: Path) -> None:
    """The kernel would let them: to it they are one."""
    one, two = Owners(tmp_path / "runs.db", "run", "boot"), Owners(tmp_path / "runs.db", "run", "boot")
    assert one.take("gpu")
    assert not two.take("gpu")
    one.release()
    assert two.take("gpu")
    process = other(tmp_path / "runs.db")
    assert said(process) == "False"  # released by one, held by two
    process.communicate()
    two.release()


def test_a_child_of_a_fork_takes_nothing_from_its_parent(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    mine = Owners(db, "run", "boot")
    assert mine.take("gpu")
    if (pid := os.fork()) == 0:
        os.closerange(3, 256)
        os._exit(0)
    os.waitpid(pid, 0)
    process = other(db)
    assert said(process) == "False"
    process.communicate()
    mine.release()


def test_where_no_file_can_be_made_a_process_reads_all_that_it_sees(tmp_path: Path) -> None:
    assert Owners(tmp_path / "missing" / "runs.db", "run", "boot").take("gpu")


def test_the_file_is_for_the_owner_of_the_database_only(tmp_path: Path) -> None:
    Owners(tmp_path / "runs.db", "run", "boot").take("gpu")
    assert (tmp_path / "runs.db-owners").stat().st_mode & 0o777 == 0o600


ENDING = """
import sys
from pathlib import Path
from trainwatt.storage.write.owners import Owners
owners = Owners(Path(sys.argv[1]), *sys.argv[2:])
owners.take("gpu")
print("owns", flush=True)
sys.stdin.readline()
owners.end()
owners.take("cpu")
print("ends", flush=True)
sys.stdin.readline()
owners.release()
print("left", flush=True)
sys.stdin.read()
"""


def test_an_owner_tells_that_it_ends(tmp_path: Path) -> None:
    """Of what it owns, and of what it takes after that, until it owns nothing."""
    mine = Owners(tmp_path / "runs.db", "run", "boot")
    command = [sys.executable, "-c", ENDING, str(tmp_path / "runs.db"), "run", "boot"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as owner:
        assert owner.stdin is not None
        seen = {}
        for _ in range(3):
            state = said(owner)
            seen[state] = mine.ends("gpu"), mine.ends("cpu"), mine.take("gpu")
            owner.stdin.write("\n")
    assert seen == {"owns": (False, False, False), "ends": (True, True, False), "left": (False, False, True)}
    mine.end()
    assert not mine.ends("gpu")
