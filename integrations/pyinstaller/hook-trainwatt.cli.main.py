"""The commands are loaded by name when they are called."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("trainwatt.cli")
