"""Upgrades a database to this trainwatt's schema, with Alembic."""

from __future__ import annotations

from ..errors import StoreError
from ..machine.resources import on_disk
from . import revision
from .engine import faults_of, lock_schema, make_engine, state, writing
from .place import masked
from .schema import METADATA


def migrate(place: str) -> None:
    """Bring the database at `place` (a file or a SQLAlchemy URL, empty or older) to the newest schema, all or nothing.

    Processes that do so at the same time wait for each other. Raises StoreError, NotADatabaseError and NewerSchemaError.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    engine = make_engine(place, writes=True, create=True)
    try:
        with on_disk(revision.MIGRATIONS) as scripts, faults_of(place), writing(engine) as connection:
            lock_schema(connection)
            # Read under the lock: another process may have been first.
            if state(connection, place) is revision.State.CURRENT:
                return
            config = Config()
            config.set_main_option("script_location", str(scripts).replace("%", "%%"))
            config.attributes.update(connection=connection, metadata=METADATA, statements_of=revision.statements_of)
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"{masked(place)} cannot be upgraded to schema {revision.head()}: {error}. Reinstall trainwatt, or name another "
            "place with --db, db= or TRAINWATT_DB."
        ) from error
    finally:
        engine.dispose()
