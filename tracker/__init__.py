"""trainwatt: a live energy tracker for training runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if __name__ != "trainwatt":
    raise ImportError(
        f"this folder is the package trainwatt, and was imported as {__name__!r}: install the project (pip install -e .) and"
        " write `import trainwatt`"
    )

if TYPE_CHECKING:
    from .errors import ConfigurationError, RunNotFoundError, StoreError, TrainwattError
    from .presentation.notebook.runs import runs
    from .presentation.notebook.summary import Summary
    from .tracking.tracker import EnergyTracker

__all__ = ["ConfigurationError", "EnergyTracker", "RunNotFoundError", "StoreError", "Summary", "TrainwattError", "__version__", "runs"]


def __dir__() -> list[str]:
    """What there is to complete, loaded or not."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    """Load what is asked for when it is asked for, so that `import trainwatt` costs next to nothing."""
    from importlib import import_module

    for module, names in (
        ("tracking.tracker", ("EnergyTracker",)),
        ("presentation.notebook.summary", ("Summary",)),
        ("presentation.notebook.runs", ("runs",)),
        ("errors", ("ConfigurationError", "RunNotFoundError", "StoreError", "TrainwattError")),
    ):
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
