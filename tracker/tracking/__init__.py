"""It belongs here if it runs in the training process during a run."""
