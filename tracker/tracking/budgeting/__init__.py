"""What a run has used so far, what it may use, and what it will use."""
