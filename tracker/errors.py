"""Everything trainwatt raises on purpose.

::

    TrainwattError
    ├── ConfigurationError      an argument, variable or file says something that cannot be done
    ├── StoreError              the database cannot be used as it is
    │   ├── NotADatabaseError   the file is something else
    │   ├── NewerSchemaError    a newer trainwatt wrote it
    │   ├── DamagedDatabaseError  its content is broken
    │   └── StoreBusyError      another process holds it for too long
    ├── RunNotFoundError        no run has that id
    │   └── AmbiguousRunError   more than one run has that prefix
    └── ReadError               one read of a sensor failed; the next may succeed
        └── SensorLostError     the sensor is gone and will not come back

Configuration and store errors are raised before training starts. Read errors never leave the sampler: they become events.
Every message names the value, the reason and the mend.
"""

from __future__ import annotations


class TrainwattError(Exception):
    """Base of everything raised on purpose."""


class ConfigurationError(TrainwattError, ValueError):
    """An argument, an environment variable or a configuration file asks for what cannot be done."""


class StoreError(TrainwattError):
    """The database cannot be used as it is."""


class NotADatabaseError(StoreError):
    """The file exists and is not a trainwatt database."""


class NewerSchemaError(StoreError):
    """The database was written by a newer trainwatt than this one."""


class DamagedDatabaseError(StoreError):
    """The file is, or was, a SQLite database, and its content is broken."""


class StoreBusyError(StoreError):
    """Another process held the database for longer than the timeout."""


class RunNotFoundError(TrainwattError, LookupError):
    """No stored run answers to the given id."""


class AmbiguousRunError(RunNotFoundError):
    """More than one stored run begins with the given id."""


class ReadError(TrainwattError):
    """One read of a sensor failed; nothing is booked for it, and the next read may succeed."""


class SensorLostError(ReadError):
    """The sensor is gone (a GPU off the bus, a zone unplugged); it will not be read again."""
