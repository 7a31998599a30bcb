"""PyInstaller: the hook that collects what a frozen program with trainwatt needs. PyInstaller finds it by an entry point."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """The folders with hooks, for the entry point `hook-dirs` (PyInstaller manual, "Providing PyInstaller Hooks with your Package")."""
    return [str(Path(__file__).parent)]
