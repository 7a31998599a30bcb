"""A part of a run, as a context manager or decorator."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from .recording.phase_record import PhaseRecord

if TYPE_CHECKING:
    from .tracker import EnergyTracker


class Phase(contextlib.ContextDecorator):
    """A part of a run: made by `EnergyTracker.phase`."""

    def __init__(self, tracker: EnergyTracker, name: str, step: int | None, exact: bool, synchronize: bool) -> None:
        self.name = str(name)
        self.step = step
        self.exact = exact
        self.synchronize = synchronize
        self._tracker = tracker
        self._records: list[PhaseRecord | None] = []  # more than one where it is entered again before it ends

    def __enter__(self) -> Phase:
        record = None
        try:
            record = self._tracker._open_phase(self)
        except Exception as error:
            self._tracker._harmless.failed("a phase could not be recorded", error)
        self._records.append(record)
        return self

    def __exit__(self, *_: object) -> None:
        record = self._records.pop() if self._records else None
        if record is not None:
            try:
                self._tracker._close_phase(self, record)
            except Exception as error:
                self._tracker._harmless.failed("a phase could not be recorded", error)

    def _recreate_cm(self) -> Phase:
        return Phase(self._tracker, self.name, self.step, self.exact, self.synchronize)


def whole(step: object) -> int | None:
    """The number of an instance as it can be stored: a tensor's and NumPy's too; None for what is no whole number of 64 bits."""
    try:
        number = int(step)  # type: ignore[call-overload]
    except Exception:  # other people's type
        return None
    return number if -(2**63) <= number < 2**63 else None


def synchronize() -> None:
    """Wait for the GPU, if this process has used it through PyTorch."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
