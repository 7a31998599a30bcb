"""Writing during a run, with the standard library only."""
