"""Signals of the command of `trainwatt run`."""
