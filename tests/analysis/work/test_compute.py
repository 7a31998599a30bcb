"""Floating-point operations of runs: of a joule, and as a part of the peak of the GPUs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.fakes.compared import KINDS, put
from tests.fakes.world import MakeWorld, World
from trainwatt.carbon.tables.peaks import peak_of, peaks
from trainwatt.core.choices import Precision

NODE = {"gpu0": 12_000.0, "gpu1": 12_000.0, "package-0": 6_000.0}
H100 = 989.4e12
"""NVIDIA H100 SXM, BF16, dense: H100 Tensor Core GPU Architecture, table 2."""
FLOPS = round(0.38 * 2 * H100 * 100)
"""What two of them do at 38 % of their peak in 100 s."""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A machine with an empty database."""
    return make_world(package_w=0, gpus_w=())


def computed(world: World, ref: str = "latest") -> dict[str, Any]:
    found: dict[str, Any] = world.show(ref)["compute"]
    return found


def said(world: World, *arguments: str) -> str:
    ended = world.cli(*arguments) if arguments[0] in ("export", "report") else world.call(*arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    return " ".join(ended.stdout.split())


def test_operations_of_a_joule_and_the_part_of_the_peak(world: World) -> None:
    put(world.db, "aaa", NODE, work={"flops": FLOPS, "tokens": 1000}, settings=json.dumps({"flops_precision": "bf16"}))
    compute, energy = computed(world), world.show()["energy"]
    assert compute["flops"] == FLOPS
    assert compute["flop_per_j"] == pytest.approx(FLOPS / 30_000, rel=1e-12)
    assert compute["flop_per_j_low"] == pytest.approx(FLOPS / energy["high_j"], rel=1e-12)
    assert compute["flop_per_j_high"] == pytest.approx(FLOPS / energy["low_j"], rel=1e-12)
    assert compute["mfu"] == pytest.approx(0.38, rel=1e-9)
    assert (compute["precision"], compute["precision_given"], compute["missing"]) == ("bf16", True, None)
    [peak] = compute["peaks"]
    assert (peak["devices"], peak["device_s"], peak["peak_flop_per_s"], peak["row"]) == (2, pytest.approx(200), H100, "NVIDIA H100 SXM")
    text = said(world, "show")
    assert "7.52e16 FLOP, 2.51 TFLOP per joule (2.43–2.58)" in text
    assert "model FLOP utilisation 38 % of the bf16 peak of 2 × NVIDIA H100 SXM, 989 TFLOP/s each (NVIDIA, H100" in text
    assert "stands in" not in text
    page = said(world, "report", "-o", "-")
    for part in ("Model FLOP utilisation", "38 %", "2.51 TFLOP per joule"):
        assert part in page
    assert "38 % of the bf16 peak" in said(world, "report", "-o", "-", "--format", "md")


def test_the_default_precision_is_named_as_one_that_stands_in(world: World) -> None:
    put(world.db, "aaa", NODE, work={"flops": FLOPS})
    assert (computed(world)["precision"], computed(world)["precision_given"]) == ("bf16", False)
    assert "; bf16 stands in, because flops_precision is not set" in said(world, "show")


def test_the_peak_depends_on_the_precision(world: World) -> None:
    put(world.db, "aaa", NODE, work={"flops": FLOPS}, settings=json.dumps({"flops_precision": "fp8"}))
    put(world.db, "bbb", NODE, work={"flops": FLOPS}, settings=json.dumps({"flops_precision": "fp32"}), at_s=1000)
    assert computed(world, "aaa")["mfu"] == pytest.approx(0.38 * H100 / 1978.9e12)
    assert computed(world, "bbb")["mfu"] > 5
    assert "more than the peak, so the operations or flops_precision are wrong" in said(world, "show", "bbb")


@pytest.mark.parametrize(
    ("model", "devices", "settings", "missing", "text"),
    [
        ("NVIDIA H20", NODE, {}, "device", "model FLOP utilisation unknown: the peak of NVIDIA H20 is not in the table"),
        (None, NODE, {}, "device", "the peak of a GPU without a name is not in the table"),
        ("Tesla T4", NODE, {}, "precision", "NVIDIA T4 has no figure for bf16: set flops_precision"),
        ("Tesla T4", {"package-0": 9.0}, {}, "no-gpu", "it has no GPU, and of processors no peak is known"),
        ("NVIDIA H100 80GB HBM3", NODE, {"ranks_here": 4}, "ranks", "the operations of other ranks are not in this run"),
    ],
)
def test_what_is_not_known_is_none_and_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch, model: str, devices: dict[str, float], settings: dict[str, Any], missing: str, text: str
) -> None:
    monkeypatch.setitem(KINDS, "gpu", {**KINDS["gpu"], "model": model})
    put(world.db, "aaa", devices, work={"flops": FLOPS}, settings=json.dumps(settings))
    compute = computed(world)
    assert (compute["mfu"], compute["missing"]) == (None, missing)
    assert (compute["flop_per_j"] is None) == (missing == "ranks")
    assert text in said(world, "show")


def test_a_partition_is_a_part_of_the_peak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "gpu", {**KINDS["gpu"], "model": "NVIDIA A100-SXM4-80GB MIG 3g.40gb"})
    put(world.db, "aaa", {"gpu0": 5000.0}, work={"flops": 10**16})
    assert computed(world)["mfu"] == pytest.approx(1e16 / (312e12 * 3 / 7 * 100))


def test_without_operations_there_is_nothing(world: World) -> None:
    put(world.db, "aaa", NODE)
    assert world.show()["compute"] is None
    assert "FLOP" not in said(world, "show")
    assert "FLOP" not in said(world, "report", "-o", "-").replace("Floppy", "")


def test_columns_of_a_list_and_of_an_export(world: World) -> None:
    put(world.db, "aaa", NODE, work={"flops": 38 * 10**24, "samples": 10})
    put(world.db, "bbb", NODE, at_s=1000)
    put(world.db, "ccc", NODE, work={"flops": FLOPS}, at_s=2000)
    shown = said(world, "list", "--columns", "run,each,flops,flop_per_j,mfu")
    assert "ccc 7.52e16 2.51 TFLOP 38 %" in shown
    assert "aaa 3.00 kJ/sample" not in shown
    assert "3.80e25" in shown
    rows = {r["id"]: r for r in csv.DictReader(io.StringIO(world.call("list", "--format", "csv").stdout))}
    assert (rows["aaa"]["flops"], rows["bbb"]["flops"], rows["bbb"]["mfu"]) == (str(38 * 10**24), "", "")
    assert float(rows["ccc"]["mfu"]) == pytest.approx(0.38)
    rows = {r["run_id"]: r for r in csv.DictReader(io.StringIO(world.cli("export").stdout))}
    assert (float(rows["aaa"]["flops"]), rows["aaa"]["flops_precision"], rows["bbb"]["flops"]) == (3.8e25, "bf16", "")
    assert json.loads(rows["aaa"]["work"])["flops"] == 38 * 10**24
    ended = world.cli("export", "-o", str(world.root / "runs.parquet"))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_gates_take_operations(world: World) -> None:
    put(world.db, "aaa", NODE, work={"flops": FLOPS})
    put(world.db, "bbb", NODE, work={"flops": FLOPS // 2}, at_s=1000)
    assert world.call("compare", "aaa", "bbb", "--gate", "energy_per_flop +50%").returncode == 4
    assert "0.399 pJ" in world.call("compare", "aaa", "bbb").stdout


# ---- the table


def test_each_row_has_a_source_a_year_and_a_plausible_figure() -> None:
    assert len(peaks()) > 20
    for peak in peaks():
        assert 2016 <= peak.year <= 2026
        assert peak.source.startswith(("NVIDIA, ", "AMD, "))
        fast = peak.flop_per_s
        assert fast[Precision.FP32] <= fast.get(Precision.TF32, fast[Precision.FP32]) <= fast[Precision.FP16]
        assert fast.get(Precision.BF16, fast[Precision.FP16]) == fast[Precision.FP16]
        assert 1.9 * fast[Precision.FP16] <= fast.get(Precision.FP8, 2 * fast[Precision.FP16]) <= 2.1 * fast[Precision.FP16]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("NVIDIA H100 80GB HBM3", "NVIDIA H100 SXM"), ("NVIDIA H100 PCIe", "NVIDIA H100 PCIe"), ("NVIDIA H100 NVL", "NVIDIA H100 NVL")),
        *(
            ("NVIDIA A100-SXM4-40GB", "NVIDIA A100"),
            ("NVIDIA A100 80GB PCIe", "NVIDIA A100"),
            ("Tesla V100S-PCIE-32GB", "NVIDIA V100S PCIe"),
        ),
        *(
            ("NVIDIA H200", "NVIDIA H200 SXM"),
            ("NVIDIA H200 NVL", "NVIDIA H200 NVL"),
            ("NVIDIA L40S", "NVIDIA L40S"),
            ("NVIDIA L4", "NVIDIA L4"),
        ),
        *(
            ("AMD Instinct MI300X", "AMD Instinct MI300X"),
            ("NVIDIA H100", None),
            ("NVIDIA A10G", None),
            ("NVIDIA GeForce RTX 4090 D", None),
        ),
    ],
)
def test_the_row_of_a_driver_s_name(model: str, name: str | None) -> None:
    found = peak_of(model)
    assert (None if found is None else found.name) == name
