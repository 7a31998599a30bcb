"""The file for node_exporter's textfile collector."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.live import ENERGY_J, RUN, live
from tests.fakes.privilege import without_privilege
from trainwatt import ConfigurationError
from trainwatt.integrations.sinks import textfile
from trainwatt.integrations.sinks.textfile import SEEN_S, TextfileSink


def energy_j(file: Path) -> float:
    samples = [s for family in text_string_to_metric_families(file.read_text()) for s in family.samples]
    return next(float(s.value) for s in samples if s.name == "trainwatt_run_energy_joules_total")


def begun(text: str, run_id: str = RUN.run_id) -> TextfileSink:
    sink = textfile.sink(text)
    sink.begin(RUN._replace(run_id=run_id), live)
    sink.write(live())
    return sink


def aged(file: Path) -> None:
    """As if its last figures were old enough."""
    os.utime(file, (0, file.stat().st_mtime - SEEN_S - 1))


def prom_files(folder: Path) -> set[str]:
    """What node_exporter reads."""
    return {file.name for file in folder.glob("*.prom")}


def test_the_file_is_written_whole_for_every_user_and_keeps_the_final_figures(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        sink = begun(str(tmp_path))
    finally:
        os.umask(before)
    file = tmp_path / "trainwatt.prom"
    assert energy_j(file) == ENERGY_J
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    checked = subprocess.run(["promtool", "check", "metrics"], input=file.read_text(), capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    with open(file) as reader:
        sink.write(live(status="completed", energy_j=400.0, power_w=None, devices=()))
        assert f'trainwatt_run_energy_joules_total{{host="node-1",run_id="{RUN.run_id}"}} {ENERGY_J}\n' in reader.read()
    sink.end()
    assert energy_j(file) == 400.0
    assert "trainwatt_run_active{" in file.read_text()
    assert "power_watts{" not in file.read_text()
    assert prom_files(tmp_path) == {"trainwatt.prom"}
    assert [f.name for f in tmp_path.iterdir() if f.suffix not in (".prom", ".lock")] == []


def test_each_run_at_once_has_its_own_file(tmp_path: Path) -> None:
    sinks = [begun(f"{tmp_path}/energy.prom", str(number)) for number in range(3)]
    assert prom_files(tmp_path) == {"energy.prom", "energy-2.prom", "energy-3.prom"}
    for sink in sinks:
        sink.end()
    for file in tmp_path.glob("*.prom"):
        aged(file)
    begun(f"{tmp_path}/energy.prom", "4").end()
    assert prom_files(tmp_path) == {"energy.prom"}  # the others are over and have been seen
    assert 'run_id="4"' in (tmp_path / "energy.prom").read_text()


def test_the_last_figures_are_left_alone_until_they_have_been_seen(tmp_path: Path) -> None:
    begun(str(tmp_path), "1").end()
    begun(str(tmp_path), "2").end()
    assert 'run_id="1"' in (tmp_path / "trainwatt.prom").read_text()
    aged(tmp_path / "trainwatt.prom")
    begun(str(tmp_path), "3").end()
    assert 'run_id="3"' in (tmp_path / "trainwatt.prom").read_text()
    assert 'run_id="2"' in (tmp_path / "trainwatt-2.prom").read_text()


def test_the_file_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    code = "import os, signal, sys; from tests.integrations.sinks.test_textfile import begun; begun(sys.argv[1], 'x'); os.kill(0, 9)"
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, start_new_session=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    aged(tmp_path / "trainwatt.prom")
    begun(str(tmp_path)).end()
    assert RUN.run_id in (tmp_path / "trainwatt.prom").read_text()


def test_a_full_disk_is_an_error_and_the_file_stays_what_it_was(tmp_path: Path) -> None:
    sink = begun(str(tmp_path))
    before = (tmp_path / "trainwatt.prom").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(OSError, match="too large"):
            sink.write(live(energy_j=400.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "trainwatt.prom").read_bytes() == before
    assert [f.name for f in tmp_path.iterdir() if f.suffix not in (".prom", ".lock")] == []
    sink.write(live(energy_j=400.0))
    assert energy_j(tmp_path / "trainwatt.prom") == 400.0
    sink.end()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name the file"),
        ("/no/such/folder/trainwatt.prom", "'/no/such/folder' does not exist"),
        ("energy.txt", "does not end in .prom"),
    ],
)
def test_a_file_that_nobody_would_read_is_an_error_before_the_training(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        textfile.sink(text)


def test_a_folder_of_another_user_is_an_error_before_the_training(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    code = "import sys; from trainwatt.integrations.sinks.textfile import sink; sink(sys.argv[1])"
    refused = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], preexec_fn=without_privilege, capture_output=True, text=True, timeout=60, check=False
    )
    assert f"the folder '{tmp_path}' cannot be written to by this user" in refused.stderr


def as_user(uid: int, text: str, run_id: str) -> None:
    """A run of that user."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            begun(text, run_id).end()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_users_who_share_a_folder_have_a_file_each() -> None:
    """In a folder like /tmp, nobody may replace what another user has written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o1777)
        (folder / "trainwatt-7.prom").mkdir()
        as_user(54321, name, "a")
        aged(folder / "trainwatt.prom")
        as_user(54322, name, "b")
        aged(folder / "trainwatt-2.prom")
        as_user(54321, name, "c")
        owners = {file.name: file.stat().st_uid for file in folder.glob("*.prom") if file.is_file()}
        assert owners == {"trainwatt.prom": 54321, "trainwatt-2.prom": 54322}
        assert 'run_id="c"' in (folder / "trainwatt.prom").read_text()
        assert 'run_id="b"' in (folder / "trainwatt-2.prom").read_text()
