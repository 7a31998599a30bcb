"""PURE: in which order commands run."""

from __future__ import annotations


def order(commands: int, number: int) -> list[int]:
    """The order of the commands in round `number`, from 0.

    Each second round is the reverse of the one before, so that what changes slowly, such as the temperature, is the same for all. Each pair
    of rounds begins with another command.
    """
    first = number // 2 % commands
    turn = [(first + i) % commands for i in range(commands)]
    return turn[::-1] if number % 2 else turn
