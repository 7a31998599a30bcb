"""The fuzz targets. Each takes arbitrary input, and fails where the code crashes or returns NaN, infinity or a negative energy."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from tests.fakes.sensor import AVERAGE, DRAM_COUNTER, GPU, INSTANT, INTEL_COUNTER, NVML_COUNTER
from trainwatt.carbon.series import INTENSITY, PRICE, read_series
from trainwatt.carbon.tables.hardware import table
from trainwatt.config import resolve
from trainwatt.core.point import Point
from trainwatt.core.sensing import DiscoveryRequest, Reading
from trainwatt.energy.integrator import DeviceIntegrator
from trainwatt.energy.intervals import between, interval
from trainwatt.errors import ConfigurationError, ReadError
from trainwatt.sensors.rapl import discovery as powercap

S = 10**9
COUNTERS = (NVML_COUNTER, INTEL_COUNTER, DRAM_COUNTER, None)
HOSTILE = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-(2**70), 2**70), st.integers(0, 2**33), st.floats(0, 400))
STEPS = st.lists(st.tuples(st.integers(0, 40 * S), HOSTILE, st.integers(0, 6)), max_size=60)
WORDS = st.sampled_from(
    (
        *("start", "end", "intensity_g_per_kwh", "price_per_kwh", "basis", "estimated", "lifecycle", "2026-03-29T01:00Z"),
        *("2026-03-29T02:00", "kind", "pattern", "name", "embodied_kg", "low_kg", "gpu", ".*", "(", "12", "-1", "nan", "1e400"),
        *(",", "\n", '"', ";", "\r\n", "\ufeff", "[tool.trainwatt]", "zone", "period_s", "gpus", "tags", "=", '"FR"', "{", "}"),
        *("[0, 1]", "0.1", "true", "db", "project", "stage", '\ndb = "x"\n', '\nsensors = ["x.py:f"]\n', '\nprocfs = "x"\n'),
    )
)
TEXT = st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=40).map("".join)
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0", "intel-rapl-mmio:0", "amd:0", "x")),
        st.sampled_from(("name", "energy_uj", "max_energy_range_uj", "constraint_0_max_power_uw", "enabled")),
        st.one_of(
            st.sampled_from(
                (b"package-0\n", b"dram\n", b"psys\n", b"core\n", b"package-1-die-0\n", b"262143328850\n", b"", b"N/A\n", b"-1\n")
            ),
            st.integers(-(2**70), 2**70).map(lambda n: str(n).encode()),
            st.binary(max_size=30),
        ),
    ),
    max_size=25,
)


def integrator(counter: int, steps: list[tuple[int, float, int]]) -> None:
    """Any readings of any kinds in any order: energies stay finite, never fall, and lie within their range."""
    found = DeviceIntegrator(GPU, COUNTERS[counter], {"power-average": AVERAGE, "power-instant": INSTANT})
    t_ns, before = S, Point(0)
    for dt_ns, value, what in steps:
        t_ns += dt_ns
        if what < 3 and found.counter is not None:
            found.counter_reading(Reading(t_ns, value, dt_ns % 1000))
        elif what == 3:
            found.failed("energy", t_ns, "fuzzed")
        elif what == 4:
            found.gauge_reading("power-average", Reading(t_ns, value))
        elif what == 5:
            found.gauge_reading("power-instant", Reading(t_ns, value))
        else:
            found.set_update_period(abs(value) if math.isfinite(value) and abs(value) < 10 else None)
        before = _sound(before, found)
    found.finish(t_ns + S)
    _sound(before, found)


def _sound(before: Point, found: DeviceIntegrator) -> Point:
    latest = found.curve.latest
    if latest is None:
        return before
    assert all(math.isfinite(v) and v >= 0 for v in latest), latest
    total = interval([between(Point(0), latest, 0.05, "gpu")])
    assert 0 <= total.low_j <= total.energy_j <= total.high_j < math.inf, total
    assert latest.energy_j >= before.energy_j, (before, latest)
    return latest


def powercap_tree(entries: list[tuple[str, str, bytes]]) -> None:
    """Any content of any file of the tree: discovery raises nothing, and a reading is a whole number or a ReadError."""
    root = Path(tempfile.mkdtemp())
    try:
        for zone, name, content in entries:
            folder = root / "sys/class/powercap" / zone
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        found = powercap.discover(DiscoveryRequest({"cpu": 0.03, "dram": 0.1}, sysfs=str(root / "sys"), procfs=str(root / "proc")))
        for sensor in found.sensors:
            assert sensor.device.max_power_w > 0
            assert math.isfinite(sensor.device.max_power_w)
            try:
                assert isinstance(sensor.read(), int)
            except ReadError:
                pass
            sensor.close()
    finally:
        shutil.rmtree(root)


def csv_series(text: str) -> None:
    """Any text as a series: sorted slots of finite numbers, or a ConfigurationError."""
    for column in (INTENSITY, PRICE):
        try:
            found = read_series(text, "fuzzed.csv", column)
        except ConfigurationError:
            continue
        assert all(math.isfinite(s.value) and column.lowest <= s.value <= column.highest for s in found.slots)
        assert all(a.end_utc_ns <= b.start_utc_ns for a, b in zip(found.slots, found.slots[1:], strict=False))


def csv_hardware(text: str) -> None:
    """Any text as a hardware table: rows whose ranges are in order, or a ConfigurationError."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", errors="surrogatepass", newline="") as file:
        file.write(text)
        file.flush()
        try:
            rows = table(file.name).rows
        except ConfigurationError:
            return
    assert all(0 <= r.footprint_kg.low <= r.footprint_kg.central <= r.footprint_kg.high < math.inf for r in rows)


def configuration(text: str, name: str, value: str) -> None:
    """Any file and any variable: a configuration within its bounds, in which no file names code or a database, or a ConfigurationError."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "trainwatt.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
        (folder / "pyproject.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            found = resolve({}, {f"TRAINWATT_{name}": value}, folder)
        except ConfigurationError:
            return
        assert found.period_s is None or 0.01 <= found.period_s <= 60
        assert all(0 <= gain <= 1 for gain in found.gains.values())
        assert (found.sensors, found.procfs) == ((), "/proc")
        assert found.db is None or name == "DB"
    finally:
        shutil.rmtree(folder)


NAMES = st.sampled_from(("PERIOD_S", "GPUS", "ZONE", "TAGS", "STAGE", "GAIN_GPU", "BASELINE_S", "PUE", "INTENSITY_G_PER_KWH", "DB"))
TARGETS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[object], ...]]] = {
    "integrator": (integrator, (st.integers(0, 3), STEPS)),
    "powercap": (powercap_tree, (ENTRIES,)),
    "csv-series": (csv_series, (TEXT,)),
    "csv-hardware": (csv_hardware, (TEXT,)),
    "configuration": (configuration, (TEXT, NAMES, TEXT)),
}
"""Name to the function and to what it is given."""
