"""trainwatt: a live energy and carbon tracker for training runs.

`__all__` lists the public names. Every other module and name in this package is private, except `trainwatt.core` (for sensors of your own)
and `trainwatt.integrations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if __name__ != "trainwatt":
    raise ImportError(
        f"this folder is the package trainwatt, but it was imported as {__name__!r}: install the project (pip install -e .) and"
        " write `import trainwatt`"
    )

if TYPE_CHECKING:
    from .config import Settings
    from .errors import BudgetExceeded, ConfigurationError, RunNotFoundError, StoreError, TrainwattError
    from .presentation.notebook.runs import runs
    from .presentation.notebook.summary import Summary
    from .tracking.tracker import EnergyTracker

__all__ = [
    "BudgetExceeded",
    "ConfigurationError",
    "EnergyTracker",
    "RunNotFoundError",
    "Settings",
    "StoreError",
    "Summary",
    "TrainwattError",
    "__version__",
    "runs",
]


def __dir__() -> list[str]:
    """All names, whether loaded or not, for completion."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that `import trainwatt` is fast."""
    from importlib import import_module

    from .unwarned import unwarned

    for module, names in (
        ("tracking.tracker", ("EnergyTracker",)),
        ("config", ("Settings",)),
        ("presentation.notebook.summary", ("Summary",)),
        ("presentation.notebook.runs", ("runs",)),
        ("errors", ("BudgetExceeded", "ConfigurationError", "RunNotFoundError", "StoreError", "TrainwattError")),
    ):
        if name in names:
            value = getattr(unwarned(import_module, f".{module}", __name__), name)
            globals()[name] = value
            return value
    if name == "torch":
        return import_module(".torch", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
