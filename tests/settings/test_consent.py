"""What names code, a database or a file elsewhere is followed only as the user has allowed it."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.powercap import FakePowercap
from tests.fakes.trusted import trust
from tests.fakes.views import tracker_log
from trainwatt.config import Config, resolve
from trainwatt.core.sensing import DiscoveryRequest
from trainwatt.errors import ConfigurationError, NoHomeError
from trainwatt.sensors import discovery as sensors
from trainwatt.settings import consent
from trainwatt.settings.search import Why, search

METER = "from trainwatt.core import Discovery\ndef discover(request):\n    return Discovery()\n"
EVIL = "import pathlib\npathlib.Path({mark!r}).touch()\n" + METER


@pytest.fixture
def project(tmp_path: Path, own_state: Path) -> Path:
    """A git repository with code and a database that its settings name."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "meter.py").write_text(METER)
    settings(folder, 'project = "digits"\nzone = "FR"\nsensors = ["meter.py:discover"]\ndb = "runs"\n')
    return folder


def settings(folder: Path, text: str) -> Path:
    (folder / "trainwatt.toml").write_text(text)
    return folder / "trainwatt.toml"


def run_meters(found: Config, machine: FakePowercap) -> None:
    gains = {"cpu": 0.03, "dram": 0.1}
    sensors.discover(DiscoveryRequest(gains, gpus=(), sysfs=str(machine.sysfs), procfs=str(machine.procfs), providers=found.sensors))


def test_until_it_is_allowed_only_the_harmless_settings_are_followed(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert resolve({}, {}, project) == Config(project="digits", zone="FR")
    [said] = tracker_log(caplog)
    file = project / "trainwatt.toml"
    assert said.startswith(f"trainwatt: {file}: sensors, db are not followed, because you have not allowed this file to name code")
    assert said.endswith(f"trainwatt trust {file}")
    assert "\n" not in said
    trust(file)
    found = resolve({}, {}, project)
    assert (found.db, found.sensors) == (str(project / "runs"), (f"{project / 'meter.py'}:discover",))
    assert len(tracker_log(caplog)) == 1


@pytest.mark.parametrize(
    "text",
    [
        'sensors = "meter.py:discover"',
        'sensors = ["meter:discover"]',
        'sensors = ["installed.module:discover"]',
        "sensors = 7",
        'db = "runs"',
        'db = "/elsewhere/runs.db"',
        'db = "postgresql://host/runs"',
        'sysfs = "/host/sys"',
        'procfs = "here"',
        'hardware = "/elsewhere/lab.csv"',
        'hardware = "../lab.csv"',
        'hardware = "linked/lab.csv"',
        'hardware = "lab.csv"\nname = "x"\ndb = "."',
    ],
)
@pytest.mark.parametrize("file", ["trainwatt.toml", "pyproject.toml"])
def test_what_names_code_a_database_or_a_file_elsewhere_needs_consent(project: Path, text: str, file: str) -> None:
    (project / "linked").symlink_to("/etc")
    (project / "trainwatt.toml").unlink()
    (project / file).write_text(("[tool.trainwatt]\n" if file == "pyproject.toml" else "") + text)
    [refused] = search(project).not_followed
    assert refused.why is Why.NOT_ALLOWED
    key = text.rpartition("\n")[2].partition(" ")[0]
    assert refused.settings == (key,)
    assert getattr(resolve({}, {}, project), key) == getattr(Config(), key)
    trust(project / file)
    assert key in search(project).values


@pytest.mark.parametrize("text", ['hardware = "lab.csv"', 'hardware = "data/../lab.csv"', 'hardware = ""', 'zone = "auto"', "sensors = []"])
def test_what_stays_in_the_project_needs_none(project: Path, text: str) -> None:
    (project / "data").mkdir()
    settings(project, text)
    assert search(project).not_followed == ()


def test_arguments_and_the_environment_are_the_users_own(project: Path) -> None:
    environ = {"TRAINWATT_DB": "/runs.db", "TRAINWATT_PROCFS": "/host/proc"}
    found = resolve({"sensors": ["x.py:discover"], "hardware": "/lab.csv"}, environ, project)
    assert (found.db, found.procfs, found.sensors, found.hardware) == ("/runs.db", "/host/proc", ("x.py:discover",), "/lab.csv")


# ---- for one content


def other_code(project: Path) -> None:
    (project / "meter.py").write_text(METER + "# more\n")


def no_code(project: Path) -> None:
    (project / "meter.py").unlink()


def code_elsewhere(project: Path) -> None:
    (project / "meter.py").rename(project / "other.py")
    (project / "meter.py").symlink_to("/etc/hostname")


def code_that_is_no_file(project: Path) -> None:
    (project / "meter.py").unlink()
    os.mkfifo(project / "meter.py")


def other_settings(project: Path) -> None:
    settings(project, (project / "trainwatt.toml").read_text().replace("runs", "/etc/runs"))


def one_more_setting(project: Path) -> None:
    settings(project, (project / "trainwatt.toml").read_text() + "period_s = 1\n")


@pytest.mark.parametrize(
    "change",
    [other_code, no_code, code_elsewhere, code_that_is_no_file, other_settings, one_more_setting],
    ids=lambda f: f.__name__,
)
def test_a_change_asks_again_and_says_what_has_changed(
    project: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    trust(project / "trainwatt.toml")
    assert search(project).not_followed == ()
    change(project)
    [refused] = search(project).not_followed
    assert (refused.why, refused.settings) == (Why.CHANGED, ("sensors", "db"))
    assert refused.at.name == ("trainwatt.toml" if "settings" in change.__name__ or "setting" in change.__name__ else "meter.py")
    found = resolve({}, {}, project)
    assert (found.project, found.sensors, found.db) == ("digits", (), None)
    [said] = tracker_log(caplog)
    assert f"because {refused.at} has changed since you allowed it" in said


def test_what_was_allowed_once_is_followed_again_when_it_is_as_it_was(project: Path) -> None:
    trust(project / "trainwatt.toml")
    other_code(project)
    assert search(project).not_followed
    (project / "meter.py").write_text(METER)
    assert search(project).not_followed == ()


def test_another_project_with_the_same_settings_asks_anew(project: Path, tmp_path: Path) -> None:
    trust(project / "trainwatt.toml")
    (tmp_path / "other").mkdir()
    for name in ("trainwatt.toml", "meter.py"):
        (tmp_path / "other" / name).write_text((project / name).read_text())
    assert [r.why for r in search(tmp_path / "other").not_followed] == [Why.NOT_ALLOWED]


def test_a_comment_changes_nothing(project: Path) -> None:
    trust(project / "trainwatt.toml")
    settings(project, "# why\n" + (project / "trainwatt.toml").read_text())
    assert search(project).not_followed == ()


VALUES = st.dictionaries(
    st.sampled_from(["db", "sensors", "project", "tags"]), st.text(max_size=3) | st.integers() | st.lists(st.text(max_size=2))
)


@given(
    VALUES,
    VALUES,
    st.dictionaries(st.sampled_from("ab"), st.sampled_from("01")),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from("01")),
)
def test_a_consent_holds_for_equal_content_only(
    before: dict[str, object], now: dict[str, object], code: dict[str, str], later: dict[str, str]
) -> None:
    allowed = consent.consent(Path("/p/trainwatt.toml"), before, code)
    changed = allowed.changed(consent.consent(Path("/p/trainwatt.toml"), now, later))
    assert (changed is None) == (before == now and code == later)


# ---- the code that is run


def test_the_code_that_was_allowed_is_what_is_run(project: Path, machine: FakePowercap, tmp_path: Path) -> None:
    """It is exchanged between the question and the run."""
    trust(project / "trainwatt.toml")
    found = resolve({}, {}, project)
    (project / "meter.py").write_text(EVIL.format(mark=str(tmp_path / "mark")))
    with pytest.raises(ConfigurationError, match=r"meter\.py has changed just now"):
        run_meters(found, machine)
    assert not (tmp_path / "mark").exists()
    (project / "meter.py").write_text(METER)
    run_meters(resolve({}, {}, project), machine)


def test_a_compiled_file_beside_the_code_is_not_run(project: Path, machine: FakePowercap, tmp_path: Path) -> None:
    """Python itself would run it and not look at the text: it says of itself that it need not be checked (PEP 552)."""
    cached = Path(importlib.util.cache_from_source(str(project / "meter.py")))
    (tmp_path / "evil.py").write_text(EVIL.format(mark=str(tmp_path / "mark")))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(tmp_path / "evil.py"), str(cached), invalidation_mode=unchecked)
    subprocess.run([sys.executable, "-c", "import meter"], cwd=project, check=True)
    assert (tmp_path / "mark").exists(), "that is what Python does"
    (tmp_path / "mark").unlink()
    trust(project / "trainwatt.toml")
    run_meters(resolve({}, {}, project), machine)
    assert not (tmp_path / "mark").exists()


def test_a_package_of_the_project_is_allowed_with_its_content(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python finds it, because the user has put the project on its path. An installed module is allowed by its name."""
    (project / "meters" / "inner").mkdir(parents=True)
    for name in ("meters/__init__.py", "meters/inner/__init__.py"):
        (project / name).write_text(METER)
    settings(project, 'sensors = ["meters.inner:discover", "json.decoder:discover"]\n')
    monkeypatch.syspath_prepend(str(project))
    trust(project / "trainwatt.toml")
    assert search(project).not_followed == ()
    for name in ("meters/__init__.py", "meters/inner/__init__.py"):
        (project / name).write_text(METER + "# more\n")
        assert [r.at for r in search(project).not_followed] == [project / name]
        (project / name).write_text(METER)


# ---- what is kept


def kept(own_state: Path) -> Path:
    [file] = own_state.rglob("*.json")
    return file


def test_a_consent_is_this_users_own(project: Path, own_state: Path) -> None:
    before = os.umask(0)
    try:
        trust(project / "trainwatt.toml")
    finally:
        os.umask(before)
    file = kept(own_state)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)] == [0o600, 0o700]
    assert file.parent == own_state / "trainwatt" / "trusted"


def open_to_all(file: Path) -> None:
    file.chmod(0o666)


def of_a_stranger(file: Path) -> None:
    os.chown(file, 61_021, 61_021)


def in_a_folder_of_a_stranger(file: Path) -> None:
    os.chown(file.parent, 61_021, 61_021)


def in_a_folder_open_to_all(file: Path) -> None:
    file.parent.chmod(0o1777)


def a_link(file: Path) -> None:
    file.rename(file.with_suffix(".kept"))
    file.symlink_to(file.with_suffix(".kept"))


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def damaged(file: Path) -> None:
    file.write_text(file.read_text()[:-1])


def nonsense(file: Path) -> None:
    file.write_text(json.dumps({"file": 5, "settings": [], "code": "x"}))


def nested(file: Path) -> None:
    file.write_text(20_000 * "[")


def of_another_file(file: Path) -> None:
    file.write_text(file.read_text().replace("project", "projekt"))


@pytest.mark.parametrize(
    "spoil",
    [
        *(open_to_all, of_a_stranger, in_a_folder_of_a_stranger, in_a_folder_open_to_all),
        *(a_link, a_pipe, damaged, nonsense, nested, of_another_file),
    ],
    ids=lambda f: f.__name__,
)
def test_a_consent_that_others_could_have_given_does_not_count(project: Path, own_state: Path, spoil: Callable[[Path], None]) -> None:
    trust(project / "trainwatt.toml")
    assert search(project).not_followed == ()
    spoil(kept(own_state))
    assert [r.why for r in search(project).not_followed] == [Why.NOT_ALLOWED]
    assert all(one.file != str(project / "trainwatt.toml") for one in consent.all_given())


def test_a_consent_is_not_kept_where_others_can_write(project: Path, own_state: Path) -> None:
    (own_state / "trainwatt" / "trusted").mkdir(parents=True)
    (own_state / "trainwatt" / "trusted").chmod(0o777)
    with pytest.raises(ConfigurationError, match="XDG_STATE_HOME"):
        trust(project / "trainwatt.toml")


def test_a_user_without_a_home_has_allowed_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_state_path", lambda name: Path("~"))
    assert [r.why for r in search(project).not_followed] == [Why.NOT_ALLOWED]
    assert consent.all_given() == []
    with pytest.raises(NoHomeError, match="XDG_STATE_HOME"):
        trust(project / "trainwatt.toml")


# ---- allowed although others can write it


def test_a_file_of_a_stranger_is_followed_as_it_was_allowed(project: Path) -> None:
    """In a container, root often trains in a folder of the user."""
    file = settings(project, 'project = "digits"\n')
    os.chown(project, 61_021, 61_021)
    os.chown(file, 61_021, 61_021)
    assert resolve({}, {}, project) == Config()
    trust(file)
    assert resolve({}, {}, project) == Config(project="digits")
    settings(project, 'project = "other"\n')
    assert resolve({}, {}, project) == Config()
    assert [r.why for r in search(project).not_followed] == [Why.CHANGED]
