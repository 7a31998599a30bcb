"""The errors that trainwatt raises.

::

    TrainwattError
    ├── ConfigurationError      a setting is wrong
    │   └── NoHomeError         no database is named, and the user has no home folder
    ├── StoreError              the database cannot be used
    │   ├── NotADatabaseError   the file is something else
    │   ├── NewerSchemaError    a newer trainwatt wrote it
    │   ├── DamagedDatabaseError  its content is broken
    │   ├── StoreBusyError      another process holds it for too long
    │   ├── StoreStalledError   its filesystem does not answer
    │   └── StoreGoneError      it was deleted or replaced during a run
    ├── RunNotFoundError        no run has that id
    │   └── AmbiguousRunError   more than one run has that prefix
    ├── BudgetExceeded          the run has used its budget, and was asked to say so
    └── ReadError               one read of a sensor failed; the next may succeed
        └── SensorLostError     the sensor is gone and will not come back

Configuration and store errors are raised before training starts, and BudgetExceeded during it. Read errors never leave the sampler: they
become events.
Every message names the value, the reason and the remedy.
"""

from __future__ import annotations

import errno

NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
"""Why a file cannot be opened although nothing is wrong with it: this process, or the machine, has too many open."""
MORE_FILES = "This process may open no more files: raise its limit (`ulimit -n`), or close some."
LONGEST_MESSAGE = 20_000


class TrainwattError(Exception):
    """Base class of the errors that trainwatt raises. Its text is without secrets: it may quote a setting, a URL or another error."""

    def __str__(self) -> str:
        from .masking.text import scrubbed  # loaded only if there is something to say

        return scrubbed(super().__str__(), LONGEST_MESSAGE)


class ConfigurationError(TrainwattError, ValueError):
    """An argument, an environment variable or a configuration file has a wrong setting."""


class NoHomeError(ConfigurationError):
    """No place for the database is named, and the user has no home folder."""


class StoreError(TrainwattError):
    """The database cannot be used."""


class NotADatabaseError(StoreError):
    """The file exists and is not a trainwatt database."""


class NewerSchemaError(StoreError):
    """The database was written by a newer trainwatt than this one."""


class DamagedDatabaseError(StoreError):
    """The file is, or was, a SQLite database, but its content is broken."""


class StoreBusyError(StoreError):
    """Another process held the database for longer than the timeout."""


class StoreStalledError(StoreError):
    """The filesystem of the database did not answer in time. `in_doubt`: what was asked had begun, so it may still be done."""

    def __init__(self, text: str, *, in_doubt: bool = False) -> None:
        super().__init__(text)
        self.in_doubt = in_doubt


class StoreGoneError(StoreError):
    """The database was deleted, moved away or replaced while a run was written to it."""


class RunNotFoundError(TrainwattError, LookupError):
    """No stored run has the given id."""


class AmbiguousRunError(RunNotFoundError):
    """More than one stored run begins with the given id."""


class BudgetExceeded(TrainwattError):
    """The run has used its budget, and `on_budget="raise"` asks for this. It is raised in the loop only."""


class ReadError(TrainwattError):
    """One read of a sensor failed. Nothing is booked for it, and the next read may succeed."""


class SensorLostError(ReadError):
    """The sensor is gone, such as a GPU that fell off the bus. It will not be read again."""
