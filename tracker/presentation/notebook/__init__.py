"""The tables of a notebook, and the summary of a run."""
