"""PURE: the states of an energy counter, as its readings show them."""

from __future__ import annotations

from enum import Enum, auto


class CounterState(Enum):
    """::

        FIRST ──first reading──▶ COUNTING ◀──it moves, or a new epoch begins── MUTE, STALE, UNREADABLE
                                    │
              stands still, power unknown ──▶ MUTE
              stands still while power is drawn ──▶ STALE
              cannot be read while power is drawn ──▶ UNREADABLE ──readable, but not moved──▶ STALE

    Standing still or failing becomes a state only after STALE_READS reads and STALE_S seconds. From MUTE it may become STALE or UNREADABLE
    once the power is known.
    """

    FIRST = auto()
    """No good reading yet."""
    COUNTING = auto()
    """Its advance is the energy drawn."""
    MUTE = auto()
    """It stands still, and nothing else shows the power: up to full power may be drawn."""
    STALE = auto()
    """It stands still while power is drawn: energy is booked from the gauge, or from the power held."""
    UNREADABLE = auto()
    """It cannot be read for long: energy is booked as for STALE, and the next good reading makes all of it exact."""

    @property
    def replaced(self) -> bool:
        """Whether energy is booked by other means than the counter."""
        return self is CounterState.STALE or self is CounterState.UNREADABLE
