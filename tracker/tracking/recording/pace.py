"""PURE: when a commit is due."""

FIRST_COMMIT_S = 0.05
"""A crash in the first second must not lose what is known at the start."""
COMMIT_S = 2.0
"""The longest time between two commits: SIGKILL loses no more of a run."""
MARGIN_S = 0.2
"""How much earlier a commit is made, because rounds of readings and commits take time."""
DEAD_S = 1.0
"""The time between two commits if the sampling thread has died. Each of them reads the sensors first."""


def longest_wait_s(*, measures: bool, dead: bool) -> float:
    """The seconds after which a commit is made that no round of readings has asked for. `measures`: this process reads sensors. `dead`: its
    sampling thread has died."""
    if dead:
        return DEAD_S
    return COMMIT_S if measures else COMMIT_S - MARGIN_S


def due(since_s: float, next_s: float) -> bool:
    """Whether a commit is due right after a round of readings, so that it has the newest ones.

    `since_s`: seconds since the last commit. `next_s`: seconds until the next round. The commit after that one would be too late.
    """
    return since_s + next_s > COMMIT_S - MARGIN_S
