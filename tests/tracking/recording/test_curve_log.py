"""The energy curves of a run on their way to the store."""

from __future__ import annotations

from trainwatt.core.point import Provenance
from trainwatt.core.sensing import Device
from trainwatt.energy.curve import Curve
from trainwatt.energy.integrator import DeviceSnapshot
from trainwatt.tracking.recording.curve_log import CurveLog

S = 1_000_000_000


def seen() -> dict[str, DeviceSnapshot]:
    """A device of 100 W that was read at 0, 1, 2 and 3 s."""
    device = Device("gpu0", "gpu", max_power_w=300.0, gain=0.05, gain_class="nvml")
    curve = Curve(300.0)
    curve.mark(0)
    for second in range(1, 4):
        curve.book(Provenance.MEASURED_COUNTER, 100.0)
        curve.mark(second * S)
    return {"gpu0": DeviceSnapshot(device, curve, False, 1.0, 3 * S, None, None)}


def test_a_curve_ends_where_the_process_did_although_it_was_read_later() -> None:
    rows = CurveLog("s").take(seen(), {"gpu0": 3 * S // 2})
    assert [(row["t_ns"], row["counter_j"]) for row in rows] == [(0, 0.0), (3 * S // 2, 150.0)]


def test_a_curve_that_begins_after_the_end_of_the_process_has_no_energy() -> None:
    rows = CurveLog("s", often=True).take(seen(), {"gpu0": -S})
    assert {(row["t_ns"], row["counter_j"]) for row in rows} == {(0, 0.0)}


def test_other_curves_end_with_their_last_reading() -> None:
    rows = CurveLog("s").take(seen(), {"gpu1": S})
    assert [row["t_ns"] for row in rows] == [0, 3 * S]
