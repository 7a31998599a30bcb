"""What a notebook shows, and the summary of a run."""
