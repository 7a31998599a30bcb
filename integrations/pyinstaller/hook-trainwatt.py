"""What PyInstaller does not see by itself: modules that are loaded by name when they are first used, and data files.

The commands are left out: `hook-trainwatt.cli.main.py` collects them for a program that has them. Alembic executes its scripts from a
folder of sources, so these are data files too.
"""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

_NOT_TRAINING = ("trainwatt.cli", "trainwatt.web", "trainwatt.life", "trainwatt.integrations", "trainwatt.storage.migrations.")

hiddenimports = [
    *("pynvml", "sqlite3", "logging.config", "alembic.ddl.sqlite"),
    *collect_submodules("trainwatt", filter=lambda name: not name.startswith(_NOT_TRAINING)),
]
datas = [
    *collect_data_files("trainwatt"),
    *collect_data_files("trainwatt.storage.migrations", include_py_files=True),
    *collect_data_files("alembic"),
]
excludedimports = ["lightning", "numpy", "pandas", "psycopg", "pyarrow", "pytorch_lightning", "torch"]
"""Optional libraries. A program that uses one imports it itself."""
