"""Settings that a second user of the machine has planted, seen by root and by a third one. Real users, real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.users import Ended, User
from tests.fakes.world import TRAINWATT, World, finished

ANNA, BORIS = 61_031, 61_032
EVIL = "import os\nopen({mark!r}, 'w').write(str(os.getuid()))\n"
SCRIPT = "from trainwatt import EnergyTracker\nwith EnergyTracker(gpus=[]): pass\nprint('trained')"


@pytest.fixture(scope="module")
def anna() -> Iterator[User]:
    """The user who trains."""
    user = User(ANNA)
    yield user
    user.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which all users can make files, as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-open-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


def planted(folder: Path, mark: Path) -> Path:
    """What Boris has left in a folder: settings that name his code and his database, in a git repository."""
    code = f"""
import os, pathlib, sys
os.setgid({BORIS}); os.setuid({BORIS}); os.umask(0)
folder = pathlib.Path({str(folder)!r})
(folder / "evil.py").write_text({EVIL.format(mark=str(mark))!r})
(folder / ".git").mkdir()
(folder / ".git" / "HEAD").write_text("ref: ../../../.." + {str(folder)!r} + "/evil.py")
(folder / "trainwatt.toml").write_text('project = "his"\\nsensors = ["evil.py:discover"]\\ndb = "his.db"\\n')
"""
    subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd="/")
    return folder / "trainwatt.toml"


@pytest.mark.slow
@pytest.mark.parametrize("below", ["", "work/deep"])
def test_what_is_planted_is_not_run_by_root(world: World, open_folder: Path, below: str) -> None:
    """In the folder it is said; below, it is not even looked at, because the repository that reaches so far is a stranger's."""
    mark = open_folder / "mark"
    file = planted(open_folder, mark)
    world.work = open_folder / below
    world.work.mkdir(parents=True, exist_ok=True)
    for command in ([*TRAINWATT, "doctor"], [*TRAINWATT, "run", "--", "true"], [sys.executable, "-c", SCRIPT], [*TRAINWATT, "list"]):
        ended = finished(world.popen(command, env=world.environ(TRAINWATT_DB="", XDG_DATA_HOME=str(world.root / "data"))))
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr.count(f"{file} is not followed, because ") == (0 if below else 1)
        assert not mark.exists()
    assert not (open_folder / "his.db").exists()
    world.db = world.root / "data" / "trainwatt" / "runs.db"
    assert [(run["project"], run["git_commit"]) for run in world.runs()] == [("default", None)] * 2


@pytest.mark.slow
def test_what_is_planted_is_not_run_by_another_user(anna: User, open_folder: Path) -> None:
    mark = open_folder / "mark"
    file = planted(open_folder, mark)
    own = open_folder / "anna"
    own.mkdir()
    os.chown(own, ANNA, ANNA)
    log = "import logging, os, sys\nlogging.basicConfig(stream=sys.stderr, force=True)\n"
    for folder in (own, open_folder):
        ended = anna.python(f"{log}os.chdir({str(folder)!r})\n{SCRIPT}", TRAINWATT_DB=str(own / "runs.db"))
        assert (ended.code, ended.out) == (0, "trained\n"), ended
        assert (f"{file} is not followed" in ended.err) is (folder == open_folder)
    assert not mark.exists()


@pytest.mark.slow
def test_what_the_user_allows_counts_for_this_user_and_this_content(world: World, anna: User, open_folder: Path) -> None:
    """Root trains in the folder of Anna, as in a container into which it is mounted."""
    mark = open_folder / "mark"
    project = open_folder / "project"
    project.mkdir()
    (project / "meter.py").write_text(
        EVIL.format(mark=str(mark)) + "from trainwatt.core import Discovery\ndiscover = lambda _: Discovery()\n"
    )
    (project / "trainwatt.toml").write_text('project = "hers"\nsensors = ["meter.py:discover"]\n')
    for path in (project, *project.iterdir()):
        os.chown(path, ANNA, ANNA)
    world.work = project
    inside = f"import os, sys; os.chdir({str(project)!r})\nfrom trainwatt.cli.main import main\nsys.argv = ['trainwatt', {{!r}}]\nmain()"

    def as_anna(command: str) -> Ended:
        return anna.python(inside.format(command), XDG_STATE_HOME=f"{open_folder}/hers", TRAINWATT_DB=f"{open_folder}/hers/runs.db")

    assert f"{project} belongs to another user (uid {ANNA})" in world.cli("doctor").stderr
    hers = as_anna("trust")
    assert hers.code == 0, hers
    assert f"{project / 'meter.py'} is run" in hers.out
    assert "Other users" not in hers.out
    assert as_anna("doctor").code == 0
    assert mark.read_text() == str(ANNA)
    mark.unlink()

    assert f"{project} belongs to another user" in world.cli("doctor").stderr
    assert not mark.exists(), "her consent is hers"
    shutil.copytree(open_folder / "hers", world.root / "state", dirs_exist_ok=True, copy_function=_with_owner)
    os.chown(world.root / "state" / "trainwatt" / "trusted", ANNA, ANNA)
    assert f"{project} belongs to another user" in world.cli("doctor").stderr
    assert not mark.exists(), "also in the state folder of root"
    shutil.rmtree(world.root / "state")

    ended = world.cli("trust")
    assert ended.returncode == 0, ended.stderr
    assert f"Other users can change it: {project} is not yours alone." in ended.stdout
    assert world.cli("doctor").stderr == ""
    assert mark.read_text() == "0"
    mark.unlink()
    (project / "meter.py").write_text(EVIL.format(mark=str(mark)))
    assert f"because {project / 'meter.py'} has changed since you allowed it" in world.cli("doctor").stderr
    assert not mark.exists()


def _with_owner(source: str, target: str) -> None:
    shutil.copy2(source, target)
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)


AS_ANNA = """
import grp, hashlib, json, os, pathlib, platformdirs, platformdirs.unix, pwd, tempfile, tomllib
from trainwatt.settings.search import search
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
print(search(pathlib.Path({folder!r})).values.get("project"))
"""


@pytest.mark.parametrize(
    ("users", "groups", "followed"),
    [
        ("", "", True),  # neither is known, as in many containers
        ("anna:x:{0}:{0}", "anna:x:{0}:", True),
        ("anna:x:{0}:{0}", "anna:x:{0}:anna,root", True),
        ("anna:x:{0}:{0}", "anna:x:{0}:boris", False),
        ("anna:x:{0}:{0}", "lab:x:{0}:", False),
        ("anna:x:{0}:{0}\nboris:x:{1}:{0}", "anna:x:{0}:", False),
        ("anna:x:{0}:{0}\nboris:x:{1}:{1}", "anna:x:{0}:\nboris:x:{1}:anna", True),
    ],
)
def test_a_group_of_the_user_alone_may_write(open_folder: Path, tmp_path: Path, users: str, groups: str, followed: bool) -> None:
    """With the users and groups of another machine, in a mount namespace of their own."""
    project = open_folder / "project"
    project.mkdir()
    (project / "trainwatt.toml").write_text('project = "hers"\n')
    for path, mode in ((project, 0o775), (project / "trainwatt.toml", 0o664)):
        os.chown(path, ANNA, ANNA)
        path.chmod(mode)
    (tmp_path / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n" + "".join(f"{u.format(ANNA, BORIS)}:::\n" for u in users.split()))
    (tmp_path / "group").write_text("root:x:0:\n" + groups.format(ANNA, BORIS) + "\n")
    mounts = "".join(f"mount --bind {tmp_path / name} /etc/{name} && " for name in ("passwd", "group"))
    command = ["unshare", "--mount", "sh", "-c", f'{mounts} exec "$@"', "sh", sys.executable, "-c"]
    ended = subprocess.run([*command, AS_ANNA.format(uid=ANNA, folder=str(project))], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("hers\n" if followed else "None\n", "")
