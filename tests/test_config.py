"""Where settings come from, and what is refused."""

from __future__ import annotations

import os
from collections import UserDict
from collections.abc import Sequence
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch

from trainwatt import EnergyTracker
from trainwatt.cli.options import tracking_options
from trainwatt.config import Config, Settings, parse_gpus, resolve
from trainwatt.errors import ConfigurationError, TrainwattError


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_nothing_given_is_the_defaults(tmp_path: Path) -> None:
    config = resolve({}, {}, tmp_path)
    assert config == Config()
    assert (config.period_s, config.stage, config.scope, config.gpus) == (None, "training", "machine", None)
    assert config.gains == {"gpu": 0.05, "cpu": 0.03, "dram": 0.10, "platform": 0.03}


def test_arguments_win_over_the_environment_over_the_file(tmp_path: Path) -> None:
    write(tmp_path / "trainwatt.toml", 'project = "file"\nname = "file"\ngroup = "file"\n')
    environ = {"TRAINWATT_PROJECT": "environ", "TRAINWATT_NAME": "environ"}
    config = resolve({"project": "argument"}, environ, tmp_path)
    assert (config.project, config.name, config.group, config.stage) == ("argument", "environ", "file", "training")


def test_trainwatt_toml_wins_over_pyproject_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "trainwatt.toml", "period_s = 0.5\n")
    write(tmp_path / "pyproject.toml", "[tool.trainwatt]\nperiod_s = 2\n")
    assert resolve({}, {}, tmp_path).period_s == 0.5


def test_the_nearest_file_counts_and_a_pyproject_without_a_table_is_passed_over(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    write(tmp_path / "trainwatt.toml", 'project = "far"\n')
    write(tmp_path / "a" / "pyproject.toml", '[tool.trainwatt]\nproject = "near"\n')
    write(below / "pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    assert resolve({}, {}, below).project == "near"


def test_an_argument_that_is_none_is_not_given(tmp_path: Path) -> None:
    assert resolve({"project": None, "gpus": None}, {"TRAINWATT_PROJECT": "environ"}, tmp_path).project == "environ"


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    assert resolve({}, {"TRAINWATT_PERIOD_S": "", "TRAINWATT_GPUS": ""}, tmp_path) == Config()


def test_unrelated_variables_are_left_alone(tmp_path: Path) -> None:
    assert resolve({}, {"TRAINWATT_SOMETHING": "x", "PROJECT": "y", "project": "z"}, tmp_path) == Config()


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "TRAINWATT_PERIOD_S": "0.25",
        "TRAINWATT_GPUS": "0, GPU-5c1f",
        "TRAINWATT_TAGS": "lr=1e-3,note=a=b",
        "TRAINWATT_STAGE": "inference",
        "TRAINWATT_GAIN_GPU": "0.02",
        "TRAINWATT_DB": "sqlite:///x.db",
    }
    config = resolve({}, environ, tmp_path)
    assert config.period_s == 0.25
    assert config.gpus == (0, "GPU-5c1f")
    assert config.tags == {"lr": "1e-3", "note": "a=b"}
    assert (config.stage, config.db) == ("inference", "sqlite:///x.db")
    assert config.gains["gpu"] == 0.02


@pytest.mark.parametrize(
    ("text", "gpus"),
    [("0,2", (0, 2)), ("GPU-5c1f,GPU-77", ("GPU-5c1f", "GPU-77")), (" 1 , MIG-9 ", (1, "MIG-9")), ("none", ()), ("", ())],
)
def test_gpus_are_read_from_text(text: str, gpus: tuple[int | str, ...]) -> None:
    assert parse_gpus(text) == gpus


@pytest.mark.parametrize(("given", "gpus"), [([0, 2], (0, 2)), ((), ()), (["GPU-1", 3], ("GPU-1", 3)), ("none", ())])
def test_gpus_as_an_argument(given: object, gpus: tuple[int | str, ...], tmp_path: Path) -> None:
    assert resolve({"gpus": given}, {}, tmp_path).gpus == gpus


@pytest.mark.parametrize(
    ("given", "basis"), [("direct", "direct"), ("lifecycle", "lifecycle"), ("life-cycle", "lifecycle"), (" Direct ", "direct")]
)
def test_the_basis_is_set_by_its_name(given: str, basis: str, tmp_path: Path) -> None:
    assert resolve({"basis": given}, {}, tmp_path).basis == basis
    assert resolve({}, {"TRAINWATT_BASIS": given}, tmp_path).basis == basis
    (tmp_path / "trainwatt.toml").write_text(f'basis = "{given}"\n')
    assert resolve({}, {}, tmp_path).basis == basis


def test_tags_are_text(tmp_path: Path) -> None:
    assert resolve({"tags": {"seed": 7, "amp": True}}, {}, tmp_path).tags == {"seed": "7", "amp": "True"}


_BAD: list[tuple[str, Any]] = [
    ("period_s", "fast"),
    ("period_s", 0),
    ("period_s", -1),
    ("period_s", 61),
    ("period_s", "nan"),
    ("period_s", "inf"),
    ("period_s", [1]),
    ("baseline_s", -0.1),
    ("baseline_s", 3601),
    ("gain_gpu", -0.01),
    ("gain_cpu", 1.01),
    ("gain_dram", "5%"),
    ("gpus", 3),
    ("gpus", True),
    ("gpus", [True]),
    ("gpus", [1.5]),
    ("gpus", 1.5),
    ("tags", 5),
    ("tags", ["a"]),
    ("stage", "train"),
    ("stage", 3),
    ("scope", "job"),
    ("scope", 3),
    ("basis", "market"),
    ("basis", "life"),
    ("basis", 3),
]


@pytest.mark.parametrize(("key", "value"), _BAD)
def test_a_bad_argument_is_refused_with_value_reason_and_mend(key: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        resolve({key: value}, {}, tmp_path)
    message = str(raised.value)
    assert f"{key}={value!r}" in message
    assert "the arguments" in message
    assert any(word in message for word in ("give ", "choose ")), message


@pytest.mark.parametrize(
    ("key", "text"), [("period_s", "fast"), ("stage", "train"), ("scope", "job"), ("gain_dram", "7"), ("baseline_s", "1h")]
)
def test_a_bad_variable_is_refused_and_its_source_named(key: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the environment") as raised:
        resolve({}, {f"TRAINWATT_{key.upper()}": text}, tmp_path)
    assert f"{key}={text!r}" in str(raised.value)


def test_a_bad_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "trainwatt.toml", "period_s = 0.001\n")
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, {}, tmp_path)
    assert str(path) in str(raised.value)
    assert "0.01 to 60 seconds" in str(raised.value)


def test_the_stages_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="data, experimentation, training, inference"):
        resolve({"stage": "epoch"}, {}, tmp_path)


@pytest.mark.parametrize("name", ["trainwatt.toml", "pyproject.toml"])
def test_an_unknown_setting_is_refused_and_the_known_ones_listed(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, ("[tool.trainwatt]\n" if name == "pyproject.toml" else "") + "perod_s = 1\n")
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, {}, tmp_path)
    assert "'perod_s'" in str(raised.value)
    assert str(path) in str(raised.value)
    assert "period_s" in str(raised.value)


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'colour' in the arguments"):
        resolve({"colour": "red"}, {}, tmp_path)


def test_an_unknown_argument_of_the_tracker_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'peroid_s' in the arguments is not a setting of trainwatt \(did you mean period_s\?\)"):
        EnergyTracker(peroid_s=1)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="'sysfs' in the arguments is not a setting"):
        EnergyTracker(sysfs="/sys")  # type: ignore[call-arg]


def test_settings_are_the_same_wherever_they_are_given() -> None:
    """Only the places of the kernel's trees are no arguments of a program."""
    names = set(Settings.__annotations__)
    assert {f.name for f in fields(Config)} - {"sysfs", "procfs"} == names - {"baseline"} | {"baseline_s"}
    options = click.command()(tracking_options(lambda **_: None)).params
    assert {option.name for option in options} <= names
    text = EnergyTracker.__doc__ or ""
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize("key", ["db", "hardware"])
def test_a_path_may_be_text_or_a_path(key: str, tmp_path: Path) -> None:
    for path in ("a/b.csv", Path("a/b.csv")):
        assert getattr(resolve({key: path}, {}, tmp_path), key) == "a/b.csv"
    with pytest.raises(ConfigurationError, match=rf"{key}=5 in the arguments: give a path"):
        resolve({key: 5}, {}, tmp_path)


def test_a_broken_trainwatt_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "trainwatt.toml", "project = \n")
    with pytest.raises(ConfigurationError, match="line 1") as raised:
        resolve({}, {}, tmp_path)
    assert str(path) in str(raised.value)


def test_somebody_elses_broken_pyproject_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[[[\n")
    assert resolve({}, {}, tmp_path) == Config()


def test_a_pyproject_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'name = "\xff\xfe"\n')
    assert resolve({}, {}, tmp_path) == Config()


def test_a_trainwatt_toml_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trainwatt.toml").write_bytes(b'project = "\xff\xfe"\n')
    with pytest.raises(ConfigurationError, match=r"trainwatt\.toml"):
        resolve({}, {}, tmp_path)


@pytest.mark.parametrize("text", ['[tool]\ntrainwatt = "fast"\n', "[tool]\ntrainwatt = 3\n"])
def test_a_table_that_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "pyproject.toml", text)
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, {}, tmp_path)
    assert str(path) in str(raised.value)


def test_a_pyproject_whose_tool_is_no_table_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "tool = 5\n")
    assert resolve({}, {}, tmp_path) == Config()


def test_a_configuration_error_is_a_value_error_too() -> None:
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(ConfigurationError, TrainwattError)


def test_a_variable_that_is_no_setting_is_said_and_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"TRAINWATT_PROJET": "digits", "TRAINWATT_RUN_ID": "a1", "TRAINWATT_RUN_DB": "/runs.db", "TRAINWATT_ZONE": "FR"}
    assert resolve({}, environ, tmp_path).zone == "FR"
    [said] = [record.getMessage() for record in caplog.records]
    assert said == "trainwatt: TRAINWATT_PROJET is set, but there is no such setting (did you mean TRAINWATT_PROJECT?)"


class Listed(Sequence[Any]):
    """A list that is no list, as Hydra's are."""

    def __init__(self, *values: Any) -> None:
        self._values = values

    def __getitem__(self, i: Any) -> Any:
        return self._values[i]

    def __len__(self) -> int:
        return len(self._values)


class Named(Enum):
    TRAINING = "training"
    FIRST = 1


class Text(str, Enum):  # noqa: UP042 (its str() is not its value, unlike that of a StrEnum)
    MACHINE = "machine"


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("gpus", Listed(0, "GPU-5c1f"), (0, "GPU-5c1f")),
        ("gpus", Listed("0", "2"), (0, 2)),
        ("gpus", np.array([0, 2]), (0, 2)),
        ("gpus", [np.int64(1), torch.tensor(3)], (1, 3)),
        ("gpus", range(2), (0, 1)),
        ("gpus", Listed(), ()),
        ("tags", UserDict({"lr": np.float32(0.1), "split": Named.TRAINING}), {"lr": "0.1", "split": "training"}),
        ("tags", {"model": Path("a/b")}, {"model": "a/b"}),
        ("tags", {"amp": np.bool_(True), "n": torch.tensor(3), "first": Named.FIRST}, {"amp": "True", "n": "3", "first": "FIRST"}),
        ("tags", Listed("lr=1e-3", "note=a=b"), {"lr": "1e-3", "note": "a=b"}),
        ("sensors", Listed("my_meter:discover"), ("my_meter:discover",)),
        ("sensors", [Path("meters/my_meter.py:discover")], ("meters/my_meter.py:discover",)),
        ("sensors", Path("my_meter.py:discover"), ("my_meter.py:discover",)),
        ("project", Path("digits"), "digits"),
        ("name", np.str_("first"), "first"),
        ("group", Named.FIRST, "FIRST"),
        ("stage", Named.TRAINING, "training"),
        ("scope", Text.MACHINE, "machine"),
        ("period_s", np.float64(0.5), 0.5),
        ("period_s", torch.tensor(0.5), 0.5),
        ("pue", Named.FIRST, 1.0),
        ("hardware", os.fsencode("a/b.csv"), "a/b.csv"),
    ],
)  # fmt: skip
def test_a_value_of_another_library_is_what_it_looks_like(key: str, given: object, kept: object, tmp_path: Path) -> None:
    found = getattr(resolve({key: given}, {}, tmp_path), key)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gpus", np.array(3)),
        ("gpus", np.array([0.5])),
        ("gpus", {0: "GPU-5c1f"}),
        ("tags", Listed("a")),
        ("tags", Listed(1)),
        ("sensors", Listed("my_meter")),
        ("period_s", torch.tensor([0.1, 0.2])),
        ("period_s", np.array([])),
        ("stage", Named.FIRST),
    ],
)
def test_a_value_of_another_library_that_does_not_fit_is_refused(key: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        resolve({key: value}, {}, tmp_path)
    assert f"{key}={value!r}" in str(raised.value)
