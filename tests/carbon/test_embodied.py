"""The hardware's share: which row a name matches, the lines of a host, and a user's own figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwatt.carbon.accounting import DEFAULT_AMORTISATION, Estimate, amortisations, embodied_g
from trainwatt.carbon.assumption import FactorStatus
from trainwatt.carbon.embodied import HostClass, host_class, lines, total_g
from trainwatt.carbon.host_share import HostShare, Piece, host_share
from trainwatt.carbon.tables.boards import NODES, board_kg
from trainwatt.carbon.tables.hardware import match, table
from trainwatt.carbon.tables.load_power import MeasuredTraining, load_curve, measured_trainings
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
        ("NVIDIA B200", "NVIDIA B200 180GB", 1000),
        ("NVIDIA GB200", "NVIDIA GB200, one of its GPUs 186GB", 1200),
        ("NVIDIA B300 SXM6 AC", "NVIDIA B300 288GB", 1400),
        ("NVIDIA H100 NVL", "NVIDIA H100 NVL 94GB", 400),
        ("NVIDIA H200 NVL", "NVIDIA H200 NVL 141GB", 600),
        ("NVIDIA GeForce RTX 3090 Ti", "NVIDIA GeForce RTX 3090 Ti 24GB", 450),
        ("NVIDIA GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090 D 24GB", 425),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090 Laptop GPU 16GB", 120),
        ("NVIDIA GH200 480GB", "NVIDIA GH200, its GPU with 96GB", 900),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "NVIDIA RTX PRO 6000 Blackwell Max-Q 96GB", 300),
        ("AMD Instinct MI250X", "AMD Instinct MI250X, one of two devices", 280),
        ("A100 80 GB", "NVIDIA A100 80GB", 400),
        ("NVIDIA Corporation GA102 [GeForce RTX 3090 Ti] (rev a1)", "NVIDIA GeForce RTX 3090 Ti 24GB", 450),
        ("Tesla V100-SXM2-32GB-LS", "NVIDIA V100 32GB", 300),
        ("rtx4070ti super", "NVIDIA GeForce RTX 4070 Ti SUPER 16GB", 285),
        ("tpu v5e", "Google TPU v5e (chip) 16GB", 200),
        ("Gaudi3", "Intel Gaudi 3 128GB", 900),
    ],
)
def test_the_names_that_drivers_give(name: str, row: str, tdp_w: float) -> None:
    found = match("gpu", name)
    assert found is not None
    assert (found.name, found.tdp_w, found.scope) == (row, tdp_w, "model")


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("Tesla K80", "family"),
        ("NVIDIA GeForce RTX 4095", "family"),
        ("NVIDIA GeForce RTX 4090 Frob", "family"),  # another board of the name is no RTX 4090
        ("NVIDIA A100-SXM4-160GB", "family"),
        ("Orin (nvgpu)", "family"),
        ("Frobnicator 9", "any"),
    ],
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
        ("AMD EPYC 7R13 Processor", "AMD EPYC 7003, 8 CCD"),
        ("AMD EPYC 9654 96-Core Processor", "AMD EPYC 9004 or 8004, 12 CCD"),
        ("AMD EPYC 9R14", "AMD EPYC 9004 or 8004, 12 CCD"),
        ("AMD EPYC 9V74 80-Core Processor", "AMD EPYC 9004 or 8004, 12 CCD"),
        ("AMD EPYC 9965 192-Core Processor", "AMD EPYC 9005 (Turin)"),
        ("AMD EPYC 9B45 128-Core Processor", "AMD EPYC 9005 (Turin)"),
        ("AMD Ryzen Threadripper PRO 7995WX 96-Cores", "AMD Ryzen Threadripper 7000 or 9000"),
        ("AMD Ryzen Threadripper 2990WX 32-Core Processor", "AMD Ryzen Threadripper 1000 or 2000"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "desktop or laptop CPU, about 200 mm2"),
        ("Intel(R) Xeon(R) 6980P", "Intel Xeon 6900 (Granite Rapids), 3 compute tiles"),
        ("Intel(R) Xeon(R) 6975P-C", "Intel Xeon 6900 (Granite Rapids), 3 compute tiles"),
        ("Intel(R) Xeon(R) 6787P", "Intel Xeon 6300 to 6700 (Granite Rapids), 2 compute tiles"),
        ("Intel(R) Xeon(R) 6780E", "Intel Xeon 6700E or 6900E (Sierra Forest)"),
        ("INTEL(R) XEON(R) PLATINUM 8581C CPU @ 2.10GHz", "Intel Xeon Sapphire/Emerald Rapids XCC"),
        ("Intel(R) Xeon(R) Platinum 8488C", "Intel Xeon Sapphire/Emerald Rapids XCC"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Intel Xeon Ice Lake-SP XCC"),
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel Xeon Skylake/Cascade Lake XCC"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon, another model"),
        ("Apple M3 Max", "Apple M Max"),
        ("Apple M5", "Apple M"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Intel Xeon Sapphire/Emerald Rapids XCC"),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", "Intel Xeon Ice Lake-SP XCC"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "Intel Xeon E5 or E7 (Haswell, Broadwell)"),
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
        assert "from memory" not in row.source + row.basis
        assert "(memory" not in row.source.replace("(memory and power", "").replace("(memory)", "")
    unrated = {row.name for row in rows if row.kind == "gpu" and row.scope == "model" and not row.tdp_w and "Apple" not in row.name}
    assert unrated == {"Google TPU v6e (chip)", "NVIDIA GB10 (DGX Spark), module with its memory"}


@pytest.mark.parametrize(
    ("name", "published_kg"),
    [
        ("NVIDIA H100 80GB HBM3", (147, 164, 225, 273, 575.2)),  # EServe, NVIDIA, Morand, ADEME through EcoLogits, BoaviztAPI 2026
        ("NVIDIA A100-SXM4-40GB", (127.6, 150, 181, 273.4)),  # Falk, CCF, the ADEME study's model, BoaviztAPI 2026
        ("NVIDIA A100-PCIE-40GB", (127.6, 275.7)),
        ("NVIDIA L4", (48, 113.6)),
        ("NVIDIA B200", (284.25,)),
        ("NVIDIA H200", (364,)),
        ("NVIDIA RTX A4500", (141.4,)),
        ("NVIDIA TITAN RTX", (159.6,)),
        ("NVIDIA GeForce GTX 1080 Ti", (89.1,)),
        ("Tesla P100-PCIE-16GB", (129.3,)),
    ],
)
def test_a_range_spans_all_published_figures(name: str, published_kg: tuple[float, ...]) -> None:
    """The figures of BoaviztAPI are those of its specifications of GPUs of 2026, by its documented formula."""
    row = match("gpu", name)
    assert row is not None
    assert row.footprint_kg.low <= min(published_kg)
    assert row.footprint_kg.high >= max(published_kg) - 0.5


@pytest.mark.parametrize(("node", "kg_per_cm2"), [("14", 1.557), ("8", 1.541), ("7", 2.318), ("5", 2.778)])
def test_the_carbon_per_area_is_that_of_the_fab_model(node: str, kg_per_cm2: float) -> None:
    assert NODES[node].kg_per_cm2 == pytest.approx(kg_per_cm2, abs=5e-4)


def test_the_formula_of_boards_meets_the_footprint_that_it_is_calibrated_on() -> None:
    assert board_kg("814@5", 80, "HBM", 700) == pytest.approx(164, abs=0.2)
    assert board_kg("545@12", 16, "GDDR", 70) == pytest.approx(43.1, abs=0.1)


def test_a_board_of_two_devices_is_counted_once_for_both() -> None:
    [line] = lines([gpu(i, "AMD Instinct MI250X") for i in range(2)], 24.0, table())
    whole = match("gpu", "MI250X whole")
    assert whole is not None
    assert line.amount * line.footprint_kg.central == pytest.approx(whole.footprint_kg.central, abs=0.1)


PUBLIC = (Path(__file__).parent / "tables" / "public_names.txt").read_text().splitlines()
"""Names in the list of GPUs of NVIDIA's open kernel modules (2026-03-05) and in pci.ids (2026-08-22), from 2016 on."""
TELLING = {
    "ti",
    "super",
    "d",
    "v2",
    "nvl",
    "xt",
    "xtx",
    "gre",
    "ada",
    "quadro",
    "embedded",
    "sff",
    "a",
    "le",
    "edition",
    "mobile",
    "laptop",
}


def telling(name: str) -> set[str]:
    """What makes one board another than its neighbour: its number, and the marks behind it. Written without the rules of the table."""
    text = name.lower().replace("with max-q design", "mobile").replace("laptop gpu", "mobile").replace("laptop", "mobile")
    text = re.sub(
        r"\b\d+\s*(gb|g)\b|\(.*?\)|/ a10g|(sxm\d?|pcie|server|workstation) ?(edition)?|sff edition",
        lambda m: "sff" if "sff" in m[0] else "",
        text,
    )
    text = re.sub(r"(\d)(ti|super)\b", r"\1 \2", text)
    return {word for word in re.split(r"[^a-z0-9]+", text) if word in TELLING - {"edition"} or re.search(r"\d{2}", word)}


OTHER_NAMES = {"H100L 94GB": "NVIDIA H100 NVL 94GB", "H800L 94GB": "NVIDIA H800 NVL 94GB"}
"""Names of a board by which no other goes."""


def test_no_public_name_takes_the_row_of_another_board() -> None:
    found = {name: match("gpu", name) for name in PUBLIC}
    assert len(PUBLIC) > 600
    models = {name: row for name, row in found.items() if row is not None and row.scope == "model"}
    assert len(models) > 400
    wrong = {name: row.name for name, row in models.items() if telling(name) - {"hbm3e"} != telling(row.name)}
    assert {name for name, row in wrong.items() if row != OTHER_NAMES.get(name)} == set()


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


def test_a_host_that_ones_own_table_knows_is_one_line(tmp_path: Path) -> None:
    own = tmp_path / "lab.csv"
    own.write_text("kind,words,name,unit,embodied_kg\nserver,PowerEdge XE8545,our host,host,1900\n")
    found = lines([*A100S, CPU, DRAM, HOST], 24.0, table(own), share=part(0.5))
    assert [(line.part, line.unit, line.amount) for line in found] == [("gpu", "device", 4), ("host", "host", 0.5)]


@pytest.mark.parametrize("name", ["DGXA100 920-23687-2530-000", "HGX H100", "p5.48xlarge", "ProLiant Apollo 6500", "ThinkPad", "unknown"])
def test_the_same_parts_are_the_same_host_whatever_the_name_on_its_case(name: str) -> None:
    assert lines([CPU, DRAM, ("host", name, {})], 24.0, table()) == lines([CPU, DRAM, HOST], 24.0, table())


I7, I9 = "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "13th Gen Intel(R) Core(TM) i9-13900K"


@pytest.mark.parametrize(
    ("cpu", "gpus", "host", "sort"),
    [
        ("AMD EPYC 7763 64-Core Processor", [], {"chassis_type": 23}, HostClass.SERVER),
        ("Intel(R) Xeon(R) w9-3495X", ["NVIDIA RTX A6000"], {"chassis_type": 7}, HostClass.SERVER),
        ("AMD Ryzen Threadripper PRO 7995WX 96-Cores", [], {"chassis_type": 3}, HostClass.SERVER),
        (I9, ["NVIDIA GeForce RTX 4090"], {"chassis_type": 3}, HostClass.DESKTOP),
        (I9, [], {}, HostClass.DESKTOP),
        (I9, [], {"chassis_type": 23}, HostClass.SERVER),
        (I9, [], {"virtual": True, "chassis_type": 1}, HostClass.SERVER),
        (I7, [], {}, HostClass.LAPTOP),
        (I9, ["NVIDIA GeForce RTX 4090 Laptop GPU"], {}, HostClass.LAPTOP),
        ("Intel(R) Xeon(R) W-11955M CPU @ 2.60GHz", [], {"chassis_type": 10}, HostClass.LAPTOP),
        ("ARMv8 Processor rev 1 (v8l)", ["Orin (nvgpu)"], {}, HostClass.SMALL_BOARD),
        ("unknown", ["NVIDIA GB10"], {"chassis_type": 3}, HostClass.SMALL_BOARD),
        ("Cortex-A76", [], {"board": True}, HostClass.SMALL_BOARD),
        ("unknown", [], {"chassis_type": 23}, HostClass.SERVER),  # a server with an ARM processor
    ],
)
def test_a_host_is_of_a_class_by_its_parts_and_its_case(cpu: str, gpus: list[str], host: dict[str, object], sort: HostClass) -> None:
    pieces: list[Piece] = [("cpu", cpu, {}), ("dram", "memory", {"bytes": 32 * 2**30}), ("host", "unknown", host)]
    pieces += [gpu(i, name) for i, name in enumerate(gpus)]
    assert host_class(pieces) is sort


def test_a_small_board_a_laptop_and_a_desktop_computer_are_no_rack_servers() -> None:
    def kg(*pieces: Piece) -> float:
        return sum(line.amount * line.footprint_kg.central for line in lines(pieces, 1.0, table()) if line.part == "host")

    memory: Piece = ("dram", "memory", {"bytes": 32 * 2**30})
    assert kg(("cpu", "ARMv8 Processor rev 1 (v8l)", {}), memory, gpu(0, "Orin (nvgpu)")) == 45
    assert kg(("cpu", I7, {}), memory) == 237
    assert kg(("cpu", I9, {}), memory) == 249
    assert kg(("cpu", "Intel(R) Xeon(R) Platinum 8480+", {"sockets": 1}), memory) > 400


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


def test_slices_of_a_gpu_hold_as_much_of_its_host() -> None:
    a_slice: Piece = ("gpu", "gpu0", {"model": "NVIDIA A100-SXM4-40GB", "mig_slices": 2})
    assert host_share([a_slice, *inventory_of(64, None, 8)]).machine.central == pytest.approx(2 / 7 / 8)
    assert host_share([a_slice, *inventory_of(64, None, 1)]).machine.central == pytest.approx(2 / 7)


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
        ("kind,name\n", ["embodied_kg, words", "first line"]),
        (HEADER + "gpu,(,x,device,1,,\n", ["line 2", "'('", "not a regular expression", "words"]),
        (HEADER + "gpu,x,x,device,-1,,\n", ["line 2", "'-1'", "not negative"]),
        (HEADER + "gpu,x,x,device,nan,,\n", ["'nan'"]),
        (HEADER + 'gpu,x,x,device,"1,5",,\n', ["'1,5'", "with a point"]),
        (HEADER + "gpu,x,x,device,,,\n", ["embodied_kg is empty"]),
        (HEADER + "gpu,x,x,device,5,6,7\n", ["low_kg 6", "out of order"]),
        (HEADER + "disk,x,x,device,5,,\n", ["'disk'", "gpu, cpu"]),
        (HEADER + "gpu,x,x,rack,5,,\n", ["'rack'", "device, GB"]),
        (HEADER + "gpu,,x,device,5,,\n", ["words or name is empty"]),
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
    assert 0 < low <= central <= high <= 1
    assert load_curve().fraction(min(1.0, load + 0.01)).central >= central


def test_the_load_curve_at_its_points() -> None:
    idle, a_tenth, half, busy = (load_curve().fraction(x) for x in (0, 0.1, 0.5, 1))
    assert (idle.central, busy.high) == pytest.approx((0.12, 1.0))
    assert busy.central == pytest.approx(0.70, abs=0.01)
    assert busy.low == pytest.approx(0.27, abs=0.01)
    assert load_curve().fraction(0.3).central == pytest.approx((a_tenth.central + half.central) / 2)


@pytest.mark.parametrize("left_out", measured_trainings(), ids=lambda t: t.training)
def test_the_range_at_full_load_holds_each_measured_training(left_out: MeasuredTraining) -> None:
    """TDP overstates by up to 4; the range holds even the training that is left out of it, give or take rounding of its energy."""
    others = [t.fraction for t in measured_trainings() if t is not left_out]
    assert load_curve().busy.low <= left_out.fraction <= load_curve().busy.high
    assert 0.85 * min(others) <= left_out.fraction <= 1.0


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
