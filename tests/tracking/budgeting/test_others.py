"""What the other processes of a run have stored, as rows of its database."""

from __future__ import annotations

import pytest

from trainwatt.tracking.budgeting.others import AHEAD_NS, GONE_NS, MEAN_NS, Others, Row

S = 1_000_000_000


def row(segment: str, t_ns: int, energy_j: float, watts: float = 100.0, seconds: float = 2.0, *, running: bool = True) -> Row:
    """A device whose last `seconds` had these watts."""
    return segment, "gpu0", int(running), t_ns, energy_j, t_ns - round(seconds * S), energy_j - watts * seconds


def test_without_rows_there_is_nothing() -> None:
    others = Others()
    others.learn([], 5 * S)
    assert (others.energy_j, others.power_w(5 * S), others.ahead_j(5 * S)) == (0, 0, 0)


def test_the_energies_and_the_powers_of_all_are_added_whatever_their_clocks_say() -> None:
    others = Others()
    others.learn([row("a", 5 * S, 500.0), row("b", 899_998 * S, 10.0, watts=20.0)], 3 * S)
    others.learn([row("a", 7 * S, 700.0), row("b", 900_000 * S, 50.0, watts=20.0)], 5 * S)
    assert others.energy_j == 750.0
    assert others.power_w(5 * S) == pytest.approx(120.0)
    assert others.ahead_j(6 * S) == pytest.approx(120.0)
    assert others.ahead_j(5 * S + 9 * AHEAD_NS // 5) == pytest.approx(120.0 * AHEAD_NS / S)


def test_a_power_is_not_known_from_a_moment() -> None:
    others = Others()
    others.learn([row("a", 5 * S, 500.0), row("b", 5 * S, 0.0, seconds=0.01)], 3 * S)
    others.learn([row("a", 7 * S, 700.0), row("b", 7 * S, 5.0, seconds=0.05)], 5 * S)
    assert others.power_w(5 * S) is None
    assert others.energy_j == 705.0
    others.learn([row("a", 9 * S, 900.0), row("b", 9 * S, 5.0 + 40.0, watts=20.0)], 7 * S)
    assert others.power_w(7 * S) == pytest.approx(120.0)


def test_who_was_killed_before_this_process_began_adds_no_power_and_no_joules_after_its_last_point() -> None:
    """It is still said to be under way. Its power is not known, until it turns out that nothing more comes."""
    others = Others()
    killed = row("killed", 7 * S, 700.0)
    for look in range(4):
        now_ns = (1 + 2 * look) * S
        others.learn([killed, row("there", (7 + 2 * look) * S, 7.0 * look, watts=3.5)], now_ns)
        assert others.power_w(now_ns) is None
        assert others.ahead_j(now_ns + S) <= 3.5 + 1e-9
    others.learn([killed, row("there", 15 * S, 28.0, watts=3.5)], S + GONE_NS)
    assert others.power_w(S + GONE_NS) == pytest.approx(3.5)
    assert others.energy_j == 728.0


def test_who_has_ended_or_stores_nothing_more_has_joules_and_no_watts() -> None:
    others = Others()
    others.learn([row("ended", 5 * S, 500.0), row("killed", 5 * S, 50.0), row("there", 5 * S, 1.0, watts=3.0)], 3 * S)
    stored = [row("ended", 7 * S, 700.0, running=False), row("killed", 7 * S, 70.0), row("there", 7 * S, 7.0, watts=3.0)]
    others.learn(stored, 5 * S)
    assert others.power_w(5 * S) == pytest.approx(103.0)
    later_ns = 5 * S + GONE_NS
    others.learn([*stored[:2], row("there", 7 * S + MEAN_NS, 13.0, watts=3.0)], later_ns)
    assert others.power_w(later_ns) == pytest.approx(3.0)
    assert others.ahead_j(later_ns + S) == pytest.approx(3.0)
    assert others.energy_j == 783.0
