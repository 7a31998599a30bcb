"""The work of runs in words."""
