"""No secret reaches the database, a log or a terminal, by whichever way it comes into a run."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys

import pytest

from tests.fakes.views import events
from tests.fakes.world import ROOT, World
from trainwatt import EnergyTracker

SECRET = "Zq7hunter2Zq7"
TOKEN = "hf_ZqAbCdEfGhIjKlMnOpQrStUvWxYz012345"


def assert_hidden(world: World, *outputs: str) -> None:
    """Neither a file of the database nor what was printed has a secret."""
    for file in world.db.parent.iterdir():
        kept = file.read_bytes()
        assert SECRET.encode() not in kept, file
        assert TOKEN.encode() not in kept, file
    for output in outputs:
        assert SECRET not in output
        assert TOKEN not in output


COMMANDS = (
    ["sh", "-c", f": mysql -p{SECRET}; : https://me:{SECRET}@host; true --password {SECRET}"],
    ["env", f"WANDB_API_KEY={SECRET}", "true", "--pass", SECRET, "-u", f"me:{SECRET}@host.org", f"https://host/x?sig={SECRET}&y=1", TOKEN],
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_under_trainwatt_run_is_kept_without_its_secrets(world: World, command: list[str]) -> None:
    ended = world.cli("run", "--", *command)
    assert ended.returncode == 0, ended.stderr
    kept = world.show()["run"]["command"]
    assert kept.count("***") == " ".join(command).count(SECRET) + " ".join(command).count(TOKEN)
    assert_hidden(world, ended.stderr, world.call("show").stdout, world.call("list", "--json").stdout)


def test_a_command_that_cannot_be_started_is_named_without_its_secrets(world: World) -> None:
    ended = world.cli("run", "--", f"API_KEY={SECRET}", "python")
    assert ended.returncode == 127
    assert SECRET not in ended.stderr


TRAIN = f"""
import logging, sys, time
logging.basicConfig(format="%(message)s")
from trainwatt import EnergyTracker
tags = {{"lr": "0.1", "api_key": "{SECRET}", "{TOKEN}": "a", "note": "password={SECRET}", "tokenizer": "bert"}}
def train(end):
    with EnergyTracker(project="p token={SECRET}", name="{TOKEN}", group="me:{SECRET}@host.org", tags=tags) as tracker:
        with tracker.phase("train {TOKEN}"):
            tracker.update(samples=4)
        with tracker.phase("train hf_ZqAbCdEfGhIjKlMnOpQrStUvWxYz999999"):
            tracker.update(samples=4)
        tracker.update(samples="password={SECRET}")
        time.sleep({{seconds}})
        end(tracker)
"""
ENDS = {
    f"sys.exit('refused: token={SECRET}')": "sys.exit('refused: token=***')",
    f"sys.exit({{'password': '{SECRET}'}})": "sys.exit({'password': '***'})",
    f"fail(RuntimeError('no route to postgresql://me:{SECRET}@host/db'))": "RuntimeError: no route to postgresql://me:***@host/db",
    f"fail(ValueError({{'a': 1, 'Authorization': 'token {SECRET}'}}))": "ValueError: {'Authorization': '***', 'a': 1}",
    f"tracker.stop('failed', 'secret: {SECRET}')": "secret: ***",
    f"tracker.stop('token={SECRET}')": "stop('token=***')",
}


def test_names_tags_work_and_the_end_of_a_run_have_no_secrets(world: World) -> None:
    code = TRAIN.replace("{seconds}", "0.05") + "def fail(error): raise error\n"
    for end in ENDS:
        code += f"try: train(lambda tracker: {end})\nexcept BaseException: pass\n"
    ids = {"SLURM_JOB_ID": "4711", "WANDB_RUN_ID": TOKEN, "MLFLOW_RUN_ID": "0123456789abcdef0123456789abcdef"}
    ended = world.run_python(code, env=world.environ(**ids))
    reasons = []
    for entry in reversed(world.runs()):
        view = world.show(entry["id"])
        run = view["run"]
        reasons.append(run["end_reason"])
        assert (run["project"], run["name"], run["group"]) == ("p token=***", "***", "me:***@host.org")
        assert run["tags"] == {"lr": "0.1", "api_key": "***", "***": "a", "note": "password=***", "tokenizer": "bert"}
        assert run["external"] == {"slurm_job_id": "4711", "wandb_run_id": "***", "mlflow_run_id": "0123456789abcdef0123456789abcdef"}
        assert [(p["name"], p["count"]) for p in view["phases"]] == [("train ***", 2)]
        assert view["work"] == {"samples": 8}
        assert_hidden(world, str(view))
    assert reasons == list(ENDS.values()), ended.stderr
    assert_hidden(world, ended.stderr, world.call("show").stdout, world.call("list", "--format", "csv").stdout)


def test_a_tracker_inside_a_command_gives_it_names_without_secrets(world: World) -> None:
    (world.work / "train.py").write_text(TRAIN.replace("{seconds}", "0.05") + "train(print)")
    ended = world.cli("run", "--tag", f"wandb_token={SECRET}", "--", sys.executable, "train.py")
    assert ended.returncode == 0, ended.stderr
    run = world.show()["run"]
    assert run["project"] == "p token=***"
    assert run["tags"]["wandb_token"] == run["tags"]["api_key"] == "***"
    assert_hidden(world, ended.stderr)


def test_tags_that_are_no_text_stay(here: World) -> None:
    tracker = EnergyTracker()
    tracker.start(tags={"lr": 0.1, "layers": 3, "api_key": 4711, "note": "password=" + SECRET})  # type: ignore[dict-item]
    tracker.stop()
    assert tracker.summary().to_dict()["run"]["tags"] == {"lr": 0.1, "layers": 3, "api_key": "***", "note": "password=***"}


METER = f"""
from trainwatt.core import Availability, Device, Discovery, Finding, Gauge
class Meter:
    name, kind, period_s = "power", Gauge("instant"), None
    device = Device("meter", "platform", 1000.0, 0.01, "meter", included_in_total=False, note="at https://me:{SECRET}@host")
    def read(self): raise OSError("refused: {{'password': '{SECRET}'}}")
    def holder_pids(self): raise RuntimeError("https://host/x?token={SECRET}")
    def close(self): pass
def discover(request):
    return Discovery([Meter()], [Finding("meter", Availability.DENIED, "meter", "with api_key={SECRET}", "--password {SECRET}", "{TOKEN}")])
"""


def test_faults_of_sensors_are_kept_and_logged_without_secrets(world: World) -> None:
    (world.work / "meters.py").write_text(METER)
    ended = world.run_python(TRAIN.replace("{seconds}", "0.5") + "train(print)", env=world.environ(TRAINWATT_SENSORS="meters.py:discover"))
    said = {event["kind"]: event["detail"] for event in world.show()["events"]}
    assert "RuntimeError: https://host/x?token=***" in said["store"]
    assert_hidden(world, ended.stderr)
    assert "Traceback" in ended.stderr  # of our log, with its lines
    for command in (["doctor"], ["doctor", "--json"]):
        shown = world.call(*command, TRAINWATT_SENSORS="meters.py:discover")
        assert_hidden(world, shown.stdout, shown.stderr)


def test_only_one_file_writes_to_the_log() -> None:
    """It masks what it writes."""
    called = re.compile(r"\blog(?:ger|ging)?\.(?:info|warning|error|exception|critical)\(")
    writes = {file.relative_to(ROOT).as_posix() for file in (ROOT / "tracker").rglob("*.py") if called.search(file.read_text())}
    assert writes == {"tracker/log.py"}


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["list", "--db", f"postgresql://me:{SECRET}@127.0.0.1:1/db"], {}),
        (["list", "--db", f"postgresql://127.0.0.1:1/db?user=me&password={SECRET}"], {}),
        (["list", "--db", f"postgresql://me:{SECRET}@x@127.0.0.1:1/db"], {}),
        (["list", "--db", f"postgresql://me:{SECRET}@127.0.0.1:port/db"], {}),
        (["list", "--db", f"postgresql://me: {SECRET}/x@127.0.0.1:1/db"], {}),
        (["list", "--db", f"host=127.0.0.1 password={SECRET} user=me"], {}),
        (["list", "--db", f"mysql://me:{SECRET}@127.0.0.1/db"], {}),
        (["list", "--db", f"sqlite://me:{SECRET}@host/x?y"], {}),
        (["doctor", "--db", f"postgresql://me:{SECRET}@127.0.0.1:1/db"], {}),
        (["show", f"token={SECRET}"], {}),
        (["list", f"--passwort={SECRET}"], {}),
        (["run", "--tag", f"{TOKEN}", "--", "true"], {}),
        (["list"], {"TRAINWATT_TAGS": f"a password={SECRET}", "TRAINWATT_STAGE": f"password={SECRET}"}),
        (["run", "--", "true"], {"TRAINWATT_STAGE": f"password={SECRET}"}),
        (["run", "--", "true"], {"TRAINWATT_SENSORS": f"https://me:{SECRET}@host"}),
    ],
)
def test_messages_about_places_and_settings_have_no_secrets(world: World, arguments: list[str], environ: dict[str, str]) -> None:
    ended = world.call(*arguments, **environ)
    assert SECRET not in ended.stdout + ended.stderr
    assert TOKEN not in ended.stdout + ended.stderr


def test_an_error_of_ours_in_python_has_no_secret(world: World) -> None:
    code = "import sys\nfrom trainwatt import EnergyTracker\nEnergyTracker(db=sys.argv[1]).start()"
    ended = world.run_python(code, f"mysql://me:{SECRET}@host/db")
    assert "mysql://me:***@host/db is of an unknown kind" in ended.stderr
    assert SECRET not in ended.stderr


OTHER = ["bash", "-c", f"exec -a 'trainer --dataset confidential --password {SECRET}' sleep 600"]


@pytest.mark.parametrize("full", [False, True])
def test_of_other_peoples_processes_only_the_program_and_the_user_are_kept(world: World, full: bool) -> None:
    with subprocess.Popen(OTHER, user=61_003, cwd="/") as other:
        world.gpu("0.pids", other.pid)
        ended = world.cli("run", *(["--full"] if full else []), "--", "sleep", "0.3")
        other.kill()
    assert ended.returncode == 0, ended.stderr
    [event] = events(world.show(), "shared")
    program = "'trainer --dataset confidential --password ***' 600" if full else "sleep"
    assert event["detail"] == f"process {other.pid} ({program} of user 61003) uses it too; its energy is included"
    assert full or all(b"confidential" not in file.read_bytes() for file in world.db.parent.iterdir())
    assert_hidden(world, ended.stderr)


def test_the_user_of_a_process_is_named(world: World) -> None:
    world.gpu("0.pids", os.getpid())
    world.run_python("import time\nfrom trainwatt import EnergyTracker\nwith EnergyTracker(): time.sleep(0.3)")
    [event] = events(world.show(), "shared")
    assert f" of user {pwd.getpwuid(os.getuid()).pw_name}) uses it too" in event["detail"]
