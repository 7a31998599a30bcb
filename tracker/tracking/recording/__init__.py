"""The writing thread: it stores what was read."""
