"""Where settings are looked for, and whose files are followed. The other users of these tests are owners and permissions of files."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.views import tracker_log
from trainwatt.config import Config, resolve
from trainwatt.errors import ConfigurationError
from trainwatt.settings.named import Pinned
from trainwatt.settings.search import Why, folders, search

STRANGER, LAB = 61_021, 61_022


@pytest.fixture
def place(own_state: Path) -> Iterator[Path]:
    """A folder of this user below a sticky folder of all, as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-settings-") as name:
        yield Path(name)


@pytest.fixture
def project(place: Path) -> Path:
    """A git repository with settings, in `place`."""
    folder = place / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "trainwatt.toml").write_text('project = "digits"\n')
    return folder


def project_of(folder: Path) -> str:
    return resolve({}, {}, folder).project


# ---- where


def test_settings_are_looked_for_up_to_the_top_of_the_repository(project: Path, place: Path) -> None:
    (place / "trainwatt.toml").write_text('project = "above"\n')
    below = project / "a" / "b"
    below.mkdir(parents=True)
    assert folders(below) == [below, project / "a", project]
    assert project_of(below) == "digits"
    (project / "trainwatt.toml").unlink()
    assert project_of(below) == "default"


def test_a_worktree_ends_the_search_too(project: Path) -> None:
    below = project / "tree" / "a"
    below.mkdir(parents=True)
    (project / "tree" / ".git").write_text("gitdir: ../elsewhere\n")
    assert folders(below) == [below, below.parent]


def test_the_repository_of_a_stranger_on_the_way_hides_no_settings(project: Path) -> None:
    below = project / "open" / "a"
    (project / "open" / ".git").mkdir(parents=True)
    below.mkdir()
    assert folders(below) == [below, project / "open"]
    os.chown(project / "open" / ".git", STRANGER, STRANGER)
    assert folders(below) == [below, project / "open", project]
    os.chown(below, STRANGER, STRANGER)
    assert folders(below) == [below, project / "open"], "root in the folder of a user"


def test_settings_are_looked_for_up_to_the_home_outside_of_a_repository(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place))
    below = place / "a" / "b"
    below.mkdir(parents=True)
    assert folders(below) == [below, place / "a", place]
    (place / ".git").mkdir()
    (place / "a" / ".git").mkdir()
    assert folders(below) == [below, place / "a"]
    monkeypatch.setenv("HOME", str(place / "a"))
    (place / "a" / ".git").rmdir()
    assert folders(below) == [below, place / "a"], "the nearer of both"


@pytest.mark.parametrize("home", ["/", "", "/nonexistent"])
def test_settings_are_looked_for_in_the_working_directory_alone_outside_of_both(
    place: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("HOME", home)
    (place / "trainwatt.toml").write_text('project = "above"\n')
    (place / "a").mkdir()
    assert folders(place / "a") == [place / "a"]
    assert project_of(place / "a") == "default"


# ---- whose


def folder_all_write(project: Path) -> None:
    project.chmod(0o777)


def sticky_folder_all_write(project: Path) -> None:
    project.chmod(0o1777)


def folder_of_the_lab(project: Path) -> None:
    os.chown(project, 0, LAB)
    project.chmod(0o2775)


def file_all_write(project: Path) -> None:
    (project / "trainwatt.toml").chmod(0o666)


def file_of_the_lab(project: Path) -> None:
    os.chown(project / "trainwatt.toml", 0, LAB)
    (project / "trainwatt.toml").chmod(0o664)


def folder_above_all_write(project: Path) -> None:
    project.parent.chmod(0o777)


def folder_of_a_stranger(project: Path) -> None:
    os.chown(project, STRANGER, STRANGER)


def file_of_a_stranger(project: Path) -> None:
    os.chown(project / "trainwatt.toml", STRANGER, STRANGER)


def folder_above_of_a_stranger(project: Path) -> None:
    os.chown(project.parent, STRANGER, STRANGER)


def link_of_a_stranger(project: Path) -> None:
    (project / "trainwatt.toml").rename(project / "kept.toml")
    (project / "trainwatt.toml").symlink_to("kept.toml")
    os.chown(project / "trainwatt.toml", STRANGER, STRANGER, follow_symlinks=False)


def link_into_a_folder_all_write(project: Path) -> None:
    _moved(project, "open").chmod(0o777)


def link_into_a_sticky_folder(project: Path) -> None:
    _moved(project, "open").chmod(0o1777)


def link_through_a_folder_all_write(project: Path) -> None:
    """The second link can be exchanged, though the file that it leads to cannot."""
    kept = _moved(project, "kept")
    (project.parent / "open").mkdir()
    (project.parent / "open" / "link").symlink_to(kept)
    (project / "trainwatt.toml").unlink()
    (project / "trainwatt.toml").symlink_to("../open/link/trainwatt.toml")
    (project.parent / "open").chmod(0o777)


def _moved(project: Path, name: str) -> Path:
    folder = project.parent / name
    folder.mkdir()
    (project / "trainwatt.toml").rename(folder / "trainwatt.toml")
    (project / "trainwatt.toml").symlink_to(folder / "trainwatt.toml")
    return folder


def list_of_access(project: Path) -> None:
    """setfacl -m u:61021:rwx: the bits of the group then show the most that the list gives to anybody."""
    project.chmod(0o775)
    entries = [(0x01, 7, 0xFFFFFFFF), (0x02, 7, STRANGER), (0x04, 5, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 5, 0xFFFFFFFF)]
    packed = b"".join(tag.to_bytes(2, "little") + mode.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, mode, who in entries)
    os.setxattr(project, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)


WRITABLE = [
    *(folder_all_write, sticky_folder_all_write, folder_of_the_lab, file_all_write, file_of_the_lab, folder_above_all_write),
    *(link_into_a_folder_all_write, link_into_a_sticky_folder, link_through_a_folder_all_write, list_of_access),
]
OF_OTHERS = [folder_of_a_stranger, file_of_a_stranger, folder_above_of_a_stranger, link_of_a_stranger]


@pytest.mark.parametrize("spoil", [*WRITABLE, *OF_OTHERS], ids=lambda f: f.__name__)
def test_settings_that_others_could_have_written_are_not_followed_and_this_is_said(
    project: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert project_of(project) == "digits"
    assert tracker_log(caplog) == []
    spoil(project)
    assert resolve({}, {}, project) == Config()
    [said] = tracker_log(caplog)
    assert said.startswith(f"trainwatt: {project / 'trainwatt.toml'} is not followed, because ")
    assert said.endswith(f"look at it, then: trainwatt trust {project / 'trainwatt.toml'}")
    [refused] = search(project).not_followed
    assert refused.why is (Why.OTHER_USER if spoil in OF_OTHERS else Why.WRITABLE)
    resolve({}, {}, project)
    assert len(tracker_log(caplog)) == 1, "once in a process"


def group_of_this_user(project: Path) -> None:
    """As with a umask of 002: here the group root, which has no other member."""
    project.chmod(0o775)
    (project / "trainwatt.toml").chmod(0o664)


def sticky_folder_above(project: Path) -> None:
    project.parent.chmod(0o1777)


def link_in_the_repository(project: Path) -> None:
    _moved(project, "kept")


def linked_folder(project: Path) -> None:
    project.rename(project.parent / "kept")
    project.symlink_to("kept")


@pytest.mark.parametrize(
    "change", [group_of_this_user, sticky_folder_above, link_in_the_repository, linked_folder], ids=lambda f: f.__name__
)
def test_settings_that_only_this_user_could_have_written_are_followed(
    project: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    change(project)
    assert project_of(project) == "digits"
    assert tracker_log(caplog) == []


def test_a_file_that_is_not_followed_does_not_hide_the_users_own(project: Path) -> None:
    below = project / "scratch"
    below.mkdir()
    (below / "trainwatt.toml").write_text('project = "planted"\n')
    below.chmod(0o777)
    assert project_of(below) == "digits"


# ---- what is no file of settings


def pipe(file: Path) -> None:
    os.mkfifo(file)


def device(file: Path) -> None:
    os.mknod(file, 0o20600, os.makedev(1, 5))  # /dev/zero


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def folder(file: Path) -> None:
    file.mkdir()


def large(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(2**40)


def nested(file: Path) -> None:
    file.write_text("[tool.trainwatt]\nproject = " + 2000 * "[" + 2000 * "]")


def long_key(file: Path) -> None:
    """The parser would take minutes."""
    file.write_text(50_000 * "a." + "a = 1")


def long_number(file: Path) -> None:
    file.write_text("[tool.trainwatt]\nperiod_s = " + 5000 * "9")


def no_text(file: Path) -> None:
    file.write_bytes(b'[tool.trainwatt]\nproject = "\xff"')


UNFIT = [pipe, device, endless, folder, large, nested, long_key, long_number, no_text]


@pytest.mark.parametrize("make", UNFIT, ids=lambda f: f.__name__)
def test_an_own_file_that_is_no_settings_is_refused_at_once(project: Path, make: Callable[[Path], None]) -> None:
    (project / "trainwatt.toml").unlink()
    make(project / "trainwatt.toml")
    with pytest.raises(ConfigurationError, match=rf"^{project}/trainwatt\.toml cannot be read as TOML \(.+\); correct it, or move the"):
        resolve({}, {}, project)


@pytest.mark.parametrize("make", UNFIT, ids=lambda f: f.__name__)
def test_such_a_file_of_somebody_else_stops_nothing(project: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture) -> None:
    (project / "trainwatt.toml").unlink()
    make(project / "trainwatt.toml")
    project.chmod(0o777)
    assert resolve({}, {}, project) == Config()
    [said] = tracker_log(caplog)
    assert f"other users may write {project}; chmod go-w {project}" in said


@pytest.mark.parametrize("make", [pipe, device, endless, folder, large, long_key], ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_pyproject_of_others_stops_nothing_and_nothing_is_said(
    project: Path, make: Callable[[Path], None], mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    (project / "trainwatt.toml").unlink()
    make(project / "pyproject.toml")
    project.chmod(mode)
    assert resolve({}, {}, project) == Config()
    assert tracker_log(caplog) == []


@pytest.mark.parametrize(
    "text", ["x = " + 2000 * "[" + 2000 * "]", 'dependencies = ["trainwatt"]\nx = ' + 2000 * "[" + 2000 * "]", "[[[\n", "# trainwatt\nx ="]
)
def test_a_pyproject_without_a_table_of_ours_may_hold_anything(project: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (project / "trainwatt.toml").unlink()
    (project / "pyproject.toml").write_text(text)
    assert resolve({}, {}, project) == Config()
    assert tracker_log(caplog) == []


def test_a_pyproject_with_a_table_of_ours_is_refused_if_it_cannot_be_read(project: Path) -> None:
    (project / "trainwatt.toml").unlink()
    nested(project / "pyproject.toml")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml cannot be read as TOML \(its brackets are nested too deep\)"):
        resolve({}, {}, project)


def test_tables_nested_in_many_lines_are_refused_too(project: Path) -> None:
    """No line is long, and the parser does not recurse so often: but what is made of it would."""
    depth = 50
    text = "a = " + (250 * "b." + "b = 1").join(["{", "}"])
    for _ in range(depth):
        text = "a = {" + 250 * "b." + "b = [\n{" + text + "}\n]}"
    (project / "trainwatt.toml").write_text(f'db = "runs"\n{text}')
    with pytest.raises(ConfigurationError, match=r"cannot be read as TOML \(it has more than 10 tables or lists in each other\)"):
        resolve({}, {}, project)
    project.chmod(0o777)
    assert resolve({}, {}, project) == Config()


def test_a_dangling_link_and_a_circle_are_no_settings(project: Path) -> None:
    for target in ("nowhere", "trainwatt.toml", "nowhere/.."):
        (project / "trainwatt.toml").unlink()
        (project / "trainwatt.toml").symlink_to(target)
        assert resolve({}, {}, project) == Config()


def test_a_pinned_provider_goes_to_other_processes_whole() -> None:
    there = pickle.loads(pickle.dumps(Pinned("/a/meter.py:discover", "5a")))
    assert (there, there.sha256, type(there)) == ("/a/meter.py:discover", "5a", Pinned)
