"""The queries of what happened within a run: its curves, what its devices did, its metrics."""
