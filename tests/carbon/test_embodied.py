"""The hardware's share: which row a name matches, the lines of a host, and a user's own figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.accounting import DEFAULT_AMORTISATION, Estimate, amortisations, embodied_g
from trainwatt.carbon.assumption import FactorStatus
from trainwatt.carbon.embodied import lines, total_g
from trainwatt.carbon.host_share import HostShare, Piece, host_share
from trainwatt.carbon.tables.hardware import match, table
from trainwatt.carbon.tables.load_power import load_curve
from trainwatt.errors import ConfigurationError

quick = settings(derandomize=True, max_examples=100)


def gpu(number: int, model: str) -> Piece:
    return "gpu", f"gpu{number}", {"model": model, "uuid": f"GPU-{number}"}


CPU: Piece = ("cpu", "AMD EPYC 7763 64-Core Processor", {"sockets": 2, "logical_cpus": 256})
DRAM: Piece = ("dram", "memory", {"bytes": 512 * 2**30})
HOST: Piece = ("host", "PowerEdge XE8545", {"vendor": "Dell Inc."})
A100S = [gpu(i, "NVIDIA A100-SXM4-80GB") for i in range(4)]


@pytest.mark.parametrize(
    ("name", "row", "tdp_w"),
    [
        ("NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB", 700),
        ("NVIDIA H100 PCIe", "NVIDIA H100 80GB PCIe", 350),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB", 400),
        ("NVIDIA A100 80GB PCIe", "NVIDIA A100 80GB PCIe", 300),
        ("NVIDIA A100-SXM4-40GB", "NVIDIA A100 40GB", 400),
        ("NVIDIA A100-PCIE-40GB", "NVIDIA A100 40GB PCIe", 250),
        ("Tesla V100-SXM2-16GB", "NVIDIA V100 16GB", 300),
        ("Tesla V100-SXM2-32GB", "NVIDIA V100 32GB", 300),
        ("Tesla T4", "NVIDIA T4 16GB", 70),
        ("NVIDIA L40S", "NVIDIA L40S 48GB", 350),
        ("NVIDIA L4", "NVIDIA L4 24GB", 72),
        ("nvidia geforce rtx 4090", "NVIDIA GeForce RTX 4090 24GB", 450),
        ("NVIDIA GB200", "NVIDIA B200 SXM 180GB (GPU only for GB200)", 1000),
    ],
)
def test_the_names_that_drivers_give(name: str, row: str, tdp_w: float) -> None:
    found = match("gpu", name)
    assert found is not None
    assert (found.name, found.tdp_w, found.scope) == (row, tdp_w, "model")


@pytest.mark.parametrize(
    ("name", "scope"), [("Tesla P100-PCIE-16GB", "family"), ("NVIDIA GeForce RTX 4090 Laptop GPU", "family"), ("Frobnicator 9", "any")]
)
def test_unknown_hardware_gets_the_wide_range_of_its_class_and_no_rated_power(name: str, scope: str) -> None:
    found = match("gpu", name)
    assert found is not None
    assert (found.scope, found.status, found.tdp_w) == (scope, "assumed", None)
    assert found.footprint_kg.high / found.footprint_kg.low > 5


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7003, 8 CCD"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9004/9005 class, 12 CCD"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Intel Xeon Sapphire/Emerald Rapids XCC"),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", "Intel Xeon Ice Lake-SP XCC"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "Intel Xeon Skylake/Cascade Lake XCC"),
        ("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "desktop or laptop CPU, about 200 mm2"),
        ("unknown", "unknown server CPU, about 700 mm2"),
    ],
)
def test_processors(name: str, row: str) -> None:
    found = match("cpu", name)
    assert found is not None
    assert found.name == row


def test_every_bundled_row_has_source_status_boundary_basis_and_an_ordered_range() -> None:
    rows = table().rows
    assert len(rows) > 30
    for row in rows:
        assert row.source
        assert row.basis
        assert row.boundary
        assert row.status in {"verified", "cross-checked", "secondary", "derived", "assumed"}
        assert 0 < row.footprint_kg.low <= row.footprint_kg.central <= row.footprint_kg.high
        assert row.year is None or 2015 < row.year < 2030
    assert all(row.tdp_w for row in rows if row.kind == "gpu" and row.scope == "model" and "TPU" not in row.name)


def test_gpus_and_the_host_composed_of_its_parts() -> None:
    found = lines([*A100S, CPU, DRAM, HOST], 24.0, table())
    gpus, host = [line for line in found if line.part == "gpu"], [line for line in found if line.part == "host"]
    assert [(line.name, line.amount, line.row) for line in gpus] == [("NVIDIA A100-SXM4-80GB", 4, "NVIDIA A100 80GB")]
    assert [line.amount for line in host] == [2, 512, 1, 2, 1, 1]
    kg = 2 * 30.1 + 512 * 1.09 + 66.1 + 2 * 72.7 + 150 + 6.68
    share = 24 / (4 * 8760 * 0.5)
    grams = total_g(host)
    assert grams is not None
    assert grams.central == pytest.approx(kg * 1000 * share)
    assert gpus[0].grams.central == pytest.approx(4 * 165.2 * 1000 * share)


def test_a_host_that_the_table_knows_is_one_line_and_no_whole_server_is_added_to_gpus() -> None:
    found = lines([*A100S, CPU, DRAM, ("host", "DGXA100 920-23687-2530-000", {})], 24.0, table(), share=part(0.5))
    assert [(line.part, line.unit, line.amount) for line in found] == [("gpu", "device", 4), ("host", "host", 0.5)]
    assert table().match_host("wu2022-gpu") is None


def test_the_share_scales_the_host_and_not_the_gpus() -> None:
    whole, half = (lines([*A100S, CPU, DRAM], 24.0, table(), share=part(share)) for share in (1.0, 0.5))
    for a, b in zip(whole, half, strict=True):
        assert b.grams.central == pytest.approx(a.grams.central * (1.0 if a.part == "gpu" else 0.5))


def test_nothing_recorded_gives_nothing() -> None:
    assert lines([], 24.0, table()) == []
    assert lines([HOST], 24.0, table()) == []
    assert total_g([]) is None


def test_unknown_gpu_is_labelled() -> None:
    (line,) = lines([gpu(0, "Frobnicator 9")], 1.0, table())
    assert (line.status, line.class_range) == ("assumed", True)
    assert line.grams.high / line.grams.low > 10


@pytest.mark.parametrize(
    ("held", "gpus", "allowed", "cpus", "share", "why"),
    [
        (2, 8, None, 64, 0.25, "2 of 8 GPUs"),
        (2, 8, 48, 64, 0.25, "2 of 8 GPUs"),
        (4, 4, None, 64, 1.0, "nothing limits"),
        (1, 1, 16, 64, 0.25, "16 of 64 processors"),
        (0, None, 16, 64, 0.25, "16 of 64 processors"),
        (0, 8, 64, 64, 1.0, "nothing limits"),
        (0, None, None, None, 1.0, "nothing limits"),
    ],
)
def test_share_of_a_host_is_what_was_reserved_of_it(
    held: int, gpus: int | None, allowed: float | None, cpus: int | None, share: float, why: str
) -> None:
    found = host_share([*A100S[:held], *inventory_of(cpus, allowed, gpus)])
    assert found.machine == found.memory == Estimate.exact(share)
    assert found.status == "recorded"
    assert why in found.factor().source


def test_a_virtual_machine_holds_its_memory_and_an_unknown_part_of_the_rest() -> None:
    """It cannot see its host: the range goes from one of the largest hosts to nothing else on it."""
    guest = inventory_of(cpus=4, virtual=True)
    found = host_share(guest)
    assert found.machine == Estimate(4 / 128, 4 / 384, 1.0)
    assert found.memory == Estimate.exact(1.0)
    assert found.status == "assumed"
    assert host_share(guest, product_known=True).machine == Estimate.exact(1.0)
    assert host_share(guest, given=0.1).machine == Estimate.exact(0.1)
    assert host_share(guest, given=0.1).memory == Estimate.exact(1.0)
    assert host_share(inventory_of(cpus=4, allowed=2, virtual=True)).machine == Estimate(2 / 128, 2 / 384, 0.5)


def part(share: float) -> HostShare:
    return HostShare(Estimate.exact(share), Estimate.exact(share), FactorStatus.GIVEN, None)


def inventory_of(cpus: int | None = None, allowed: float | None = None, gpus: int | None = None, virtual: bool = False) -> list[Piece]:
    return [
        ("cpu", "a processor", {"logical_cpus": cpus, "allowed_cpus": allowed}),
        ("host", "unknown", {"gpus": gpus, "virtual": virtual}),
    ]


@quick
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=10), st.floats(0, 1))
def test_splitting_the_time_changes_no_gram(parts: list[float], share: float) -> None:
    def grams(hours: float) -> float:
        found = total_g(lines([*A100S, CPU, DRAM], hours, table(), DEFAULT_AMORTISATION, part(share)))
        assert found is not None
        assert found.low <= found.central <= found.high
        return found.central

    assert sum(grams(hours) for hours in parts) == pytest.approx(grams(sum(parts)), rel=1e-9)


def test_a_users_own_file_adds_and_overrides(tmp_path: Path) -> None:
    own = tmp_path / "hardware.csv"
    own.write_text("kind,pattern,name,embodied_kg,high_kg,tdp_w\ngpu,\\bH100\\b,our H100,200,300,650\ngpu,Frobnicator,Frobnicator,10,,\n")
    ours = match("gpu", "NVIDIA H100 80GB HBM3", own)
    assert ours is not None
    assert (ours.name, tuple(ours.footprint_kg), ours.tdp_w, ours.status, ours.source) == (
        "our H100",
        (200, 200, 300),
        650,
        "given",
        str(own),
    )
    added, other = match("gpu", "Frobnicator 9", own), match("gpu", "NVIDIA A100-SXM4-80GB", own)
    assert added is not None
    assert other is not None
    assert (added.name, other.name) == ("Frobnicator", "NVIDIA A100 80GB")


HEADER = "kind,pattern,name,unit,embodied_kg,low_kg,high_kg\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind,name\n", ["pattern, embodied_kg", "first line"]),
        (HEADER + "gpu,(,x,device,1,,\n", ["line 2", "'('", "not a regular expression"]),
        (HEADER + "gpu,x,x,device,-1,,\n", ["line 2", "'-1'", "not negative"]),
        (HEADER + "gpu,x,x,device,nan,,\n", ["'nan'"]),
        (HEADER + 'gpu,x,x,device,"1,5",,\n', ["'1,5'", "with a point"]),
        (HEADER + "gpu,x,x,device,,,\n", ["embodied_kg is empty"]),
        (HEADER + "gpu,x,x,device,5,6,7\n", ["low_kg 6", "out of order"]),
        (HEADER + "disk,x,x,device,5,,\n", ["'disk'", "gpu, cpu"]),
        (HEADER + "gpu,x,x,rack,5,,\n", ["'rack'", "device, GB"]),
        (HEADER + "gpu,,x,device,5,,\n", ["pattern or name is empty"]),
    ],
)
def test_a_faulty_file_is_refused_with_place_reason_and_mend(tmp_path: Path, text: str, words: list[str]) -> None:
    own = tmp_path / "mine.csv"
    own.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        table(own)
    assert all(word in str(raised.value) for word in ["mine.csv", *words])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        table(tmp_path / "none.csv")


def test_names_near_to_one_that_is_not_there() -> None:
    assert "NVIDIA A100 80GB" in table().near("A10O 80GB")
    assert table().near("zzzzzzzz") == []


@quick
@given(st.floats(0, 1))
def test_the_load_curve_rises_within_wide_bounds(load: float) -> None:
    low, high = load_curve().fraction(load).low, load_curve().fraction(load).high
    central = load_curve().fraction(load).central
    assert 0 < low <= central <= high <= 1.02
    assert load_curve().fraction(min(1.0, load + 0.01)).central >= central


def test_the_load_curve_at_its_points() -> None:
    assert [load_curve().fraction(x).central for x in (0, 0.1, 0.5, 1)] == pytest.approx([0.12, 0.32, 0.75, 1.02])
    assert load_curve().fraction(0.3).central == pytest.approx((0.32 + 0.75) / 2)


def test_the_lines_follow_the_formula() -> None:
    life = amortisations(6, 0.85)
    (line,) = lines([gpu(0, "NVIDIA H100 80GB HBM3")], 100.0, table(), life)
    assert line.grams == embodied_g(line.footprint_kg, 100.0, life)


def test_memory_of_ones_own_table_is_in_gigabytes(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("kind,pattern,name,embodied_kg\ndram,.*,our DIMM,0.8\n")
    found = match("dram", "memory", own)
    assert found is not None
    assert (found.name, found.unit) == ("our DIMM", "GB")
    own.write_text("kind,pattern,name,unit,embodied_kg\ndram,.*,our DIMM,device,10\n")
    with pytest.raises(ConfigurationError, match="memory is counted in GB"):
        table(own)
