"""The files in deploy/ and the settings that they and the docs name."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import rich_click as click

from tests.fakes.world import World
from trainwatt.cli.main import cli
from trainwatt.config import JOIN_DB, JOIN_RUN, PREFIX, TOKEN, Config

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(file for file in DEPLOY.rglob("*") if file.is_file())]
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
yaml: Any = importlib.import_module("yaml")  # comes with Lightning


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: p.name)
def test_a_setting_that_is_named_exists(text: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", text.read_text()))
    assert named <= {PREFIX + f.name.upper() for f in fields(Config)} | {JOIN_RUN, JOIN_DB, TOKEN}


def objects(manifest: Path) -> list[Any]:
    return list(yaml.safe_load_all(manifest.read_text()))


def pods(manifest: Path) -> Iterator[Any]:
    """What a manifest says of pods."""
    yield from (found["spec"]["template"]["spec"] for found in objects(manifest) if "template" in found.get("spec", {}))


@pytest.mark.parametrize("file", sorted(DEPLOY.rglob("*.yaml")), ids=lambda p: p.name)
def test_a_file_is_yaml(file: Path) -> None:
    assert all(isinstance(found, dict) for found in objects(file))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda p: p.name)
def test_a_manifest_is_whole(manifest: Path) -> None:
    for found in objects(manifest):
        assert {"apiVersion", "kind", "metadata"} <= found.keys()
        assert found["metadata"]["name"]
    assert len(list(pods(manifest))) == 1


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda p: p.name)
def test_the_counters_are_mounted_read_only_where_the_settings_say(manifest: Path) -> None:
    """Not at their own path, which container runtimes hide."""
    for pod in pods(manifest):
        [container] = pod["containers"]
        environ = {variable["name"]: variable.get("value") for variable in container["env"]}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
        of_node = {
            volumes[mount["name"]]["hostPath"]["path"]: mount
            for mount in container["volumeMounts"]
            if volumes[mount["name"]].get("hostPath", {}).get("path", "").startswith("/sys")
        }
        assert of_node.keys() == {"/sys/class/powercap", "/sys/devices/virtual/powercap"}
        for path, mount in of_node.items():
            assert mount["readOnly"] is True
            assert mount["mountPath"] == environ["TRAINWATT_SYSFS"] + path.removeprefix("/sys")


def test_the_command_of_the_collector_can_be_typed() -> None:
    [pod] = pods(DEPLOY / "kubernetes" / "collector.yaml")
    program, word, *arguments = pod["containers"][0]["command"]
    assert program == "trainwatt"
    context = click.Context(cli, info_name="trainwatt", **cli.context_settings)  # a command keeps the names of its help option
    command = cli.get_command(context, word)
    assert command is not None
    command.make_context(word, arguments, context)


@pytest.mark.slow
def test_pods_of_one_kubernetes_job_record_in_one_run(world: World) -> None:
    """The second replaces the first, which failed."""
    [pod] = pods(DEPLOY / "kubernetes" / "job.yaml")
    [container] = pod["containers"]
    bin_folder = world.root / "bin"
    bin_folder.mkdir()
    program = bin_folder / "trainwatt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m trainwatt "$@"\n')
    program.chmod(0o755)
    env = world.environ(JOB_UID="5f0c6a0e-3b1f-4a57-9a1c-0d5a2a1b7c11")
    env["PATH"] = f"{bin_folder}:{env['PATH']}"
    for code in (3, 0):
        ended = subprocess.run([*container["command"], "sh", "-c", f"sleep 1; exit {code}"], env=env, cwd=world.work, timeout=300)
        assert ended.returncode == code
    [run] = world.runs()
    assert (run["id"], run["project"], run["status"]) == ("5f0c6a0e3b1f", "digits", "completed")


def test_the_prolog_of_tasks_leaves_what_the_user_has_set() -> None:
    script = DEPLOY / "slurm" / "task-prolog.sh"
    printed = subprocess.run([script], env={"TRAINWATT_ZONE": "SE"}, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == ["export TRAINWATT_PUE=1.2", "export TRAINWATT_DB=postgresql://db.example.org/trainwatt"]
