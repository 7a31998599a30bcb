"""Runs in which several processes measure: the time and the devices of all of them, each counted once."""
