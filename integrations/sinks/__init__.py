"""Runs under way where people already look: each file is a sink that users choose by name.

The group `trainwatt.sinks` of entry points in `pyproject.toml` names them. `trainwatt.core.Sink` says what one does, so that a package of
your own can offer more.
"""
