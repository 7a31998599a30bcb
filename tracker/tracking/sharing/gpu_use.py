"""PURE: which GPUs a run used, concluded from looks at the processes that compute on them.

CUDA_VISIBLE_DEVICES is no answer for a program that sets it itself, because its first environment is all that can be seen from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNSEEN_NS = 2_500_000_000
UNSEEN_SHARE = 0.1
"""Without a look for longer than the larger of these (the second as a share of the run), a GPU may have been used unseen."""
FEWEST_LOOKS = 3


@dataclass(slots=True)
class _Seen:
    readable: bool = True
    ours: bool = False
    others: bool = False


class GpuUse:
    """What was seen of the processes on the devices `names`. `start_ns`: when the run began. `pids_match`: the driver names processes as
    this process does; in a container it may give their numbers on the host."""

    def __init__(self, names: Iterable[str], start_ns: int, pids_match: bool) -> None:
        self._by_name = {name: _Seen() for name in names}
        self._pids_match = pids_match
        self._start_ns = self._last_ns = start_ns
        self._longest_ns = 0
        self._looks = 0

    def looked(self, t_ns: int) -> None:
        """All devices are looked at now."""
        self._looks += 1
        self._longest_ns = max(self._longest_ns, t_ns - self._last_ns)
        self._last_ns = t_ns

    def saw(self, name: str, ours: Iterable[bool] | None) -> None:
        """What a look showed: for each process on the device whether it belongs to the run; None if the driver does not report them.
        Devices that are no GPU are left out."""
        seen = self._by_name.get(name)
        if seen is None:
            return
        if ours is None:
            seen.readable = False
            return
        for of_the_run in ours:
            seen.ours |= of_the_run
            seen.others |= not of_the_run

    @property
    def settled(self) -> bool:
        """Whether further looks can change nothing."""
        return all(seen.ours or not seen.readable for seen in self._by_name.values())

    def used(self) -> dict[str, bool | None]:
        """Whether the run used each device; None if that is not known.

        A process of the run on one device shows that its processes can be seen, and that it has begun to use GPUs; then the devices without
        one are not used. Without any such process it must be certain that none was missed: the numbers of processes match, no other
        process was there that the run may have started elsewhere (as a container), and the looks were frequent.
        """
        any_ours = any(seen.ours for seen in self._by_name.values())
        frequent = self._looks >= FEWEST_LOOKS and self._longest_ns <= max(UNSEEN_NS, UNSEEN_SHARE * (self._last_ns - self._start_ns))
        found: dict[str, bool | None] = {}
        for name, seen in self._by_name.items():
            if seen.ours:
                found[name] = True
            else:
                certain = any_ours or (self._pids_match and frequent and not seen.others)
                found[name] = False if seen.readable and certain else None
        return found
