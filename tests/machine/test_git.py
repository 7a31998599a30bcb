"""The commit of a repository that somebody else may have made: nothing but a commit is taken from it, and nothing waits."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.users import User
from trainwatt.machine.git import git_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KEY = "89abcdef0123456789abcdef0123456789abcdef"
"""A secret may look like a commit: some API keys have 40 hexadecimal digits."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a repository on the branch main, and a secret beside it."""
    heads = tmp_path / "project" / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    (heads / "main").write_text(COMMIT + "\n")
    (tmp_path / "project" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path / "project"


def head(project: Path, text: str) -> str | None:
    (project / ".git" / "HEAD").write_text(text)
    return git_commit(project)


@pytest.mark.parametrize("digits", [40, 64])
def test_a_commit_has_40_or_64_hexadecimal_digits(project: Path, digits: int) -> None:
    assert head(project, "a" * digits + "\n") == "a" * digits
    assert head(project, "A" * digits) == "a" * digits
    assert head(project, "a" * (digits - 1)) is None
    assert head(project, "a" * (digits + 1)) is None
    assert head(project, "a" * (digits - 1) + "g") is None
    assert head(project, "a" * (digits - 1) + "²") is None


@pytest.mark.parametrize(
    "ref",
    [
        "../../key",
        "refs/../../../key",
        "refs/heads/../../../../key",
        "refs//../../key",
        "{absolute}",
        "refs/{absolute}",
        "config",
        "refs/heads/.hidden",
        "refs",
        "",
        "refs/heads/\0",
        "refs/heads/main\nHEAD",
        "x" * 5000,
    ],
)
def test_a_reference_stays_inside_the_repository(project: Path, tmp_path: Path, ref: str) -> None:
    (project / ".git" / "config").write_text(KEY)
    (project / ".git" / "refs" / "heads" / ".hidden").write_text(KEY)
    assert head(project, f"ref: {ref.format(absolute=tmp_path / 'key')}\n") is None


@pytest.mark.parametrize("link", [".git/HEAD", ".git/refs/heads/main", ".git/refs/heads", ".git/packed-refs", ".git/commondir"])
def test_a_link_out_of_the_repository_is_not_read(project: Path, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main").write_text(KEY)
    (tmp_path / "packed").write_text(f"{KEY} refs/heads/main\n")
    place = project / link
    if link.endswith(("packed-refs", "commondir")):
        (project / ".git" / "refs" / "heads" / "main").unlink()
    elif place.is_dir():
        (place / "main").unlink()
        place.rmdir()
    else:
        place.unlink()
    target = {"heads": outside, "packed-refs": tmp_path / "packed"}.get(place.name, tmp_path / "key")
    place.symlink_to(target)
    assert git_commit(project) is None


def test_a_link_inside_the_repository_is_followed(project: Path) -> None:
    """As git made HEAD long ago."""
    (project / ".git" / "HEAD").unlink()
    (project / ".git" / "HEAD").symlink_to("refs/heads/main")
    assert git_commit(project) == COMMIT


def test_a_reference_to_a_reference_is_followed_and_a_circle_ends(project: Path) -> None:
    heads = project / ".git" / "refs" / "heads"
    (heads / "alias").write_text("ref: refs/heads/main\n")
    assert head(project, "ref: refs/heads/alias\n") == COMMIT
    (heads / "main").write_text("ref: refs/heads/alias\n")
    assert git_commit(project) is None


@pytest.mark.parametrize("name", [".git", ".git/HEAD", ".git/refs/heads/main", ".git/packed-refs", ".git/commondir"])
@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "large", "folder"])
def test_only_a_small_regular_file_is_read(project: Path, name: str, kind: str) -> None:
    """A test that waits here has failed."""
    if name == ".git":
        (project / ".git").rename(project / "elsewhere")
    place = project / name
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        os.mknod(place, 0o20600, os.makedev(1, 5))  # /dev/zero
    elif kind == "endless":
        place.symlink_to("/dev/zero")
    elif kind == "large":
        with place.open("wb") as file:
            file.truncate(2**40)  # a terabyte, without using a block
    else:
        place.mkdir()
    expected = COMMIT if name in (".git/packed-refs", ".git/commondir") else None
    assert git_commit(project) == expected


@pytest.mark.parametrize("text", ["gitdir: {0}", "gitdir: ../elsewhere", "gitdir: \0", "gitdir:", "{0}", "gitdir: {0}\nmore"])
def test_the_file_of_a_worktree_names_a_folder(project: Path, text: str) -> None:
    elsewhere = project.parent / "elsewhere"
    (project / ".git").rename(elsewhere)
    (project / ".git").write_text(text.format(elsewhere))
    assert git_commit(project) == (COMMIT if text in ("gitdir: {0}", "gitdir: ../elsewhere") else None)


def test_a_submodule_has_its_own_commit(tmp_path: Path) -> None:
    def git(folder: Path, *arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always")
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(["git", *who, *arguments], cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout.strip()

    for name in ("inner", "outer"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "-q")
        git(tmp_path / name, "commit", "-q", "--allow-empty", "-m", name)
    git(tmp_path / "outer", "submodule", "add", "-q", str(tmp_path / "inner"), "lib")
    assert git_commit(tmp_path / "outer" / "lib") == git(tmp_path / "inner", "rev-parse", "HEAD")
    assert git_commit(tmp_path / "outer") == git(tmp_path / "outer", "rev-parse", "HEAD")


@given(st.binary(max_size=200))
def test_whatever_the_files_hold_a_commit_or_nothing_is_found(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    project = tmp_path_factory.mktemp("any")
    heads = project / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    for text in (content, b"ref: " + content, b"ref: refs/heads/main"):
        (project / ".git" / "HEAD").write_bytes(text)
        for name in ("refs/heads/main", "packed-refs", "commondir"):
            (project / ".git" / name).write_bytes(content)
        found = git_commit(project)
        assert found is None or (len(found) in (40, 64) and set(found) <= set("0123456789abcdef"))


ANNA, BORIS = 61_011, 61_012


def give(path: Path, uid: int) -> None:
    for one in [path, *path.rglob("*")]:
        os.chown(one, uid, uid, follow_symlinks=False)


@pytest.mark.slow
def test_the_repository_of_somebody_else_above_is_passed_over(project: Path) -> None:
    """Boris has made one in a folder that all may write. Anna works below it, and root in the folder of Anna."""
    with tempfile.TemporaryDirectory(prefix="trainwatt-git-") as name:  # the folders of pytest are root's only
        Path(name).chmod(0o1777)
        project = project.rename(Path(name, "project"))
        _passed_over(project)


def _passed_over(project: Path) -> None:
    own = project / "anna"
    (own / "deep").mkdir(parents=True)
    give(project / ".git", BORIS)
    give(own, ANNA)
    anna = User(ANNA)
    try:
        code = f"from trainwatt.machine.git import git_commit; import pathlib; print(git_commit(pathlib.Path({str(own / 'deep')!r})))"
        assert anna.python(code).out == "None\n"
        assert git_commit(own / "deep") is None
        give(project / ".git", ANNA)
        assert anna.python(code).out == f"{COMMIT}\n"
        assert git_commit(own / "deep") == COMMIT, "root in a container, in a folder of the user"
        give(project / ".git", 0)
        assert anna.python(code).out == f"{COMMIT}\n"
    finally:
        anna.close()
