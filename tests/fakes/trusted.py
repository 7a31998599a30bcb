"""What `trainwatt trust` does, in this process."""

from __future__ import annotations

from pathlib import Path

from trainwatt.settings import consent
from trainwatt.settings.search import SettingsFile, load


def trust(file: Path) -> None:
    """Allow what a file of settings names. XDG_STATE_HOME says where that is kept."""
    found = load(file)
    assert isinstance(found, SettingsFile), found
    consent.give(found.needed)
