"""It belongs here if it turns data into text, and does nothing else."""
