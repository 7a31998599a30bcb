"""Processes and their jobs: identity, masked commands, git commits, ids of schedulers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainwatt.machine.git import git_commit
from trainwatt.machine.job import external_ids
from trainwatt.machine.process import alive_ticks, command_of, is_descendant, own_command, parent, this_process
from trainwatt.masking.text import masked

# ---- secrets


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--token", "s3cr3t"], "--token ***"),
        (["--token=s3cr3t"], "--token=***"),
        (["--hf-token", "s3cr3t", "--epochs", "3"], "--hf-token *** --epochs 3"),
        (["--hub_token=s3cr3t"], "--hub_token=***"),
        (["--api-key=s3cr3t"], "--api-key=***"),
        (["--api_key", "s3cr3t"], "--api_key ***"),
        (["--apikey=s3cr3t"], "--apikey=***"),
        (["--wandb-key", "s3cr3t"], "--wandb-key ***"),
        (["--key=s3cr3t"], "--key=***"),
        (["--aws-secret-access-key", "s3cr3t"], "--aws-secret-access-key ***"),
        (["PASSWORD=s3cr3t", "python", "x.py"], "PASSWORD=*** python x.py"),
        (["HF_TOKEN=s3cr3t"], "HF_TOKEN=***"),
        (["--db-password", "s3cr3t"], "--db-password ***"),
        (["--passwd=s3=cr3t"], "--passwd=***"),
        (["--passphrase", "s3cr3t"], "--passphrase ***"),
        (["--pwd=s3cr3t"], "--pwd=***"),
        (["--auth", "me:s3cr3t"], "--auth ***"),
        (["--credentials=s3cr3t"], "--credentials=***"),
        (["+logger.api_key=s3cr3t"], "+logger.api_key=***"),
        (["--db", "postgresql://me:s3cr3t@host/db"], "--db postgresql://me:***@host/db"),
        (["--db=postgresql+psycopg://me:s3cr3t@host:5432/db"], "--db=postgresql+psycopg://me:***@host:5432/db"),
        (["redis://:s3cr3t@host/0"], "redis://:***@host/0"),
    ],
)
def test_a_secret_is_masked(arguments: list[str], shown: str) -> None:
    assert masked(arguments) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["postgresql://me:s3@cr3t@host/db"],
        ["postgresql://me:s3/cr3t@host/db"],
        ["postgresql://host/db?user=me&password=s3cr3t"],
        ["--db=postgresql://host/db?user=me&password=s3cr3t"],
        ["https://s3cr3t@github.com/me/repo.git"],
    ],
)
def test_no_part_of_a_secret_in_a_url_is_shown(arguments: list[str]) -> None:
    shown = masked(arguments)
    assert "s3" not in shown
    assert "cr3t" not in shown


@pytest.mark.parametrize(
    "command",
    [
        "python train.py --epochs 3",
        "train.py --tokenizer bert",
        "train.py --tokenizer=bert",
        "train.py --tokenizer_name bert",
        "train.py --tokenizer-path /data/tok",
        "train.py data.tokenizer=bert",
        "train.py --max-tokens 5",
        "train.py --max_tokens=5",
        "train.py data.max_tokens=512",
        "train.py --tokens-per-batch 4096",
        "train.py --num-tokens=1000",
        "train.py --tokenized-data /data",
        "train.py --author me",
        "train.py --authors=me",
        "train.py --keyboard x",
        "train.py --monkey x",
        "train.py --keys a",
        "tokenize.py input",
        "train.py token",
        "train.py http://localhost:5000/path",
        "train.py https://host:443/a@b",
        "train.py me@host:/data",
    ],
)
def test_harmless_words_are_shown(command: str) -> None:
    assert masked(command.split()) == command


def test_a_flag_after_a_secret_flag_is_shown() -> None:
    assert masked(["--use-auth-token", "--epochs", "3"]) == "--use-auth-token --epochs 3"


def test_arguments_with_blanks_are_quoted() -> None:
    assert masked(["python", "my script.py"]) == "python 'my script.py'"


def test_this_processs_own_command_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "t.py", "--token", "s3cr3t"])
    assert own_command() == "python t.py --token ***"


def test_another_processs_command_is_masked(tmp_path: Path) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cmdline").write_bytes(b"python\0t.py\0--token\0s3cr3t\0")
    assert command_of(77, str(tmp_path)) == "python t.py --token ***"
    assert command_of(78, str(tmp_path)) is None


# ---- git


def git(folder: Path, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def test_the_commit_of_a_branch_is_read_from_below(repository: Path) -> None:
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    assert git_commit(below) == git(repository, "rev-parse", "HEAD")


def test_a_commit_follows_its_branch(repository: Path) -> None:
    first = git_commit(repository)
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD") != first


def test_packed_refs_are_read(repository: Path) -> None:
    git(repository, "branch", "feature/main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "feature/main")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_a_loose_ref_is_newer_than_a_packed_one(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_is_its_commit(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("packed", [False, True])
def test_a_worktree_has_its_own_commit(repository: Path, tmp_path: Path, packed: bool) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "two")
    if packed:
        git(repository, "pack-refs", "--all")
    assert git_commit(tmp_path / "other") == git(tmp_path / "other", "rev-parse", "HEAD")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD") != git_commit(tmp_path / "other")


def test_a_git_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"))
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    assert git_commit(folder) == git(folder, "rev-parse", "HEAD")


def test_a_branch_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_commit(tmp_path) is None


def test_where_there_is_no_repository_there_is_no_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # a folder without HEAD is no repository
    assert git_commit(tmp_path) is None


# ---- processes


def fake_process(procfs: Path, pid: int, ppid: int, *, state: str = "S", ticks: int = 1000, name: str = "python") -> None:
    (procfs / str(pid)).mkdir()
    rest = " ".join(["0"] * 17)
    (procfs / str(pid) / "stat").write_text(f"{pid} ({name}) {state} {ppid} {rest} {ticks} 0 0\n")


@pytest.mark.parametrize("name", ["python", "a b", "a) S 1 (b", "(sd-pam)", ""])
def test_the_start_time_is_read_whatever_the_name(name: str, tmp_path: Path) -> None:
    fake_process(tmp_path, 7, 3, ticks=4242, name=name)
    assert alive_ticks(7, str(tmp_path)) == 4242
    assert parent(7, str(tmp_path)) == 3


@pytest.mark.parametrize("state", ["Z", "X"])
def test_the_dead_are_not_alive(state: str, tmp_path: Path) -> None:
    fake_process(tmp_path, 7, 3, state=state)
    assert alive_ticks(7, str(tmp_path)) is None
    assert alive_ticks(8, str(tmp_path)) is None


@pytest.mark.parametrize("text", ["7 (python) S 3 0 0", "7 (python) S x", "7 (python) S 3 " + "0 " * 17 + "soon"])
def test_a_process_without_a_start_time_is_not_taken_for_ended(text: str, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(text)
    assert alive_ticks(7, str(tmp_path)) is None
    assert this_process(str(tmp_path)).is_alive(7, 1000)


@pytest.mark.parametrize("text", ["", "7 (python", "7 (python)"])
def test_a_process_without_a_state_has_no_parent(text: str, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(text)
    assert alive_ticks(7, str(tmp_path)) is None
    assert parent(7, str(tmp_path)) is None
    assert not is_descendant(7, 3, str(tmp_path))


def test_a_real_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        ticks = alive_ticks(child.pid)
        assert ticks is not None
        here = this_process()
        assert here.is_alive(child.pid, ticks)
        assert not here.is_alive(child.pid, ticks + 1)  # the pid was given to another process
        assert is_descendant(child.pid, os.getpid())
        assert not is_descendant(os.getpid(), child.pid)
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is not waited for: a zombie
        assert parent(child.pid) == os.getpid()
        assert alive_ticks(child.pid) is None
        assert not here.is_alive(child.pid, ticks)
    finally:
        child.kill()
        child.wait()
    assert alive_ticks(child.pid) is None


def test_generations_are_followed(tmp_path: Path) -> None:
    for pid, ppid in ((10, 1), (20, 10), (30, 20), (40, 1), (1, 0)):
        fake_process(tmp_path, pid, ppid)
    procfs = str(tmp_path)
    assert is_descendant(30, 10, procfs)
    assert is_descendant(10, 10, procfs)
    assert not is_descendant(10, 30, procfs)
    assert not is_descendant(40, 10, procfs)
    assert not is_descendant(99, 10, procfs)


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    fake_process(tmp_path, 10, 20)
    fake_process(tmp_path, 20, 10)
    assert not is_descendant(10, 30, str(tmp_path))


def test_this_process_is_itself() -> None:
    here = this_process()
    assert here.pid == os.getpid()
    assert here.start_ticks == alive_ticks(os.getpid()) != 0
    assert here.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert here.pid_namespace.startswith("pid:")
    assert here.host


def test_a_foreign_procfs_without_anything_is_survived(tmp_path: Path) -> None:
    here = this_process(str(tmp_path))
    assert (here.boot_id, here.pid_namespace, here.start_ticks) == ("", "", 0)


# ---- the jobs around it


def test_schedulers_are_known_by_their_variables() -> None:
    environ = {"SLURM_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "", "WANDB_RUN_ID": "abc", "HOME": "/root"}
    assert external_ids(environ) == {"slurm_job_id": "17", "wandb_run_id": "abc"}


def test_an_open_run_of_a_loaded_tracker_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = SimpleNamespace(active_run=lambda: SimpleNamespace(info=SimpleNamespace(run_id="m1")))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=SimpleNamespace(id="w1")))
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    assert external_ids({}) == {"wandb_run_id": "w1", "mlflow_run_id": "m1"}


def test_a_loaded_tracker_without_a_run_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=None))
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(active_run=lambda: None))
    assert external_ids({}) == {}
